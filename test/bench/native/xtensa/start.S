/* SPDX-License-Identifier: Apache-2.0
 *
 * First instructions on QEMU's lx60 board with an lx106 core (Xtensa, call0, no windows), and the
 * emulator's own calls. Before it: QEMU, which loads the image and clears RAM. After it: player.c.
 */
  .section .text.start, "ax"
  .literal_position
  .globl _start
_start:
  movi a1, stack_top
  call0 player_run

  /* int32_t simulator(number, three arguments): as the function's own, so nothing is moved. */
  .globl simulator
simulator:
  simcall
  ret.n
