/* SPDX-License-Identifier: Apache-2.0
 *
 * How the host and the runner talk: the machine's RAM is a file that the host reads and writes, and
 * the top 1 MiB of it is a mailbox. The host writes requests, then their sequence number; the
 * runner answers all of them, then writes the same number beside its replies. Linear memory and
 * stacks are read in place. The serial line only carries the start, a bell for a runner that
 * sleeps, and faults. The other side is host/core/engine-rv32-machine.ts.
 */
#ifndef SEALEDTUNNEL_VIRT_MAILBOX_H
#define SEALEDTUNNEL_VIRT_MAILBOX_H

/** The host's word to a firmware's image that it is to be the runner, and where: beyond a device's
 * RAM, below a host's mailbox (start_flash.S). */
#define RUNNER_MARK_ADDRESS 0x80100000
#define RUNNER_MARK 0x4e4e5552 /* "RUNN" */

#ifndef __ASSEMBLER__

#include <stdint.h>

#define MAILBOX_BODY_BYTES (512u * 1024u - 64u)

typedef struct mailbox {
  volatile uint32_t request_sequence;
  volatile uint32_t request_bytes;
  uint8_t unused_1[56];
  uint8_t requests[MAILBOX_BODY_BYTES];
  volatile uint32_t reply_sequence;
  volatile uint32_t reply_bytes;
  uint8_t unused_2[56];
  uint8_t replies[MAILBOX_BODY_BYTES];
} mailbox;

#endif

#endif
