/* SPDX-License-Identifier: Apache-2.0
 *
 * Node-API glue around firmware/core/vm_wasm3.c, the same vm that boards run. index.ts is the only
 * caller and keeps the promises that are not checked here: arguments have the types named below.
 * An instance lives until it is closed or its handle is collected. Linear memory is lent to
 * JavaScript as an external ArrayBuffer, which is detached before the memory moves or goes.
 *
 *   open(wasm: Uint8Array, stackBytes, memoryBytes) -> instance    bind(instance, name) -> function
 *   memory(instance) -> ArrayBuffer    grow(instance, bytes)       stack(instance) -> ArrayBuffer
 * (copy) stats(instance) -> object of numbers    drop(instance)    close(instance)
 *
 * Errors carry vm_status as their code, in decimal.
 */
#include <node_api.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm.h"

#define MAX_ARGS 16
#define NAME_BYTES 256

typedef struct instance {
  vm* vm; /* NULL once closed */
  uint8_t* wasm;
  napi_ref buffer; /* the lent ArrayBuffer, weak; NULL when none is */
  uint32_t owners; /* the handle and each bound function */
} instance;

typedef struct binding {
  instance* of;
  int32_t handle;
  uint32_t arg_count;
} binding;

static napi_value fail(napi_env env, vm_status status, const char* text) {
  char code[12];
  snprintf(code, sizeof code, "%d", (int)status);
  napi_throw_error(env, code, text);
  return NULL;
}

/** Takes memory back from JavaScript: whatever still holds the buffer sees it empty. */
static void detach_memory(napi_env env, instance* of) {
  if (of->buffer == NULL) return;
  napi_value buffer = NULL;
  if (napi_get_reference_value(env, of->buffer, &buffer) == napi_ok && buffer != NULL) {
    napi_detach_arraybuffer(env, buffer);
  }
  napi_delete_reference(env, of->buffer);
  of->buffer = NULL;
}

static void close_instance(napi_env env, instance* of) {
  detach_memory(env, of);
  vm_close(of->vm);
  of->vm = NULL;
  free(of->wasm);
  of->wasm = NULL;
}

static void release(napi_env env, instance* of) {
  if (--of->owners != 0) return;
  close_instance(env, of);
  free(of);
}

static void finalize_instance(napi_env env, void* data, void* hint) {
  (void)hint;
  release(env, data);
}

static void finalize_binding(napi_env env, void* data, void* hint) {
  (void)hint;
  binding* bound = data;
  release(env, bound->of);
  free(bound);
}

/** Reads up to three arguments; the first is an open instance, except for `open`. */
static instance* get_args(napi_env env, napi_callback_info info, napi_value args[3]) {
  size_t count = 3;
  void* of = NULL;
  napi_get_cb_info(env, info, &count, args, NULL, NULL);
  napi_get_value_external(env, args[0], &of);
  if (of != NULL && ((instance*)of)->vm != NULL) return of;
  fail(env, VM_DEAD, "the instance is closed");
  return NULL;
}

static vm_status open_vm(instance* of, const uint8_t* wasm, size_t length, vm_config* config) {
  of->wasm = malloc(length);
  if (of->wasm == NULL) return VM_NO_MEMORY;
  memcpy(of->wasm, wasm, length); /* wasm3 points into it for as long as it runs */
  config->wasm = of->wasm;
  config->wasm_bytes = (uint32_t)length;
  return vm_open(&of->vm, config);
}

static napi_value open_instance(napi_env env, napi_callback_info info) {
  napi_value args[3];
  size_t count = 3;
  void* wasm;
  size_t length;
  vm_config config = {0};
  napi_get_cb_info(env, info, &count, args, NULL, NULL);
  napi_get_typedarray_info(env, args[0], NULL, &length, &wasm, NULL, NULL);
  napi_get_value_uint32(env, args[1], &config.stack_bytes);
  napi_get_value_uint32(env, args[2], &config.memory_bytes);
  instance* of = calloc(1, sizeof *of);
  if (of == NULL) return fail(env, VM_NO_MEMORY, "no memory for an instance");
  of->owners = 1;
  vm_status status = open_vm(of, wasm, length, &config);
  napi_value handle = NULL;
  if (status == VM_OK) napi_create_external(env, of, finalize_instance, NULL, &handle);
  if (handle != NULL) return handle;
  release(env, of);
  return fail(env, status, vm_why());
}

static napi_value call_bound(napi_env env, napi_callback_info info) {
  napi_value values[MAX_ARGS];
  size_t count = MAX_ARGS;
  void* data;
  int32_t args[MAX_ARGS];
  int32_t result;
  napi_get_cb_info(env, info, &count, values, NULL, &data);
  const binding* bound = data;
  if (bound->of->vm == NULL) return fail(env, VM_DEAD, "the instance is closed");
  if (count != bound->arg_count) return fail(env, VM_BAD_CALL, "wrong number of arguments");
  for (size_t i = 0; i < count; i++) {
    if (napi_get_value_int32(env, values[i], &args[i]) != napi_ok) {
      return fail(env, VM_BAD_CALL, "an argument is not a number");
    }
  }
  vm_status status = vm_call(bound->of->vm, bound->handle, args, (uint32_t)count, &result);
  if (status != VM_OK) return fail(env, status, vm_why());
  napi_value returned;
  napi_create_int32(env, result, &returned);
  return returned;
}

static napi_value bind_export(napi_env env, napi_callback_info info) {
  napi_value args[3];
  char name[NAME_BYTES];
  size_t length;
  instance* of = get_args(env, info, args);
  if (of == NULL) return NULL;
  napi_get_value_string_utf8(env, args[1], name, sizeof name, &length);
  uint32_t arg_count;
  int32_t handle = vm_find(of->vm, name, &arg_count);
  if (handle < 0) return fail(env, VM_BAD_CALL, "no such export");
  binding* bound = malloc(sizeof *bound);
  if (bound == NULL) return fail(env, VM_NO_MEMORY, "no memory for a function");
  *bound = (binding){of, handle, arg_count};
  of->owners += 1;
  napi_value function;
  napi_create_function(env, name, length, call_bound, bound, &function);
  napi_add_finalizer(env, function, bound, finalize_binding, NULL, NULL);
  return function;
}

static napi_value lend_memory(napi_env env, napi_callback_info info) {
  napi_value args[3];
  instance* of = get_args(env, info, args);
  if (of == NULL) return NULL;
  uint32_t length;
  uint8_t* memory = vm_memory(of->vm, &length);
  napi_value buffer = NULL;
  if (of->buffer != NULL) napi_get_reference_value(env, of->buffer, &buffer);
  if (buffer != NULL) return buffer;
  detach_memory(env, of); /* a collected buffer leaves an empty reference */
  napi_create_external_arraybuffer(env, memory, length, NULL, NULL, &buffer);
  napi_create_reference(env, buffer, 0, &of->buffer);
  return buffer;
}

static napi_value grow_memory(napi_env env, napi_callback_info info) {
  napi_value args[3];
  uint32_t bytes;
  instance* of = get_args(env, info, args);
  if (of == NULL) return NULL;
  napi_get_value_uint32(env, args[1], &bytes);
  detach_memory(env, of);
  vm_status status = vm_grow(of->vm, bytes);
  return status == VM_OK ? NULL : fail(env, status, vm_why());
}

static napi_value copy_stack(napi_env env, napi_callback_info info) {
  napi_value args[3];
  instance* of = get_args(env, info, args);
  if (of == NULL) return NULL;
  uint32_t length;
  const uint8_t* stack = vm_value_stack(of->vm, &length);
  void* data;
  napi_value buffer;
  napi_create_arraybuffer(env, length, &data, &buffer);
  memcpy(data, stack, length);
  return buffer;
}

static napi_value get_stats(napi_env env, napi_callback_info info) {
  napi_value args[3];
  instance* of = get_args(env, info, args);
  if (of == NULL) return NULL;
  vm_stats stats;
  vm_get_stats(of->vm, &stats);
  const struct {
    const char* name;
    uint32_t value;
  } fields[] = {
      {"codeBytes", stats.code_bytes},     {"codeUsedBytes", stats.code_used},
      {"functions", stats.functions},      {"compiledFunctions", stats.compiled},
      {"memoryBytes", stats.memory_bytes},
  };
  napi_value out;
  napi_create_object(env, &out);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    napi_value value;
    napi_create_uint32(env, fields[i].value, &value);
    napi_set_named_property(env, out, fields[i].name, value);
  }
  return out;
}

static napi_value drop_code(napi_env env, napi_callback_info info) {
  napi_value args[3];
  instance* of = get_args(env, info, args);
  if (of != NULL) vm_drop_code(of->vm);
  return NULL;
}

static napi_value close_now(napi_env env, napi_callback_info info) {
  napi_value args[3];
  instance* of = get_args(env, info, args);
  if (of != NULL) close_instance(env, of);
  return NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"open", NULL, open_instance, NULL, NULL, NULL, napi_default, NULL},
      {"bind", NULL, bind_export, NULL, NULL, NULL, napi_default, NULL},
      {"memory", NULL, lend_memory, NULL, NULL, NULL, napi_default, NULL},
      {"grow", NULL, grow_memory, NULL, NULL, NULL, napi_default, NULL},
      {"stack", NULL, copy_stack, NULL, NULL, NULL, napi_default, NULL},
      {"stats", NULL, get_stats, NULL, NULL, NULL, napi_default, NULL},
      {"drop", NULL, drop_code, NULL, NULL, NULL, napi_default, NULL},
      {"close", NULL, close_now, NULL, NULL, NULL, napi_default, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
  return exports;
}
