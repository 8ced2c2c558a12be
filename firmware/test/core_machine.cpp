/* SPDX-License-Identifier: Apache-2.0
 *
 * See core_machine.h: the verbs of a transcript as calls into the core. Every loop is bounded;
 * every address that the core gives out is checked against linear memory before it is used.
 */
#include "core_machine.h"

#include <string.h>

namespace {

/** More steps than any work has. */
constexpr int MAX_STEPS = 2000;
constexpr int32_t STEP_PACKET = 2;
constexpr int32_t STEP_MUTE = 3;
constexpr int32_t HOP_CLOSED = 5;
constexpr uint32_t LONGEST_PIECE = 700;
constexpr uint32_t ID_LEN = 16;

const char* const EXPORT_NAMES[] = {
#define X(name, params, results) #name,
    CORE_EXPORTS(X)
#undef X
};

struct Named {
  const char* name;
  int32_t value;
};

const Named STATUSES[] = {
#define X(name, value) {#name, value},
    CORE_STATUSES(X)
#undef X
};

const Named SIZES[] = {
#define X(name, value) {#name, value},
    CORE_SIZES(X)
#undef X
};

const char* status_name(int32_t status) {
  for (const Named& known : STATUSES) {
    if (known.value == status) return known.name;
  }
  return nullptr;
}

} // namespace

void put_status(int32_t status, Found* found) {
  const char* name = status_name(status);
  if (name != nullptr)
    found->put(text_of(name));
  else
    found->put(text_of("status ")).put(status);
}

void add_status(int32_t status, Message* message) {
  const char* name = status_name(status);
  if (name != nullptr)
    message->add(name);
  else
    message->add("status ").add(status);
}

bool is_status_name(Text name) {
  for (const Named& known : STATUSES) {
    if (name.is(known.name)) return true;
  }
  return false;
}

CoreMachine::CoreMachine(vm* core, Cut cut, uint32_t split_seed)
    : core_(core), cut_(cut), random_(split_seed) {
  for (uint32_t i = 0; i < CORE_EXPORT_COUNT; i++) {
    handles_[i] = vm_find(core, EXPORT_NAMES[i], &arg_counts_[i]);
  }
  arg_ = call(EXPORT_arg_ptr);
}

void CoreMachine::fail(const char* what) {
  if (!has_failed()) failure.add(what);
}

int32_t CoreMachine::call(Export name, const int32_t* args, uint32_t arg_count) {
  int32_t returned = 0;
  if (has_failed()) return 0;
  if (vm_call(core_, handles_[name], args, arg_count, &returned) == VM_OK) return returned;
  failure.add(vm_why()).add(" in ").add(EXPORT_NAMES[name]);
  return 0;
}

int32_t CoreMachine::call(Export name, int32_t a, int32_t b) {
  const int32_t args[] = {a, b};
  return call(name, args, 2);
}

int32_t CoreMachine::call(Export name, int32_t a, int32_t b, int32_t c) {
  const int32_t args[] = {a, b, c};
  return call(name, args, 3);
}

uint8_t* CoreMachine::at(int32_t ptr, size_t len) {
  uint32_t memory_len = 0;
  uint8_t* memory = vm_memory(core_, &memory_len);
  if (has_failed()) return nullptr;
  if (ptr >= 0 && len <= memory_len && (uint32_t)ptr <= memory_len - len) return memory + ptr;
  failure.add(ptr).add("+").add((int32_t)len).add(" is outside of linear memory");
  return nullptr;
}

void CoreMachine::write(int32_t ptr, Hex bytes, size_t from, size_t len) {
  uint8_t* to = at(ptr, len);
  for (size_t i = 0; to != nullptr && i < len; i++) to[i] = bytes.at(from + i);
}

void CoreMachine::size(Text name, int32_t value) {
  for (const Named& known : SIZES) {
    if (!name.is(known.name)) continue;
    sizes_[known.value] = value;
    return;
  }
  failure.add("no size ").add(name);
}

void CoreMachine::seed(Hex bytes) {
  write_all(call(EXPORT_entropy_ptr), bytes);
  result = call(EXPORT_feed, 0, 0);
}

