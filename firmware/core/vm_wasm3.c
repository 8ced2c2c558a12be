/* SPDX-License-Identifier: Apache-2.0
 *
 * The vm on wasm3 0.5.0, for boards, the emulator and the Node addon. See vm.h for the contract.
 * Beyond wasm3's public interface it does three things. The size of linear memory is decided before
 * the module is loaded, since wasm3 misjudges the old size when it resizes a limited memory. Names
 * of exports are given back and looked up in the file. And compiled code is given back in place:
 * every function is marked as not compiled and all code pages are freed, never some of them,
 * because calls are patched and may point into any page.
 *
 * Only our own module is ever loaded (0.5.0 has known faults with hostile ones).
 */
#include "vm.h"

#include "m3_env.h"

#define PAGE_BYTES 65536u
#define MAX_ARGS 16
#define HEADER_BYTES 8
#define SECTION_EXPORT 7

struct vm {
  IM3Environment environment;
  IM3Runtime runtime;
  IM3Module module;
  const uint8_t* wasm;
  const uint8_t* wasm_end;
  uint32_t stack_bytes;
  int is_dead;
};

static const char* why = "";

static const struct {
  const M3Result* message;
  vm_status status;
} RESULTS[] = {
    {&m3Err_trapUnreachable, VM_TRAP_UNREACHABLE},
    {&m3Err_trapOutOfBoundsMemoryAccess, VM_TRAP_BOUNDS},
    {&m3Err_trapDivisionByZero, VM_TRAP_DIVIDE},
    {&m3Err_trapIntegerOverflow, VM_TRAP_OVERFLOW},
    {&m3Err_trapStackOverflow, VM_TRAP_STACK},
    {&m3Err_mallocFailed, VM_NO_MEMORY},
    {&m3Err_mallocFailedCodePage, VM_NO_MEMORY},
};

/** wasm3 tells its errors apart by the address of their text. */
static vm_status status_of(M3Result result, vm_status otherwise) {
  if (result == m3Err_none) return VM_OK;
  why = result;
  for (size_t i = 0; i < sizeof RESULTS / sizeof RESULTS[0]; i++) {
    if (*RESULTS[i].message == result) return RESULTS[i].status;
  }
  return otherwise;
}

static vm_status fail(vm_status status, const char* text) {
  why = text;
  return status;
}

const char* vm_why(void) {
  return why;
}

/** Bounds checks use the limit, memory.size the pages: both are set before anything is allocated.
 */
static vm_status size_memory(vm* v, uint32_t bytes) {
  M3MemoryInfo* info = &v->module->memoryInfo;
  if (bytes == 0) return VM_OK;
  uint32_t pages = (uint32_t)(((uint64_t)bytes + PAGE_BYTES - 1) / PAGE_BYTES);
  if (info->maxPages != 0 && pages > info->maxPages) {
    return fail(VM_BAD_MODULE, "memory is larger than the module's maximum");
  }
  if (pages > info->initPages) info->initPages = pages;
  v->runtime->memoryLimit = bytes;
  return VM_OK;
}

static vm_status load(vm* v, const vm_config* config) {
  v->environment = m3_NewEnvironment();
  if (v->environment == NULL) return fail(VM_NO_MEMORY, m3Err_mallocFailed);
  v->runtime = m3_NewRuntime(v->environment, config->stack_bytes, NULL);
  if (v->runtime == NULL) return fail(VM_NO_MEMORY, m3Err_mallocFailed);
  IM3Module module = NULL;
  M3Result result = m3_ParseModule(v->environment, &module, config->wasm, config->wasm_bytes);
  if (result != m3Err_none) return status_of(result, VM_BAD_MODULE);
  v->module = module;
  vm_status status = size_memory(v, config->memory_bytes);
  if (status == VM_OK) status = status_of(m3_LoadModule(v->runtime, module), VM_BAD_MODULE);
  if (status != VM_OK) {
    v->module = NULL;
    m3_FreeModule(module); /* the runtime owns it only once it is loaded */
  }
  return status;
}

/** About 30 bytes for each export. */
static void free_names(IM3Module module) {
  for (uint32_t i = 0; i < module->numFunctions; i++) {
    IM3Function f = &module->functions[i];
    for (uint32_t k = 0; k < f->numNames; k++) m3_Free(f->names[k]);
    f->numNames = 0;
    f->export_name = NULL;
  }
  for (uint32_t i = 0; i < module->numGlobals; i++) m3_Free(module->globals[i].name);
}

vm_status vm_open(vm** out, const vm_config* config) {
  *out = NULL;
  vm* v = m3_AllocStruct(vm);
  if (v == NULL) return fail(VM_NO_MEMORY, m3Err_mallocFailed);
  v->wasm = config->wasm;
  v->wasm_end = config->wasm + config->wasm_bytes;
  v->stack_bytes = config->stack_bytes;
  vm_status status = load(v, config);
  if (status != VM_OK) {
    vm_close(v);
    return status;
  }
  free_names(v->module);
  *out = v;
  return VM_OK;
}

void vm_close(vm* v) {
  if (v == NULL) return;
  m3_FreeRuntime(v->runtime);
  m3_FreeEnvironment(v->environment);
  m3_Free(v);
}

static int is_all_i32(IM3Function f) {
  for (uint32_t i = 0; i < m3_GetArgCount(f); i++) {
    if (m3_GetArgType(f, i) != c_m3Type_i32) return 0;
  }
  if (m3_GetRetCount(f) > 1 || m3_GetArgCount(f) > MAX_ARGS) return 0;
  return m3_GetRetCount(f) == 0 || m3_GetRetType(f, 0) == c_m3Type_i32;
}

