/* SPDX-License-Identifier: Apache-2.0
 *
 * First instructions on QEMU's riscv32 virt machine: stack, zeroed .bss, trap vector, then the runner.
 * With -bios none the machine starts at 0x80000000, whatever the ELF's entry. The stack lies right
 * above these few bytes and grows down to them, so that running over its end leaves RAM and faults
 * instead of writing over other data (link.ld).
 */
  .section .text.start, "ax"
  .globl _start
_start:
  la sp, stack_top
  j zero_bss

  .text
zero_bss:
  .option push
  .option norelax
  la gp, __global_pointer$ /* the linker shortens addresses with it from here on */
  .option pop
  la a0, bss_start
  la a1, bss_end
1:
  bgeu a0, a1, 2f
  sw zero, 0(a0)
  addi a0, a0, 4
  j 1b
2:
  .option push
  .option arch, +zicsr
  la a0, on_fault
  csrw mtvec, a0
  .option pop
  call runner_run
3:
  j 3b

  /* A fault is never returned from: it is told to the host on a stack of its own. */
  .balign 4
on_fault:
  la sp, fault_stack_top
  .option push
  .option arch, +zicsr
  csrr a0, mcause
  csrr a1, mepc
  csrr a2, mtval
  .option pop
  j runner_fault

  .bss
  .balign 16
  .space 512
fault_stack_top:
