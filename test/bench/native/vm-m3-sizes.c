/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiles single functions of the core under wasm3 and says what each takes in RAM. It answers the
 * runner in the place of firmware/core/vm_wasm3.c, which is linked with its own vm_find and vm_call
 * renamed (scripts/bench-images.ts) and does the rest. Built for the bench only.
 * Exports: count() functions in the module; compile(i) compiles function i and gives the bytes of
 * M3 code and constants that it took, -1 when it failed.
 */
#include "vm.h"

#include "m3_env.h"

#include <string.h>

enum { COUNT, COMPILE };

/* As vm_wasm3.c begins its own. */
struct vm {
  IM3Environment environment;
  IM3Runtime runtime;
  IM3Module module;
};

int32_t vm_find(vm* v, const char* name, uint32_t* arg_count) {
  (void)v;
  int is_compile = strcmp(name, "compile") == 0;
  *arg_count = is_compile ? 1 : 0;
  return is_compile ? COMPILE : strcmp(name, "count") == 0 ? COUNT : -1;
}

static int32_t compile(vm* v, uint32_t index) {
  vm_stats before, after;
  IM3Function f = &v->module->functions[index];
  vm_get_stats(v, &before);
  if (f->compiled == NULL && CompileFunction(f) != m3Err_none) return -1;
  vm_get_stats(v, &after);
  return (int32_t)(after.code_used - before.code_used);
}

vm_status vm_call(vm* v, int32_t handle, const int32_t* args, uint32_t arg_count, int32_t* result) {
  (void)arg_count;
  *result = handle == COUNT ? (int32_t)v->module->numFunctions : compile(v, (uint32_t)args[0]);
  return VM_OK;
}