/** LEB128. wasm3 has been through the file: it is what it should be. */
static uint32_t take_u32(const uint8_t** at) {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const uint8_t byte = *(*at)++;
    value |= (uint32_t)(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

/** Where the exports are counted; NULL: there are none. */
static const uint8_t* find_exports(const vm* v) {
  for (const uint8_t* at = v->wasm + HEADER_BYTES; at < v->wasm_end;) {
    const uint8_t id = *at++;
    const uint32_t bytes = take_u32(&at);
    if (id == SECTION_EXPORT) return at;
    at += bytes;
  }
  return NULL;
}

static IM3Function find_function(const vm* v, const char* name) {
  const size_t wanted = strlen(name);
  const uint8_t* at = find_exports(v);
  if (at == NULL) return NULL;
  for (uint32_t left = take_u32(&at); left > 0; left--) {
    const uint32_t length = take_u32(&at);
    const int is_name = length == wanted && memcmp(at, name, length) == 0;
    at += length;
    const uint8_t kind = *at++;
    const uint32_t index = take_u32(&at);
    if (is_name && kind == d_externalKind_function) return &v->module->functions[index];
  }
  return NULL;
}

int32_t vm_find(vm* v, const char* name, uint32_t* arg_count) {
  const IM3Function f = find_function(v, name);
  if (f == NULL || !is_all_i32(f)) return -1;
  *arg_count = m3_GetArgCount(f);
  return (int32_t)(f - v->module->functions);
}

static vm_status check_call(vm* v, int32_t handle, uint32_t arg_count) {
  if (v->is_dead) return fail(VM_DEAD, "the instance trapped earlier");
  if (handle < 0 || (uint32_t)handle >= v->module->numFunctions) {
    return fail(VM_BAD_CALL, "no such export");
  }
  if (m3_GetArgCount(&v->module->functions[handle]) != arg_count) {
    return fail(VM_BAD_CALL, "wrong number of arguments");
  }
  return VM_OK;
}

static M3Result run(IM3Function f, const int32_t* args, uint32_t arg_count, int32_t* result) {
  const void* pointers[MAX_ARGS];
  for (uint32_t i = 0; i < arg_count; i++) pointers[i] = &args[i];
  M3Result failure = f->compiled ? m3Err_none : CompileFunction(f);
  if (failure == m3Err_none) failure = m3_Call(f, arg_count, pointers);
  *result = 0;
  if (failure != m3Err_none || m3_GetRetCount(f) == 0) return failure;
  const void* returned[1] = {result};
  return m3_GetResults(f, 1, returned);
}

vm_status vm_call(vm* v, int32_t handle, const int32_t* args, uint32_t arg_count, int32_t* result) {
  vm_status status = check_call(v, handle, arg_count);
  if (status != VM_OK) return status;
  IM3Function f = &v->module->functions[handle];
  status = status_of(run(f, args, arg_count, result), VM_TRAP_OTHER);
  if (status != VM_OK) v->is_dead = 1;
  return status;
}

uint8_t* vm_memory(vm* v, uint32_t* len) {
  return m3_GetMemory(v->runtime, len, 0);
}

vm_status vm_grow(vm* v, uint32_t bytes) {
  uint32_t before;
  vm_memory(v, &before);
  if (bytes <= before) return VM_OK;
  IM3Runtime runtime = v->runtime;
  uint32_t pages = (uint32_t)(((uint64_t)bytes + PAGE_BYTES - 1) / PAGE_BYTES);
  uint32_t limit = runtime->memoryLimit;
  runtime->memoryLimit = 0;
  vm_status status = status_of(ResizeMemory(runtime, pages), VM_NO_MEMORY);
  if (status != VM_OK) {
    runtime->memoryLimit = limit;
    return status;
  }
  uint32_t after;
  uint8_t* memory = vm_memory(v, &after);
  memset(memory + before, 0, after - before);
  return VM_OK;
}

const uint8_t* vm_value_stack(vm* v, uint32_t* len) {
  *len = v->stack_bytes;
  return v->runtime->stack;
}

void vm_drop_code(vm* v) {
  memset(v->runtime->stack, 0, v->stack_bytes);
  for (uint32_t i = 0; i < v->module->numFunctions; i++) {
    IM3Function f = &v->module->functions[i];
    f->compiled = NULL;
    f->numConstantBytes = 0;
    m3_Free(f->constants);
  }
  FreeCodePages(&v->runtime->pagesOpen);
  FreeCodePages(&v->runtime->pagesFull);
  FreeCodePages(&v->environment->pagesReleased);
  v->runtime->numCodePages = 0;
  v->runtime->lastCalled = NULL;
}

uint32_t vm_code_bytes(const vm* v) {
  return v->runtime->numCodePages * d_m3CodePageAlignSize;
}

static void count_pages(const M3CodePage* page, vm_stats* out) {
  for (; page != NULL; page = page->info.next) {
    out->code_bytes += sizeof(M3CodePageHeader) + page->info.numLines * sizeof(code_t);
    out->code_used += page->info.lineIndex * sizeof(code_t);
  }
}

void vm_get_stats(const vm* v, vm_stats* out) {
  memset(out, 0, sizeof *out);
  count_pages(v->runtime->pagesOpen, out);
  count_pages(v->runtime->pagesFull, out);
  count_pages(v->environment->pagesReleased, out);
  out->functions = v->module->numFunctions;
  for (uint32_t i = 0; i < out->functions; i++) {
    const M3Function* f = &v->module->functions[i];
    out->compiled += f->compiled != NULL;
    out->code_bytes += f->numConstantBytes;
    out->code_used += f->numConstantBytes;
  }
  out->memory_bytes = m3_GetMemorySize(v->runtime);
}
