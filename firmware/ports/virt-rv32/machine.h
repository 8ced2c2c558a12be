/* SPDX-License-Identifier: Apache-2.0
 *
 * QEMU's riscv32 virt machine: a serial line, interrupts to sleep by, time, a watchdog, the
 * instruction counter, and how deep the stack went. For the runner and for the firmware's port.
 * Addresses are those of the machine's device tree in QEMU 7.2.
 */
#ifndef SEALEDTUNNEL_VIRT_MACHINE_H
#define SEALEDTUNNEL_VIRT_MACHINE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define MACHINE_NO_RETURN [[noreturn]]
#else
#define MACHINE_NO_RETURN _Noreturn
#endif

/** Serial line and its interrupt. */
void machine_start(void);

/** Lets a device's interrupt (1 to 31) wake the machine. */
void machine_enable_irq(uint32_t irq);

/** The next byte from the host; sleeps until there is one. */
uint8_t serial_read(void);
int serial_has_data(void);
void serial_write(uint8_t byte);

/** Ticks since the machine started, 10 MHz. */
uint64_t machine_time(void);
#define MACHINE_TICKS_PER_MS 10000u

/** Sleeps until a device's interrupt is pending, or until `time`; may wake for nothing. */
void machine_sleep_until(uint64_t time);
/** Tells the interrupt controller that what woke the machine was seen to, at the devices first. */
void machine_end_interrupts(void);

/** Starts the machine anew when this is not called again before `time`: its timer's interrupt. */
void machine_watch_until(uint64_t time);

/** Instructions retired since the machine started. Exact with -icount shift=0. */
uint64_t instructions_retired(void);

/** Fills the free part of the stack with a pattern, for stack_high_water. */
void stack_paint(void);
/** The most bytes of stack in use since it was painted. */
uint32_t stack_high_water(void);

/** Ends the machine; QEMU exits. */
MACHINE_NO_RETURN void machine_off(void);
/** Resets the machine. */
MACHINE_NO_RETURN void machine_restart(void);

extern uint8_t stack_bottom[], stack_top[], image_end[];

#ifdef __cplusplus
}
#endif

#endif
