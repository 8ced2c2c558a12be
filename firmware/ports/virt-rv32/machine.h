/* SPDX-License-Identifier: Apache-2.0
 *
 * QEMU's riscv32 virt machine as the runner needs it: a serial line, the instruction counter, and
 * how deep the stack went. Addresses are those of the machine's device tree in QEMU 7.2.
 */
#ifndef SEALEDTUNNEL_VIRT_MACHINE_H
#define SEALEDTUNNEL_VIRT_MACHINE_H

#include <stdint.h>

/** Serial line and its interrupt. */
void machine_start(void);

/** The next byte from the host; sleeps until there is one. */
uint8_t serial_read(void);
void serial_write(uint8_t byte);

/** Instructions retired since the machine started. Exact with -icount shift=0. */
uint64_t instructions_retired(void);

/** Fills the free part of the stack with a pattern, for stack_high_water. */
void stack_paint(void);
/** The most bytes of stack in use since it was painted. */
uint32_t stack_high_water(void);

/** Ends the machine; QEMU exits. */
_Noreturn void machine_off(void);

extern uint8_t stack_bottom[], stack_top[], image_end[];

#endif
