/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the core on the bare machine for a host that asks through the mailbox (mailbox.h): tests,
 * benches and the constant-time gate, by way of host/core/engine-rv32.ts. Requests of one letter
 * are answered in order, several to a mailful. Numbers are little-endian u32 unless said.
 *
 *   request                                     reply: u8 vm_status, then
 *   'O' arena, memory, stack (bytes)            addresses: linear memory, value stack, native stack
 *   'F' u8 length, name                         handle, argument count
 *   'C' u8 argument count, handle, arguments    result, u64 instructions of the call alone
 *   'W' offset, length, bytes                   - (into linear memory)
 *   'S'                                         13 numbers (put_stats)
 *   'D'                                         - (drops compiled code)
 *   'Y'                                         u8 length, why the last request failed
 *
 * On the serial line: the runner says "RV32", the host answers with the mailbox's address. A fault
 * of the machine is 'F', mcause, mepc, mtval, and the end.
 */
#include "arena.h"
#include "machine.h"
#include "mailbox.h"
#include "vm.h"

#include <string.h>

#define MAX_ARGS 16
/** Looks at the mailbox this often before sleeping: about 0.1 ms, for hosts that ask at once. */
#define LOOKS_BEFORE_SLEEP 50000u

extern const uint8_t core_wasm[], core_wasm_end[];

static mailbox* box;
static const uint8_t* request;
static uint8_t* reply;
static vm* core;
static uint32_t counter_cost;

static uint8_t get_u8(void) {
  return *request++;
}

static uint32_t get_u32(void) {
  uint32_t value;
  memcpy(&value, request, sizeof value);
  request += sizeof value;
  return value;
}

static void put_u8(uint8_t value) {
  *reply++ = value;
}

static void put_u32(uint32_t value) {
  memcpy(reply, &value, sizeof value);
  reply += sizeof value;
}

static void open_core(void) {
  uint32_t ignored;
  uint32_t arena_bytes = get_u32();
  vm_config config = {.wasm = core_wasm, .wasm_bytes = (uint32_t)(core_wasm_end - core_wasm)};
  config.memory_bytes = get_u32();
  config.stack_bytes = get_u32();
  arena_init(image_end, arena_bytes);
  stack_paint();
  vm_status status = vm_open(&core, &config);
  put_u8((uint8_t)status);
  put_u32(status == VM_OK ? (uint32_t)vm_memory(core, &ignored) : 0);
  put_u32(status == VM_OK ? (uint32_t)vm_value_stack(core, &ignored) : 0);
  put_u32((uint32_t)stack_bottom);
}

static void find(void) {
  char name[256] = {0};
  uint32_t arg_count = 0;
  uint8_t length = get_u8();
  memcpy(name, request, length);
  request += length;
  int32_t handle = core != NULL ? vm_find(core, name, &arg_count) : -1;
  put_u8(handle >= 0 ? VM_OK : VM_BAD_CALL);
  put_u32((uint32_t)handle);
  put_u32(arg_count);
}

static void call(void) {
  int32_t args[MAX_ARGS];
  int32_t result = 0;
  uint8_t arg_count = get_u8();
  int32_t handle = (int32_t)get_u32();
  for (uint8_t i = 0; i < arg_count; i++) args[i % MAX_ARGS] = (int32_t)get_u32();
  uint64_t before = instructions_retired();
  vm_status status = core != NULL ? vm_call(core, handle, args, arg_count, &result) : VM_DEAD;
  uint64_t instructions = instructions_retired() - before - counter_cost;
  put_u8((uint8_t)status);
  put_u32((uint32_t)result);
  put_u32((uint32_t)instructions);
  put_u32((uint32_t)(instructions >> 32));
}

static void write_memory(void) {
  uint32_t total = 0;
  uint8_t* memory = core != NULL ? vm_memory(core, &total) : NULL;
  uint32_t offset = get_u32();
  uint32_t length = get_u32();
  int is_inside = length <= total && offset <= total - length;
  if (is_inside) memcpy(memory + offset, request, length);
  request += length;
  put_u8(is_inside ? VM_OK : VM_TRAP_BOUNDS);
}

static void put_stats(void) {
  vm_stats code = {0};
  arena_stats heap;
  uint32_t value_stack = 0;
  if (core != NULL) {
    vm_get_stats(core, &code);
    vm_value_stack(core, &value_stack);
  }
  arena_get_stats(&heap);
  put_u8(VM_OK);
  put_u32(code.code_bytes);
  put_u32(code.code_used);
  put_u32(code.functions);
  put_u32(code.compiled);
  put_u32(code.memory_bytes);
  put_u32(value_stack);
  put_u32(heap.size);
  put_u32(heap.in_use);
  put_u32(heap.high_water);
  put_u32(heap.top);
  put_u32(stack_high_water());
  put_u32((uint32_t)(stack_top - stack_bottom));
  put_u32((uint32_t)(image_end - stack_top));
}

static void drop_code(void) {
  if (core != NULL) vm_drop_code(core);
  put_u8(VM_OK);
}

static void put_why(void) {
  uint8_t length = (uint8_t)strlen(vm_why());
  put_u8(VM_OK);
  put_u8(length);
  memcpy(reply, vm_why(), length);
  reply += length;
}

static void answer(uint8_t letter) {
  switch (letter) {
  case 'O':
    open_core();
    break;
  case 'F':
    find();
    break;
  case 'C':
    call();
    break;
  case 'W':
    write_memory();
    break;
  case 'S':
    put_stats();
    break;
  case 'D':
    drop_code();
    break;
  case 'Y':
    put_why();
    break;
  default:
    machine_off(); /* the host is of another version */
  }
}

static void answer_mail(uint32_t sequence) {
  request = box->requests;
  reply = box->replies;
  const uint8_t* end = request + box->request_bytes;
  while (request < end) answer(get_u8());
  box->reply_bytes = (uint32_t)(reply - box->replies);
  __asm__ volatile("fence" ::: "memory");
  box->reply_sequence = sequence;
}

static uint32_t wait_for_mail(uint32_t last) {
  for (;;) {
    for (uint32_t looks = 0; looks < LOOKS_BEFORE_SLEEP; looks++) {
      if (box->request_sequence != last) return box->request_sequence;
    }
    serial_read(); /* the bell */
  }
}

static void say_u32(uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) serial_write((uint8_t)(value >> shift));
}

/** Reached from the start-up code, such as when the stack runs over. */
_Noreturn void runner_fault(uint32_t cause, uint32_t pc, uint32_t address) {
  serial_write('F');
  say_u32(cause);
  say_u32(pc);
  say_u32(address);
  machine_off();
}

/** The start-up code calls it in the place of main. */
_Noreturn void runner_run(void) {
  machine_start();
  uint64_t before = instructions_retired();
  counter_cost = (uint32_t)(instructions_retired() - before);
  for (const char* p = "RV32"; *p != 0; p++) serial_write((uint8_t)*p);
  uint32_t address = 0;
  for (int shift = 0; shift < 32; shift += 8) address |= (uint32_t)serial_read() << shift;
  box = (mailbox*)address;
  for (uint32_t sequence = 0;;) {
    sequence = wait_for_mail(sequence);
    answer_mail(sequence);
  }
}
