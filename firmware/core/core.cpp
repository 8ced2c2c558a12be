/* SPDX-License-Identifier: Apache-2.0
 *
 * See core.h. core_hash.gen.h is made by the build: EXPECTED_HASH, the SHA-256 of build/core.wasm.
 */
#include "core.h"

#include "arena.h"
#include "core_hash.gen.h"
#include "sha256.h"
#include "sizes.h"
#include "vm.h"
#include "writer.h"

#include <string.h>

namespace {

constexpr uint32_t EXPORT_COUNT = static_cast<uint32_t>(core::Export::Count);
constexpr uint32_t HASH_DIGITS = 16;
/** What any call may compile, and what one may that has run before and goes another way now. */
constexpr uint32_t LIGHT_KIB = 10;
constexpr uint32_t OTHER_WAY_KIB = 15;
/** Code is made of pointers: these are KiB of a machine with pointers of 32 bits. */
constexpr uint32_t WORD_KIB = 1024 * sizeof(void*) / 4;

struct Known {
  const char* name;
  uint8_t parameters;
};

constexpr Known EXPORTS[] = {
#define X(name, parameters) {#name, parameters},
    CORE_CALLS(X)
#undef X
};

struct Named {
  const char* name;
  int16_t value;
};

#define X(name, value) {#name, value},
constexpr Named STATUSES[] = {CORE_STATUSES(X)};
constexpr Named REASONS[] = {CORE_REASONS(X)};
#undef X

template<size_t COUNT>
const char* name_in(const Named (&names)[COUNT], int32_t value, const char* otherwise) {
  for (const Named& known : names) {
    if (known.value == value) return known.name;
  }
  return otherwise;
}

vm* instance = nullptr;
bool has_ended = true;
int16_t handles[EXPORT_COUNT];
uint8_t* memory = nullptr;
uint32_t memory_bytes = 0;
int32_t arg_at = 0;
bool is_inside = false; /* a call runs */
/** What each call has had compiled since code was given back. */
uint32_t compiled[EXPORT_COUNT];
char why_text[96];
char hash_digits[HASH_DIGITS + 1];

void end(const char* what, const char* where) {
  has_ended = true;
  Writer(why_text, sizeof why_text).text(what).text(" in ").text(where);
}

bool fail(const char* what) {
  has_ended = true;
  Writer(why_text, sizeof why_text).text(what);
  return false;
}

bool is_expected(const uint8_t* wasm, uint32_t bytes) {
#ifdef CORE_AHEAD_OF_TIME
  (void)wasm, (void)bytes;
  return true;
#else
  uint8_t hash[SHA256_BYTES];
  sha256(wasm, bytes, hash);
  return memcmp(hash, EXPECTED_HASH, sizeof hash) == 0;
#endif
}

bool find_exports() {
  for (uint32_t i = 0; i < EXPORT_COUNT; i++) {
    uint32_t parameters = 0;
    int32_t handle = vm_find(instance, EXPORTS[i].name, &parameters);
    if (handle < 0 || parameters != EXPORTS[i].parameters) {
      Writer(why_text, sizeof why_text).text("the core has no ").text(EXPORTS[i].name);
      return false;
    }
    handles[i] = static_cast<int16_t>(handle);
  }
  return true;
}

bool start(uint32_t now) {
  memory = vm_memory(instance, &memory_bytes);
  arg_at = core::arg_ptr();
  uint32_t sizes[CORE_SIZE_COUNT];
  memcpy(sizes, sizes::DEVICE, sizeof sizes);
  if (sizes[CORE_SIZE_MEMORY_BYTES] > memory_bytes) sizes[CORE_SIZE_MEMORY_BYTES] = memory_bytes;
  uint8_t* to = core::at(core::sizes_ptr(), sizeof sizes);
  if (to == nullptr) return false;
  memcpy(to, sizes, sizeof sizes);
  int32_t status = core::start(CORE_ROLE_STLINK, static_cast<int32_t>(now));
  if (status == CORE_STATUS_OK) return true;
  if (!has_ended) end(core::status_name(status), "start");
  return false;
}

/**
 * KiB that one call has compiled at most, measured on RV32 with nothing compiled before it, and
 * some more. A call that runs out of memory while it compiles ends the core, so there is room
 * before.
 */
uint32_t code_kib(core::Export name) {
  switch (name) {
  case core::Export::hop_rx_step:
    return 50;
  case core::Export::work:
    return 36;
  case core::Export::hop_tx_fill:
    return 30;
  case core::Export::config_load:
  case core::Export::hop_open:
    return 22;
  case core::Export::tick:
  case core::Export::in_commit:
    return 15;
  default:
    return LIGHT_KIB;
  }
}

/** How much of it may still have to be compiled. */
uint32_t missing_code(core::Export name) {
  const uint32_t all = code_kib(name) * WORD_KIB;
  const uint32_t there = compiled[static_cast<uint32_t>(name)];
  const uint32_t other_way = OTHER_WAY_KIB * WORD_KIB;
  if (there == 0 || all <= other_way) return all;
  return there + other_way < all ? all - there : other_way;
}

uint32_t room_for_code() {
  arena_stats arena;
  arena_get_stats(&arena);
  const uint32_t held = vm_code_bytes(instance);
  const uint32_t left = held < sizes::CODE_MOST_BYTES ? sizes::CODE_MOST_BYTES - held : 0;
  const uint32_t free = arena.size - arena.in_use;
  return free < left ? free : left;
}

void drop_code() {
  vm_drop_code(instance);
  memset(compiled, 0, sizeof compiled);
}

/** The arena is full. Not while a call runs: it needs the code that it has. */
int give_back_code() {
  if (has_ended || is_inside || vm_code_bytes(instance) == 0) return 0;
  drop_code();
  return 1;
}

/** With as many arguments as the export takes. */
int32_t run(core::Export name, const int32_t* args) {
  if (has_ended) return CORE_STATUS_INTERNAL;
  const uint32_t i = static_cast<uint32_t>(name);
  int32_t result = 0;
  if (room_for_code() < missing_code(name)) drop_code();
  const uint32_t code_before = vm_code_bytes(instance);
  is_inside = true;
  const vm_status status = vm_call(instance, handles[i], args, EXPORTS[i].parameters, &result);
  is_inside = false;
  compiled[i] += vm_code_bytes(instance) - code_before;
  if (status == VM_OK) return result;
  end(vm_why(), EXPORTS[i].name);
  return CORE_STATUS_INTERNAL;
}

} // namespace

