/* SPDX-License-Identifier: Apache-2.0
 *
 * The start of the port and what it knows of itself, beside core/port.h: for main.cpp and the
 * tests' own applications.
 */
#ifndef SEALEDTUNNEL_VIRT_PORT_VIRT_H
#define SEALEDTUNNEL_VIRT_PORT_VIRT_H

#include <stdint.h>

/** Memory, chance, network and watchdog, in this order. Ends the machine where one is not there. */
void port_start();

/** Bytes, for a status and for the table of the device's RAM. */
struct PortMemory {
  uint32_t data;       /* .data and .bss, with lwIP's heap, pools and the driver's buffers */
  uint32_t stack;      /* given to it */
  uint32_t stack_most; /* used of it at most */
  uint32_t heap;       /* lwIP's */
  uint32_t heap_most;  /* used of it at most */
  uint32_t arena;      /* the rest of RAM */
  uint32_t arena_most; /* used of it at most */
};
PortMemory port_memory();

#endif
