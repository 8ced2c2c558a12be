/* SPDX-License-Identifier: Apache-2.0
 *
 * The vm on code compiled ahead of time by wasm2c 1.0.32 from the same core.wasm. See vm.h for the
 * contract. aot_exports.h is generated beside wasm2c's output (scripts/wasm2c.ts) and hides its
 * names: `aot_instance`, AOT_INIT, AOT_INSTANTIATE, AOT_MEMORY and the table AOT_EXPORTS.
 *
 * What wasm2c's output asks of its host is at the end: traps leave by longjmp, memory comes from
 * the arena and may be smaller than a page, because every access is checked against its size.
 */
#include "arena.h"
#include "vm.h"

#include <setjmp.h>
#include <string.h>

#include "aot_exports.h"

#define PAGE_BYTES 65536u

struct vm {
  aot_instance instance;
  int is_dead;
};

/* Linear memory of the instance that runs. The compiled code sees both as constants. */
uint8_t* aot_data;
uint32_t aot_size;

static const char* why = "";
static jmp_buf trap_exit;
static uint32_t wanted_memory_bytes; /* vm_open's wish, for wasm_rt_allocate_memory below */

static vm_status fail(vm_status status, const char* text) {
  why = text;
  return status;
}

static vm_status trapped(int trap) {
  switch (trap) {
  case WASM_RT_TRAP_OOB:
    return fail(VM_TRAP_BOUNDS, "[trap] out of bounds memory access");
  case WASM_RT_TRAP_INT_OVERFLOW:
    return fail(VM_TRAP_OVERFLOW, "[trap] integer overflow");
  case WASM_RT_TRAP_DIV_BY_ZERO:
    return fail(VM_TRAP_DIVIDE, "[trap] integer divide by zero");
  case WASM_RT_TRAP_UNREACHABLE:
    return fail(VM_TRAP_UNREACHABLE, "[trap] unreachable executed");
  case WASM_RT_TRAP_EXHAUSTION:
    return fail(VM_TRAP_STACK, "[trap] stack overflow");
  default:
    return fail(VM_TRAP_OTHER, "[trap] other");
  }
}

const char* vm_why(void) {
  return why;
}

static vm_status start(vm* v) {
  static int is_initialised;
  int trap = setjmp(trap_exit);
  if (trap != 0) return trapped(trap);
  if (!is_initialised) AOT_INIT();
  is_initialised = 1;
  AOT_INSTANTIATE(&v->instance);
  return VM_OK;
}

vm_status vm_open(vm** out, const vm_config* config) {
  *out = NULL;
  vm* v = arena_calloc(1, sizeof *v);
  if (v == NULL) return fail(VM_NO_MEMORY, "no memory for the instance");
  wanted_memory_bytes = config->memory_bytes;
  vm_status status = start(v);
  if (AOT_MEMORY(&v->instance)->data == NULL) status = fail(VM_NO_MEMORY, "no linear memory");
  if (status != VM_OK) {
    vm_close(v);
    return status == VM_TRAP_BOUNDS ? fail(VM_BAD_MODULE, "data segment out of bounds") : status;
  }
  *out = v;
  return VM_OK;
}

void vm_close(vm* v) {
  if (v == NULL) return;
  arena_free(AOT_MEMORY(&v->instance)->data);
  arena_free(v);
}

int32_t vm_find(vm* v, const char* name, uint32_t* arg_count) {
  (void)v;
  for (uint32_t i = 0; i < AOT_EXPORT_COUNT; i++) {
    if (strcmp(AOT_EXPORTS[i].name, name) != 0) continue;
    *arg_count = AOT_EXPORTS[i].arg_count;
    return (int32_t)i;
  }
  return -1;
}

static vm_status check_call(const vm* v, int32_t handle, uint32_t arg_count) {
  if (v->is_dead) return fail(VM_DEAD, "the instance trapped earlier");
  if (handle < 0 || (uint32_t)handle >= AOT_EXPORT_COUNT)
    return fail(VM_BAD_CALL, "no such export");
  if (AOT_EXPORTS[handle].arg_count != arg_count) {
    return fail(VM_BAD_CALL, "wrong number of arguments");
  }
  return VM_OK;
}

vm_status vm_call(vm* v, int32_t handle, const int32_t* args, uint32_t arg_count, int32_t* result) {
  vm_status status = check_call(v, handle, arg_count);
  if (status != VM_OK) return status;
  int trap = setjmp(trap_exit);
  if (trap != 0) {
    v->is_dead = 1;
    return trapped(trap);
  }
  aot_data = vm_memory(v, &aot_size);
  *result = AOT_EXPORTS[handle].run(&v->instance, args);
  return VM_OK;
}

uint8_t* vm_memory(vm* v, uint32_t* len) {
  *len = AOT_MEMORY(&v->instance)->size;
  return AOT_MEMORY(&v->instance)->data;
}

vm_status vm_grow(vm* v, uint32_t bytes) {
  wasm_rt_memory_t* memory = AOT_MEMORY(&v->instance);
  if (bytes <= memory->size) return VM_OK;
  uint32_t pages = (uint32_t)(((uint64_t)bytes + PAGE_BYTES - 1) / PAGE_BYTES);
  uint8_t* grown = arena_realloc(memory->data, (size_t)pages * PAGE_BYTES);
  if (grown == NULL) return fail(VM_NO_MEMORY, "no linear memory");
  memset(grown + memory->size, 0, pages * PAGE_BYTES - memory->size);
  memory->data = grown;
  memory->pages = pages;
  memory->size = pages * PAGE_BYTES;
  return VM_OK;
}

const uint8_t* vm_value_stack(vm* v, uint32_t* len) {
  (void)v;
  *len = 0;
  return NULL;
}

void vm_drop_code(vm* v) {
  (void)v;
} /* it is in flash */

uint32_t vm_code_bytes(const vm* v) {
  (void)v;
  return 0;
}

void vm_get_stats(const vm* v, vm_stats* out) {
  memset(out, 0, sizeof *out);
  out->functions = AOT_EXPORT_COUNT;
  out->compiled = AOT_EXPORT_COUNT;
  out->memory_bytes = AOT_MEMORY((aot_instance*)&v->instance)->size;
}

/* What the compiled code asks of its host. */

void wasm_rt_trap(wasm_rt_trap_t code) {
  longjmp(trap_exit, (int)code);
}

bool wasm_rt_is_initialized(void) {
  return true;
}

void wasm_rt_allocate_memory(wasm_rt_memory_t* memory, uint32_t initial, uint32_t max) {
  uint32_t size = wanted_memory_bytes != 0 ? wanted_memory_bytes : initial * PAGE_BYTES;
  uint32_t pages = (uint32_t)(((uint64_t)size + PAGE_BYTES - 1) / PAGE_BYTES);
  memory->data = arena_calloc(1, size);
  memory->size = memory->data != NULL ? size : 0;
  memory->pages = pages > initial ? pages : initial;
  memory->max_pages = max;
}

void wasm_rt_free_memory(wasm_rt_memory_t* memory) {
  arena_free(memory->data);
}

/** Types are only compared by call_indirect, which the core does not use: a counter is enough. */
uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...) {
  static uint32_t registered;
  (void)params;
  (void)results;
  return ++registered;
}
