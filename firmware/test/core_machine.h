/* SPDX-License-Identifier: Apache-2.0
 *
 * What a transcript does to one instance of the core, verb by verb (PROTOCOL section 15), on any
 * vm: the twin of test/transcripts/machine.ts. Before: transcript.cpp, which reads the lines.
 * After: firmware/core/vm.h. Knows the boundary and no protocol; no input or output, no allocation.
 *
 * Invariant: the first failure stays; whatever is called after it does nothing and returns 0.
 */
#ifndef SEALEDTUNNEL_TEST_CORE_MACHINE_H
#define SEALEDTUNNEL_TEST_CORE_MACHINE_H

#include "text.h"

#include "abi.gen.h"
#include "vm.h"

/** How bytes that arrive are cut into what is put at once. */
enum class Cut { Whole, Splits, ByByte };

enum Export : uint32_t {
#define X(name, params, results) EXPORT_##name,
  CORE_EXPORTS(X)
#undef X
};

class CoreMachine {
public:
  /** A machine on a fresh instance. Splits follow from `split_seed`. */
  CoreMachine(vm* core, Cut cut, uint32_t split_seed);

  /** What the last verb returned; below zero is a status. */
  int32_t result = 0;
  /** Says why something failed; empty as long as nothing has. */
  Message failure;
  bool has_failed() const { return failure.c_str()[0] != 0; }

  void size(Text name, int32_t value);
  void seed(Hex bytes);
  void now(int32_t ms);
  void start(int32_t role);
  void arg(Hex bytes);
  void config(Hex bytes);
  void call_named(Text name, const int32_t* args, uint32_t arg_count);
  void work();
  /** Bytes of a hop's wire: put as the cut says, dealt with after each put. None: what waits. */
  void rx(int32_t hop, Hex bytes);
  void in(int32_t stream, Hex bytes);
  void datagram(int32_t stream, int32_t flow, Hex bytes);
  void forward(int32_t hop, int32_t kind, Hex packet);

  /** Everything that is ready for a hop's wire, or for the application. */
  void take_tx(int32_t hop, Found* found);
  void take_out(int32_t stream, Found* found);
  /** The oldest datagram that has arrived; `-` where there is none. */
  void take_datagram(int32_t stream, Found* found);
  /** The oldest packet or mute that nobody has taken, in the words of an `expect` line. */
  void take_seen(Found* found);
  bool has_seen() const { return seen_at_ < seen_len_; }

private:
  void fail(const char* what);
  int32_t call(Export name, const int32_t* args, uint32_t arg_count);
  int32_t call(Export name) { return call(name, nullptr, 0); }
  int32_t call(Export name, int32_t a) { return call(name, &a, 1); }
  int32_t call(Export name, int32_t a, int32_t b);
  int32_t call(Export name, int32_t a, int32_t b, int32_t c);
  /** Linear memory at `ptr`; nullptr, and a failure, where `len` bytes don't lie inside. */
  uint8_t* at(int32_t ptr, size_t len);
  void write(int32_t ptr, Hex bytes, size_t from, size_t len);
  void write_all(int32_t ptr, Hex bytes) { write(ptr, bytes, 0, bytes.size()); }
  void take_bytes(Export len, Export ptr, Export consume, int32_t handle, Found* found);
  size_t next_piece(size_t left);
  size_t put(int32_t hop, Hex bytes, size_t from, size_t len);
  void deal(int32_t hop);
  void see(int32_t hop, int32_t step);
  void note(Text text);
  void note(uint32_t number);
  void note_hex(uint32_t ptr, uint32_t len);

  vm* core_;
  Cut cut_;
  uint32_t random_;
  int32_t handles_[CORE_EXPORT_COUNT];
  uint32_t arg_counts_[CORE_EXPORT_COUNT] = {};
  int32_t sizes_[CORE_SIZE_COUNT] = {};
  int32_t arg_ = 0;
  int32_t now_ = 0;
  bool is_started_ = false;
  /** Lines of what was seen: from seen_at_ on they are not taken yet. */
  char seen_[32768];
  size_t seen_at_ = 0;
  size_t seen_len_ = 0;
};

/** Name of a status, or `status N`. */
void put_status(int32_t status, Found* found);
void add_status(int32_t status, Message* message);
bool is_status_name(Text name);

#endif