void CoreMachine::now(int32_t ms) {
  now_ = ms;
  if (is_started_) result = call(EXPORT_tick, ms);
}

void CoreMachine::start(int32_t role) {
  uint32_t memory_len = 0;
  vm_memory(core_, &memory_len);
  int32_t& memory_size = sizes_[CORE_SIZE_MEMORY_BYTES];
  if (memory_size == 0) memory_size = (int32_t)memory_len;
  uint8_t* to = at(call(EXPORT_sizes_ptr), sizeof sizes_);
  if (to != nullptr) memcpy(to, sizes_, sizeof sizes_);
  result = call(EXPORT_start, role, now_);
  is_started_ = result == 0;
}

void CoreMachine::arg(Hex bytes) {
  write_all(arg_, bytes);
  result = 0;
}

void CoreMachine::config(Hex bytes) {
  write_all(call(EXPORT_config_ptr), bytes);
  result = 0;
}

void CoreMachine::call_named(Text name, const int32_t* args, uint32_t arg_count) {
  for (uint32_t i = 0; i < CORE_EXPORT_COUNT; i++) {
    if (!name.is(EXPORT_NAMES[i])) continue;
    if (arg_counts_[i] != arg_count) return fail("wrong number of arguments");
    result = call((Export)i, args, arg_count);
    return;
  }
  failure.add("the core has no export ").add(name).add(" of i32 only");
}

void CoreMachine::work() {
  for (int i = 0; i < MAX_STEPS; i++) {
    if (call(EXPORT_work) != 1) return;
  }
  fail("work does not come to an end");
}

void CoreMachine::rx(int32_t hop, Hex bytes) {
  result = 0;
  if (bytes.size() == 0) deal(hop);
  size_t done = 0;
  while (done < bytes.size() && !has_failed()) {
    size_t end = done + next_piece(bytes.size() - done);
    while (done < end) {
      size_t taken = put(hop, bytes, done, end - done);
      if (taken == 0) return;
      done += taken;
      deal(hop);
    }
  }
}

/** The length of the next piece of `left` bytes. */
size_t CoreMachine::next_piece(size_t left) {
  if (cut_ == Cut::Whole) return left;
  if (cut_ == Cut::ByByte) return 1;
  random_ = random_ * 1664525u + 1013904223u;
  size_t len = 1 + (random_ >> 8) % LONGEST_PIECE;
  return len < left ? len : left;
}

/** How many bytes were taken; none when the hop is closed, or after a failure. */
size_t CoreMachine::put(int32_t hop, Hex bytes, size_t from, size_t len) {
  int32_t room = call(EXPORT_hop_rx_room, hop);
  int32_t ptr = call(EXPORT_hop_rx_ptr, hop);
  if (room <= 0 || ptr <= 0) {
    bool is_closed = (call(EXPORT_hop_state, hop) & 0xff) == HOP_CLOSED;
    if (!is_closed && !has_failed()) failure.add("hop ").add(hop).add(" takes no bytes");
    return 0;
  }
  size_t part = len < (size_t)room ? len : (size_t)room;
  write(ptr, bytes, from, part);
  int32_t status = call(EXPORT_hop_rx_commit, hop, (int32_t)part);
  if (status < 0) failure.add("hop_rx_commit returned ").add(status);
  return has_failed() ? 0 : part;
}

void CoreMachine::deal(int32_t hop) {
  for (int i = 0; i < MAX_STEPS; i++) {
    int32_t step = call(EXPORT_hop_rx_step, hop);
    if (step == STEP_PACKET || step == STEP_MUTE) see(hop, step);
    if (step > 0) continue;
    if (step < 0) result = step;
    return;
  }
  fail("the hop's records do not come to an end");
}

void CoreMachine::see(int32_t hop, int32_t step) {
  uint32_t info[6] = {};
  const uint8_t* from = at(call(EXPORT_packet_info_ptr), sizeof info);
  if (from == nullptr) return;
  memcpy(info, from, sizeof info);
  const auto [ptr, len, kind, channel, seconds, id] = info;
  if (!has_seen()) seen_at_ = seen_len_ = 0;
  note(text_of(step == STEP_MUTE ? "mute " : "packet "));
  note((uint32_t)hop);
  note(text_of(" "));
  note(step == STEP_MUTE ? channel : kind);
  note(text_of(" "));
  note(step == STEP_MUTE ? seconds : channel);
  note(text_of(" "));
  note_hex(id, id == 0 ? 0 : ID_LEN);
  if (step == STEP_PACKET) {
    note(text_of(" "));
    note_hex(ptr, len);
  }
  note(text_of("\n"));
}

