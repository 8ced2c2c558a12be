/* SPDX-License-Identifier: Apache-2.0
 *
 * BearSSL's plain C ChaCha20-Poly1305 in the place of a core: it keeps the contract of
 * firmware/core/vm.h, so the runner counts its instructions as it counts the core's. Built for the
 * bench only (scripts/bench-images.ts), with BearSSL from Debian's source package.
 * Exports, all pointers into linear memory, 12-byte nonce, 32-byte key, 16-byte tag:
 *   seal(key, nonce, aad, aad_len, ptr, len, tag)   in place
 *   open(key, nonce, aad, aad_len, ptr, len, tag)   1 when the tag is right; it is overwritten
 */
#include "arena.h"
#include "vm.h"

#include <string.h>

#include <bearssl_block.h>

#define MEMORY_BYTES 65536u

struct vm {
  uint8_t memory[MEMORY_BYTES];
};

static const struct {
  const char* name;
  uint32_t arg_count;
} EXPORTS[] = {{"seal", 7}, {"open", 7}};

static int32_t run(uint8_t* memory, const int32_t* args, int is_seal) {
  uint8_t tag[16];
  br_poly1305_ctmul_run(memory + args[0], memory + args[1], memory + args[4], (size_t)args[5],
                        memory + args[2], (size_t)args[3], tag, br_chacha20_ct_run, is_seal);
  uint8_t* place = memory + args[6];
  uint32_t difference = 0;
  for (int i = 0; i < 16; i++) difference |= (uint32_t)(place[i] ^ tag[i]);
  memcpy(place, tag, sizeof tag);
  return is_seal || difference == 0;
}

vm_status vm_open(vm** out, const vm_config* config) {
  (void)config;
  *out = arena_calloc(1, sizeof **out);
  return *out != NULL ? VM_OK : VM_NO_MEMORY;
}

void vm_close(vm* v) {
  arena_free(v);
}

int32_t vm_find(vm* v, const char* name, uint32_t* arg_count) {
  (void)v;
  for (uint32_t i = 0; i < sizeof EXPORTS / sizeof EXPORTS[0]; i++) {
    if (strcmp(EXPORTS[i].name, name) != 0) continue;
    *arg_count = EXPORTS[i].arg_count;
    return (int32_t)i;
  }
  return -1;
}

vm_status vm_call(vm* v, int32_t handle, const int32_t* args, uint32_t arg_count, int32_t* result) {
  (void)arg_count;
  *result = run(v->memory, args, handle == 0);
  return VM_OK;
}

uint8_t* vm_memory(vm* v, uint32_t* len) {
  *len = MEMORY_BYTES;
  return v->memory;
}

vm_status vm_grow(vm* v, uint32_t bytes) {
  (void)v;
  return bytes <= MEMORY_BYTES ? VM_OK : VM_NO_MEMORY;
}

const uint8_t* vm_value_stack(vm* v, uint32_t* len) {
  (void)v;
  *len = 0;
  return NULL;
}

void vm_drop_code(vm* v) {
  (void)v;
}

void vm_get_stats(const vm* v, vm_stats* out) {
  (void)v;
  memset(out, 0, sizeof *out);
  out->memory_bytes = MEMORY_BYTES;
}

const char* vm_why(void) {
  return "";
}
