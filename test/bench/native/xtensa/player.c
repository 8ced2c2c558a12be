/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays recorded calls into the core under wasm3 on a bare Xtensa machine, and says how deep the
 * stack went. Before it: test/bench/xtensa-stack.ts, which recorded them under V8. After it: vm.h.
 *
 * Standard input, u32 each, little-endian: linear memory in bytes, then steps:
 *   CALL, function, argument count, arguments, the result that is expected
 *   WRITE, offset, length, then the bytes, into linear memory
 *   END
 * Standard output: an outcome, the call it is about, the most bytes of stack, the call that needed
 * them first. Calls count from 0.
 */
#include "arena.h"
#include "vm.h"

#include <string.h>

enum { END, CALL, WRITE };
enum { PLAYED, NOT_OPENED, CALL_FAILED, OTHER_RESULT, BAD_INPUT };
enum { SIMULATOR_EXIT = 1, SIMULATOR_READ = 3, SIMULATOR_WRITE = 4 };

#define VALUE_STACK_BYTES 4096u
#define ARENA_BYTES (1u << 20)
#define MAX_ARGS 16u
#define PAINT 0xa5a5a5a5u

extern int32_t simulator(int32_t number, int32_t a, int32_t b, int32_t c);
extern uint32_t stack_bottom[], stack_top[];
extern const uint8_t core_wasm[], core_wasm_end[];

static uint8_t arena[ARENA_BYTES] __attribute__((aligned(8)));
static uint32_t call_count, most_bytes, deepest_call;

static _Noreturn void finish(uint32_t outcome) {
  const uint32_t told[4] = {outcome, call_count, most_bytes, deepest_call};
  simulator(SIMULATOR_WRITE, 1, (int32_t)told, sizeof told);
  simulator(SIMULATOR_EXIT, 0, 0, 0);
  for (;;) {
  }
}

static void get(void* to, uint32_t bytes) {
  for (uint32_t done = 0; done < bytes;) {
    int32_t count =
        simulator(SIMULATOR_READ, 0, (int32_t)((uint8_t*)to + done), (int32_t)(bytes - done));
    if (count <= 0) finish(BAD_INPUT);
    done += (uint32_t)count;
  }
}

static uint32_t get_u32(void) {
  uint32_t value;
  get(&value, sizeof value);
  return value;
}

static void paint_stack(void) {
  const uint32_t* here = __builtin_frame_address(0);
  for (volatile uint32_t* p = stack_bottom; p < here - 16; p++) *p = PAINT;
}

static void look_at_stack(void) {
  const uint32_t* p = stack_bottom;
  while (*p == PAINT) p++;
  const uint32_t bytes = (uint32_t)((const uint8_t*)stack_top - (const uint8_t*)p);
  if (bytes <= most_bytes) return;
  most_bytes = bytes;
  deepest_call = call_count;
}

static void call(vm* core) {
  int32_t args[MAX_ARGS];
  int32_t result = 0;
  const int32_t function = (int32_t)get_u32();
  const uint32_t arg_count = get_u32();
  if (arg_count > MAX_ARGS) finish(BAD_INPUT);
  get(args, arg_count * sizeof args[0]);
  const int32_t expected = (int32_t)get_u32();
  if (vm_call(core, function, args, arg_count, &result) != VM_OK) finish(CALL_FAILED);
  if (result != expected) finish(OTHER_RESULT);
  look_at_stack();
  call_count++;
}

static void write_memory(vm* core) {
  uint32_t total;
  uint8_t* memory = vm_memory(core, &total);
  const uint32_t offset = get_u32();
  const uint32_t length = get_u32();
  if (length > total || offset > total - length) finish(BAD_INPUT);
  get(memory + offset, length);
}

static vm* open_core(void) {
  vm* core;
  const vm_config config = {
      .wasm = core_wasm,
      .wasm_bytes = (uint32_t)(core_wasm_end - core_wasm),
      .memory_bytes = get_u32(),
      .stack_bytes = VALUE_STACK_BYTES,
  };
  arena_init(arena, sizeof arena);
  if (vm_open(&core, &config) != VM_OK) finish(NOT_OPENED);
  return core;
}

_Noreturn void player_run(void) {
  paint_stack();
  vm* core = open_core();
  for (;;) {
    switch (get_u32()) {
    case CALL:
      call(core);
      break;
    case WRITE:
      write_memory(core);
      break;
    case END:
      finish(PLAYED);
    default:
      finish(BAD_INPUT);
    }
  }
}

_Noreturn void abort(void) {
  finish(CALL_FAILED);
}