bool core::open(const uint8_t* wasm, uint32_t bytes, uint32_t now) {
  close();
  Writer(hash_digits, sizeof hash_digits).hex(EXPECTED_HASH, HASH_DIGITS / 2);
  if (!is_expected(wasm, bytes)) {
    return fail("core.wasm is not the file that this firmware was built with: build and flash both "
                "together");
  }
  vm_config config = {wasm, bytes, sizes::MEMORY_BYTES, sizes::VALUE_STACK_BYTES};
  if (vm_open(&instance, &config) != VM_OK) return fail(vm_why());
  has_ended = false;
  arena_on_full(give_back_code);
  if (find_exports() && ::start(now)) return true;
  has_ended = true;
  return false;
}

void core::close() {
  if (instance != nullptr) {
    if (!has_ended) stop();
    // A trap has left its keys where they were.
    if (memory != nullptr) wipe(memory, memory_bytes);
    vm_drop_code(instance);
    vm_close(instance);
  }
  instance = nullptr;
  memory = nullptr;
  memory_bytes = 0;
  has_ended = true;
}

bool core::is_alive() {
  return !has_ended;
}

void core::rest() {
  if (!has_ended) drop_code();
}

const char* core::why() {
  return why_text;
}

const char* core::hash_text() {
  return hash_digits;
}

uint8_t* core::at(int32_t ptr, uint32_t bytes) {
  if (has_ended || ptr < 0) return nullptr;
  uint32_t from = static_cast<uint32_t>(ptr);
  if (bytes <= memory_bytes && from <= memory_bytes - bytes) return memory + from;
  end("an address outside of its memory", "the core");
  return nullptr;
}

void core::put_arg(uint32_t offset, const void* from, uint32_t bytes) {
  uint8_t* to = at(arg_at, CORE_ARG_LEN);
  if (to != nullptr && offset + bytes <= CORE_ARG_LEN) memcpy(to + offset, from, bytes);
}

const uint8_t* core::arg() {
  static const uint8_t NOTHING[CORE_ARG_LEN] = {};
  const uint8_t* from = at(arg_at, CORE_ARG_LEN);
  return from != nullptr ? from : NOTHING;
}

void core::wipe(void* at, size_t bytes) {
  volatile uint8_t* to = static_cast<uint8_t*>(at);
  while (bytes-- > 0) *to++ = 0;
}

int32_t core::call(Export name, int32_t a, int32_t b, int32_t c, int32_t d) {
  const int32_t args[] = {a, b, c, d};
  return run(name, args);
}

int32_t core::prim_blake2s(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f) {
  const int32_t args[] = {a, b, c, d, e, f};
  return run(Export::prim_blake2s, args);
}

bool core::stream_info(int32_t stream, StreamInfo* info) {
  if (stream_info(stream) != CORE_STATUS_OK) return false;
  const uint8_t* from = arg();
  info->link = static_cast<int32_t>(load_u32(from));
  info->number = load_u32(from + 4);
  info->kind = from[8];
  info->is_opener = from[9] == 1;
  info->reason = from[10];
  info->state = from[11];
  memcpy(info->binding, from + 12, sizeof info->binding);
  memcpy(info->mapping, from + 28, sizeof info->mapping);
  return true;
}

uint8_t core::stream_reason(int32_t stream) {
  if (stream_info(stream) != CORE_STATUS_OK) return CORE_REASON_PEER_LOST;
  return arg()[10];
}

const char* core::status_name(int32_t status) {
  return name_in(STATUSES, status, "an unknown status");
}

const char* core::reason_name(uint8_t reason) {
  return name_in(REASONS, reason, "an unknown reason");
}

uint32_t core::load_u32(const uint8_t* from) {
  return static_cast<uint32_t>(from[0]) | (static_cast<uint32_t>(from[1]) << 8) |
         (static_cast<uint32_t>(from[2]) << 16) | (static_cast<uint32_t>(from[3]) << 24);
}

uint16_t core::load_u16(const uint8_t* from) {
  return static_cast<uint16_t>(from[0] | (from[1] << 8));
}
