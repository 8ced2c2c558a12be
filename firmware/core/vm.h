/* SPDX-License-Identifier: Apache-2.0
 *
 * Running the core's WASM file: the contract between firmware (or the Node addon) above and one of
 * two implementations below, vm_wasm3.c (interpreter) and vm_aot.c (the same file compiled ahead of
 * time by wasm2c). One of the two is linked. No other file knows wasm3 or wasm2c.
 *
 * Exports take and return i32 only; there are no imports. A trap ends the instance: every later
 * call answers VM_DEAD until it is closed. Nothing here is re-entrant.
 */
#ifndef SEALEDTUNNEL_VM_H
#define SEALEDTUNNEL_VM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vm vm;

/** What a call into the vm ended with. Traps are 1 to 15; the rest are the caller's or a limit's.
 */
typedef enum vm_status {
  VM_OK = 0,
  VM_TRAP_UNREACHABLE = 1,
  VM_TRAP_BOUNDS = 2,   /* linear memory, outside of its size */
  VM_TRAP_DIVIDE = 3,   /* integer division by zero */
  VM_TRAP_OVERFLOW = 4, /* integer division out of range */
  VM_TRAP_STACK = 5,    /* the value stack is too small */
  VM_TRAP_OTHER = 6,
  VM_DEAD = 16,       /* trapped earlier */
  VM_NO_MEMORY = 17,  /* for the module, its memory or its compiled code */
  VM_BAD_MODULE = 18, /* not a module, or beyond what the vm can run; vm_why says more */
  VM_BAD_CALL = 19,   /* no such export, or other arguments than it takes */
} vm_status;

typedef struct vm_config {
  const uint8_t* wasm; /* must outlive the instance; the ahead-of-time vm ignores it */
  uint32_t wasm_bytes;
  uint32_t memory_bytes; /* linear memory, any size; 0 is what the module asks for */
  uint32_t stack_bytes;  /* value stack of the interpreter */
} vm_config;

typedef struct vm_stats {
  uint32_t code_bytes;   /* RAM held by compiled code and constants, with page headers and ends */
  uint32_t code_used;    /* bytes of it in use */
  uint32_t functions;    /* in the module */
  uint32_t compiled;     /* of them compiled now */
  uint32_t memory_bytes; /* linear memory */
} vm_stats;

/** Makes an instance. On anything but VM_OK, `*out` is NULL and nothing stays allocated. */
vm_status vm_open(vm** out, const vm_config* config);

/** Frees everything that vm_open and later calls took. `v` may be NULL. */
void vm_close(vm* v);

/** The handle (>= 0) of an exported function, and how many arguments it takes; -1 if there is none.
 */
int32_t vm_find(vm* v, const char* name, uint32_t* arg_count);

/** Calls the export. Compiles it first if need be. `*result` is 0 where the export returns nothing.
 */
vm_status vm_call(vm* v, int32_t handle, const int32_t* args, uint32_t arg_count, int32_t* result);

/** Linear memory and its length. The address is stable until vm_grow or vm_close. */
uint8_t* vm_memory(vm* v, uint32_t* len);

/** Grows linear memory to at least `bytes`, zero-filled; it may move. */
vm_status vm_grow(vm* v, uint32_t bytes);

/** The interpreter's value stack, to look for what was left on it; NULL and 0 ahead of time. */
const uint8_t* vm_value_stack(vm* v, uint32_t* len);

/**
 * Gives compiled code back; it is compiled again when next called. What calls left on the value
 * stack, keys too, is wiped. Never while a call runs.
 */
void vm_drop_code(vm* v);

/** RAM held by compiled code, in a few instructions; vm_get_stats adds the constants. */
uint32_t vm_code_bytes(const vm* v);

void vm_get_stats(const vm* v, vm_stats* out);

/** Why the last vm_open, vm_call or vm_grow failed, in words, for a log. Never NULL. */
const char* vm_why(void);

#ifdef __cplusplus
}
#endif

#endif
