/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiles single functions of the core under wasm3 and says what each takes in RAM. It keeps the
 * contract of firmware/core/vm.h, so that host/core/engine-rv32.ts can ask; the real vm does the
 * rest and is linked under other names (scripts/bench-images.ts). Built for the bench only.
 * Exports:
 *   count()        functions in the module
 *   compile(i)     compiles function i; bytes of M3 code and constants it took, -1 when it failed
 */
#include "m3_env.h"
#include "vm.h"

#include <string.h>

/* vm_wasm3.c, compiled with its open and stats under these names. Its struct begins so. */
struct vm {
  IM3Environment environment;
  IM3Runtime runtime;
  IM3Module module;
};

vm_status wasm3_open(vm** out, const vm_config* config);
void vm_close(vm* v);

#define EXPORT_COUNT 2

int32_t wasm3_find(vm* v, const char* name, uint32_t* arg_count);
vm_status wasm3_call(vm* v, int32_t handle, const int32_t* args, uint32_t count, int32_t* result);

vm_status vm_open(vm** out, const vm_config* config) {
  return wasm3_open(out, config);
}

int32_t vm_find(vm* v, const char* name, uint32_t* arg_count) {
  (void)v;
  *arg_count = strcmp(name, "compile") == 0;
  return strcmp(name, "count") == 0 ? 0 : *arg_count == 1 ? 1 : -1;
}

vm_status vm_call(vm* v, int32_t handle, const int32_t* args, uint32_t arg_count, int32_t* result) {
  (void)arg_count;
  if (handle == 0) {
    *result = (int32_t)v->module->numFunctions;
    return VM_OK;
  }
  vm_stats before, after;
  vm_get_stats(v, &before);
  IM3Function f = &v->module->functions[args[0]];
  M3Result failure = f->compiled != NULL ? m3Err_none : CompileFunction(f);
  vm_get_stats(v, &after);
  *result = failure == m3Err_none ? (int32_t)(after.code_used - before.code_used) : -1;
  return VM_OK;
}
