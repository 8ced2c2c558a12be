/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine's devices (machine.h): 16550 serial port, interrupt controller, timer, power switch.
 * No device's interrupt is ever taken, wfi only wakes up on one: so the count of instructions in a
 * call is the same whatever the host sends meanwhile. The timer's is taken by the watchdog alone,
 * which never returns (start_flash.S).
 */
#include "machine.h"

#define SERIAL 0x10000000u
#define SERIAL_IRQ 10u
#define PLIC 0x0c000000u
#define POWER 0x00100000u
#define TIMER_COMPARE 0x02004000u
#define TIMER 0x0200bff8u

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

#define MOST_IRQS 32u
#define MIE_EXTERNAL 0x800u
#define MIE_TIMER 0x80u
#define MSTATUS_MIE 8u
#define POWER_OFF 0x5555u
#define POWER_RESET 0x7777u
#define PAINT 0xa5a5a5a5u

/** Clears, sets or writes bits of a control register; the assembler alone is told of zicsr. */
#define CSR(operation, name, bits)                                                                 \
  __asm__ volatile(".option push\n .option arch, +zicsr\n " operation " " name                     \
                   ", %0\n .option pop" ::"r"(bits)                                                \
                   : "memory")

void machine_start(void) {
  SERIAL_FIFO = 1;
  SERIAL_INTERRUPTS = 1; /* on received data */
  PLIC_ENABLE = 0;
  machine_enable_irq(SERIAL_IRQ);
  CSR("csrw", "mie", MIE_EXTERNAL);
}

void machine_enable_irq(uint32_t irq) {
  PLIC_PRIORITY(irq) = 1;
  PLIC_ENABLE |= 1u << irq;
}

int serial_has_data(void) {
  return SERIAL_STATUS & STATUS_HAS_DATA;
}

uint8_t serial_read(void) {
  while (!serial_has_data()) {
    __asm__ volatile("wfi");
    machine_end_interrupts();
  }
  return SERIAL_DATA;
}

void serial_write(uint8_t byte) {
  while (!(SERIAL_STATUS & STATUS_CAN_SEND)) {
  }
  SERIAL_DATA = byte;
}

uint64_t machine_time(void) {
  uint32_t high, low;
  do {
    high = REG32(TIMER + 4);
    low = REG32(TIMER);
  } while (high != REG32(TIMER + 4));
  return (uint64_t)high << 32 | low;
}

/** Never in the past for a moment between the two writes. */
static void set_timer(uint64_t time) {
  REG32(TIMER_COMPARE + 4) = 0xffffffffu;
  REG32(TIMER_COMPARE) = (uint32_t)time;
  REG32(TIMER_COMPARE + 4) = (uint32_t)(time >> 32);
}

void machine_sleep_until(uint64_t time) {
  CSR("csrc", "mstatus", MSTATUS_MIE);
  set_timer(time);
  CSR("csrw", "mie", MIE_EXTERNAL | MIE_TIMER);
  __asm__ volatile("wfi" ::: "memory");
}

void machine_end_interrupts(void) {
  /* Bounded: a device that was not seen to asks again. */
  for (uint32_t i = 0; i < MOST_IRQS; i++) {
    const uint32_t claimed = PLIC_CLAIM;
    if (claimed == 0) return;
    PLIC_CLAIM = claimed;
  }
}

void machine_watch_until(uint64_t time) {
  set_timer(time);
  CSR("csrw", "mie", MIE_TIMER);
  CSR("csrs", "mstatus", MSTATUS_MIE);
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

static _Noreturn void switch_power(uint32_t how) {
  REG32(POWER) = how;
  for (;;) {
  }
}

void machine_off(void) {
  switch_power(POWER_OFF);
}

void machine_restart(void) {
  switch_power(POWER_RESET);
}
