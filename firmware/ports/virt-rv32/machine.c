/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine's devices (machine.h): 16550 serial port, interrupt controller, power switch.
 * Interrupts are never taken: mstatus.MIE stays off, and wfi only wakes up on one. So the count of
 * instructions in a call is the same whatever the host sends meanwhile.
 */
#include "machine.h"

#define SERIAL 0x10000000u
#define SERIAL_IRQ 10u
#define PLIC 0x0c000000u
#define POWER 0x00100000u

#define REG8(address) (*(volatile uint8_t*)(address))
#define REG32(address) (*(volatile uint32_t*)(address))

#define SERIAL_DATA REG8(SERIAL + 0)
#define SERIAL_INTERRUPTS REG8(SERIAL + 1)
#define SERIAL_FIFO REG8(SERIAL + 2)
#define SERIAL_STATUS REG8(SERIAL + 5)
#define STATUS_HAS_DATA 0x01
#define STATUS_CAN_SEND 0x20

#define PLIC_PRIORITY(irq) REG32(PLIC + 4 * (irq))
#define PLIC_ENABLE REG32(PLIC + 0x2000)
#define PLIC_CLAIM REG32(PLIC + 0x200004)

#define MIE_EXTERNAL 0x800u
#define POWER_OFF 0x5555u
#define PAINT 0xa5a5a5a5u

void machine_start(void) {
  SERIAL_FIFO = 1;
  SERIAL_INTERRUPTS = 1; /* on received data */
  PLIC_PRIORITY(SERIAL_IRQ) = 1;
  PLIC_ENABLE = 1u << SERIAL_IRQ;
  __asm__ volatile(
      ".option push\n .option arch, +zicsr\n csrs mie, %0\n .option pop" ::"r"(MIE_EXTERNAL));
}

uint8_t serial_read(void) {
  while (!(SERIAL_STATUS & STATUS_HAS_DATA)) {
    __asm__ volatile("wfi");
    uint32_t claimed = PLIC_CLAIM;
    if (claimed != 0) PLIC_CLAIM = claimed;
  }
  return SERIAL_DATA;
}

void serial_write(uint8_t byte) {
  while (!(SERIAL_STATUS & STATUS_CAN_SEND)) {
  }
  SERIAL_DATA = byte;
}

uint64_t instructions_retired(void) {
  uint32_t high, low, again;
  do {
    __asm__ volatile(".option push\n .option arch, +zicsr\n"
                     "csrr %0, minstreth\n csrr %1, minstret\n csrr %2, minstreth\n"
                     ".option pop"
                     : "=r"(high), "=r"(low), "=r"(again)::"memory");
  } while (high != again);
  return (uint64_t)high << 32 | low;
}

void stack_paint(void) {
  uint32_t* here = __builtin_frame_address(0);
  for (volatile uint32_t* p = (uint32_t*)stack_bottom; p < here - 16; p++) *p = PAINT;
}

uint32_t stack_high_water(void) {
  const uint32_t* p = (const uint32_t*)stack_bottom;
  while (*p == PAINT) p++;
  return (uint32_t)(stack_top - (const uint8_t*)p);
}

void machine_off(void) {
  REG32(POWER) = POWER_OFF;
  for (;;) {
  }
}
