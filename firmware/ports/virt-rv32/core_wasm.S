/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of core.wasm in the image, for the vm that interprets them. CORE_WASM is the file's
 * path; none where the core is compiled ahead of time.
 */
  .section .rodata.core_wasm, "a"
  .globl core_wasm, core_wasm_end
  .balign 4
core_wasm:
#ifdef CORE_WASM
  .incbin CORE_WASM
#endif
core_wasm_end:
