/* SPDX-License-Identifier: Apache-2.0
 *
 * First instructions of the firmware, in flash at 0x20000000, where a reset of the machine goes:
 * stack, data, zeroed .bss, static constructors, then main. A host that wants to run the core
 * alone starts the image with more RAM than the device has, and with a word in it that says so:
 * then the runner takes over (runner.c, host/core/engine-rv32-machine.ts).
 */
#include "mailbox.h"

#define GUARD_START 0x7fff0000
#define GUARD_BYTES 0x10000
#define PMP_LOCKED 0x80
#define PMP_POWER_OF_TWO 0x18

  .section .text.start, "ax"
  .globl _start
_start:
  /* Below RAM lies a window of PCI, which swallows what is written to it: the 64 KiB under the
   * stack are locked, so that running over its end faults at once. */
  li a0, GUARD_START >> 2 | GUARD_BYTES / 8 - 1
  li a1, PMP_LOCKED | PMP_POWER_OF_TWO
  .option push
  .option arch, +zicsr
  csrw pmpaddr0, a0
  csrw pmpcfg0, a1
  .option pop

  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  la sp, stack_top

  la a0, data_start
  la a1, data_end
  la a2, data_in_flash
1:
  bgeu a0, a1, 2f
  lw a3, 0(a2)
  sw a3, 0(a0)
  addi a0, a0, 4
  addi a2, a2, 4
  j 1b
2:
  la a0, bss_start
  la a1, bss_end
3:
  bgeu a0, a1, 4f
  sw zero, 0(a0)
  addi a0, a0, 4
  j 3b
4:
  la s0, constructors_start
  la s1, constructors_end
5:
  bgeu s0, s1, 6f
  lw a0, 0(s0)
  jalr a0
  addi s0, s0, 4
  j 5b

  /* Is there RAM beyond the device's, and the runner's word in it? Reading no RAM faults. */
6:
  .option push
  .option arch, +zicsr
  la a0, run_firmware
  csrw mtvec, a0
  .option pop
  li a0, RUNNER_MARK_ADDRESS
  lw a1, 0(a0)
  li a2, RUNNER_MARK
  bne a1, a2, run_firmware
  .option push
  .option arch, +zicsr
  la a0, on_runner_fault
  csrw mtvec, a0
  .option pop
  call runner_run

  .balign 4
run_firmware:
  .option push
  .option arch, +zicsr
  la a0, on_trap
  csrw mtvec, a0
  .option pop
  call main
7:
  j 7b

  /* Neither is ever returned from, so the stack begins anew. An interrupt is the timer's:
   * no other is ever let through. */
  .balign 4
on_trap:
  la sp, stack_top
  .option push
  .option arch, +zicsr
  csrr a0, mcause
  csrr a1, mepc
  csrr a2, mtval
  .option pop
  bltz a0, 8f
  j machine_fault
8:
  j machine_watchdog

  .balign 4
on_runner_fault:
  la sp, stack_top
  .option push
  .option arch, +zicsr
  csrr a0, mcause
  csrr a1, mepc
  csrr a2, mtval
  .option pop
  j runner_fault