void CoreMachine::note(Text text) {
  if (text.len > sizeof seen_ - seen_len_) return fail("more packets than a reader keeps");
  memcpy(seen_ + seen_len_, text.data, text.len);
  seen_len_ += text.len;
}

void CoreMachine::note(uint32_t number) {
  if (number >= 10) note(number / 10);
  const char digit = (char)('0' + number % 10);
  note(Text{&digit, 1});
}

void CoreMachine::note_hex(uint32_t ptr, uint32_t len) {
  static const char DIGITS[] = "0123456789abcdef";
  if (len == 0) return note(text_of("-"));
  const uint8_t* bytes = at((int32_t)ptr, len);
  for (uint32_t i = 0; bytes != nullptr && i < len; i++) {
    const char pair[] = {DIGITS[bytes[i] >> 4], DIGITS[bytes[i] & 15]};
    note(Text{pair, 2});
  }
}

void CoreMachine::take_seen(Found* found) {
  if (!has_seen()) {
    found->put(text_of("nothing"));
    return;
  }
  Text rest = {seen_ + seen_at_, seen_len_ - seen_at_};
  Text line = cut_at(&rest, '\n');
  found->put(line);
  seen_at_ += line.len + 1;
}

void CoreMachine::take_bytes(Export len, Export ptr, Export consume, int32_t handle, Found* found) {
  bool is_empty = true;
  for (int i = 0; i < MAX_STEPS; i++) {
    int32_t ready = call(len, handle);
    if (ready < 0 && len == EXPORT_hop_tx_fill) result = ready;
    if (ready <= 0) {
      if (is_empty) found->put_no_bytes();
      return;
    }
    const uint8_t* bytes = at(call(ptr, handle), (size_t)ready);
    if (bytes != nullptr) found->put(bytes, (size_t)ready);
    call(consume, handle, ready);
    is_empty = false;
  }
  fail("the output does not come to an end");
}

void CoreMachine::take_tx(int32_t hop, Found* found) {
  take_bytes(EXPORT_hop_tx_fill, EXPORT_hop_tx_ptr, EXPORT_hop_tx_consume, hop, found);
}

void CoreMachine::take_out(int32_t stream, Found* found) {
  take_bytes(EXPORT_out_len, EXPORT_out_ptr, EXPORT_out_consume, stream, found);
}

void CoreMachine::forward(int32_t hop, int32_t kind, Hex packet) {
  int32_t len = (int32_t)packet.size();
  int32_t ptr = call(EXPORT_forward_ptr, hop, len);
  result = ptr == 0 ? 1 : ptr;
  if (ptr <= 0) return;
  write_all(ptr, packet);
  result = call(EXPORT_forward_commit, hop, kind, len);
}

void CoreMachine::in(int32_t stream, Hex bytes) {
  write_all(call(EXPORT_in_ptr), bytes);
  result = call(EXPORT_in_commit, stream, (int32_t)bytes.size());
}

void CoreMachine::datagram(int32_t stream, int32_t flow, Hex bytes) {
  write_all(call(EXPORT_in_ptr), bytes);
  const int32_t args[] = {stream, flow, (int32_t)bytes.size(), now_};
  result = call(EXPORT_datagram_commit, args, 4);
}

void CoreMachine::take_datagram(int32_t stream, Found* found) {
  int32_t len = call(EXPORT_datagram_out, stream);
  if (len < 0) {
    found->put_no_bytes();
    return;
  }
  const uint8_t* bytes = at(call(EXPORT_in_ptr), (size_t)len);
  found->put(call(EXPORT_datagram_flow)).put(text_of(" "));
  if (len == 0)
    found->put_no_bytes();
  else if (bytes != nullptr)
    found->put(bytes, (size_t)len);
}
