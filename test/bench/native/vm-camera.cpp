/* SPDX-License-Identifier: Apache-2.0
 *
 * The camera's synthetic frames in the place of a core: it keeps the contract of
 * firmware/core/vm.h, so the runner counts their instructions as it counts the core's. Built for
 * the bench only (scripts/bench-images.ts). Exports: step(ms)   goes on with the frame of this
 * time: its bytes when it is made, else 0
 */
#include "camera_sizes.h"
#include "frame_source.h"

#include <string.h>

extern "C" {
#include "arena.h"
#include "vm.h"
}

struct vm {
  uint8_t frame[camera::FRAME_MOST];
};

vm_status vm_open(vm** out, const vm_config*) {
  *out = static_cast<vm*>(arena_calloc(1, sizeof **out));
  return *out != nullptr && camera::frame_start() ? VM_OK : VM_NO_MEMORY;
}

void vm_close(vm* v) {
  arena_free(v);
}

int32_t vm_find(vm*, const char* name, uint32_t* arg_count) {
  *arg_count = 1;
  return strcmp(name, "step") == 0 ? 0 : -1;
}

vm_status vm_call(vm* v, int32_t, const int32_t* args, uint32_t, int32_t* result) {
  const uint32_t ms = static_cast<uint32_t>(args[0]);
  camera::Frame made = {};
  const camera::Uptime now = {ms / 1000, ms % 1000};
  const camera::Capture capture = camera::frame_next(now, v->frame, sizeof v->frame, &made);
  *result = capture == camera::Capture::Made ? static_cast<int32_t>(made.bytes) : 0;
  return VM_OK;
}

uint8_t* vm_memory(vm* v, uint32_t* len) {
  *len = sizeof v->frame;
  return v->frame;
}

vm_status vm_grow(vm*, uint32_t bytes) {
  return bytes <= camera::FRAME_MOST ? VM_OK : VM_NO_MEMORY;
}

const uint8_t* vm_value_stack(vm*, uint32_t* len) {
  *len = 0;
  return nullptr;
}

void vm_drop_code(vm*) {}

void vm_get_stats(const vm*, vm_stats* out) {
  memset(out, 0, sizeof *out);
  out->memory_bytes = camera::FRAME_MOST;
}

const char* vm_why(void) {
  return "";
}
