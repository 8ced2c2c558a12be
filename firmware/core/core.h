/* SPDX-License-Identifier: Apache-2.0
 *
 * The one instance of the core on a device: its exports as plain functions, and its memory. Before
 * it: agent.cpp and its parts. After it: vm.h. Like host/core/core.ts it knows the boundary and no
 * protocol (design, section 6).
 *
 * Nothing is loaded whose SHA-256 is not the one that the firmware was built with. A trap, and an
 * address outside of linear memory, end the instance: from then on each call returns
 * CORE_STATUS_INTERNAL, until it is opened again. A pointer is used before the next call, never
 * kept.
 */
#ifndef SEALEDTUNNEL_CORE_H
#define SEALEDTUNNEL_CORE_H

#include "abi.gen.h"

#include <stddef.h>
#include <stdint.h>

namespace core {

/**
 * Makes the instance from the file, and starts it as an STLink of sizes::DEVICE. False: `why()`. A
 * core that was compiled ahead of time is in the program already, and the file is not looked at.
 */
[[nodiscard]] bool open(const uint8_t* wasm, uint32_t bytes, uint32_t now);

/** Wipes it and gives its memory back. */
void close();

bool is_alive();

/** Gives compiled code back: for a while there is nothing to compute (design, section 8). */
void rest();

/** Why it could not be opened, or what ended it: what happened, in which export. */
const char* why();

/** The first bytes of the core's hash, as digits, for the status. */
const char* hash_text();

/** Linear memory from `ptr`, `bytes` of it; nullptr where it is not inside, or a status. */
uint8_t* at(int32_t ptr, uint32_t bytes);

/** Copies to the argument area, from its byte `offset` on. */
void put_arg(uint32_t offset, const void* from, uint32_t bytes);
/** The argument area, CORE_ARG_LEN bytes. All zeros after a trap. */
const uint8_t* arg();

/** Wipes memory that held a secret, for good. */
void wipe(void* at, size_t bytes);

/** What the firmware calls: X(name, parameters). */
#define CORE_CALLS(X)                                                                              \
  X(about_set, 1)                                                                                  \
  X(arg_ptr, 0)                                                                                    \
  X(clock, 1)                                                                                      \
  X(code_load, 1)                                                                                  \
  X(config_count, 1)                                                                               \
  X(config_entry, 2)                                                                               \
  X(config_entry_len, 0)                                                                           \
  X(config_len, 0)                                                                                 \
  X(config_load, 1)                                                                                \
  X(config_ptr, 0)                                                                                 \
  X(config_stored, 1)                                                                              \
  X(control_report, 1)                                                                             \
  X(control_state, 0)                                                                              \
  X(datagram_commit, 4)                                                                            \
  X(datagram_flow, 0)                                                                              \
  X(datagram_out, 1)                                                                               \
  X(entropy_ptr, 0)                                                                                \
  X(feed, 2)                                                                                       \
  X(flags, 0)                                                                                      \
  X(hop_close, 2)                                                                                  \
  X(hop_free, 1)                                                                                   \
  X(hop_open, 1)                                                                                   \
  X(hop_peer_ptr, 1)                                                                               \
  X(hop_rx_commit, 2)                                                                              \
  X(hop_rx_ptr, 1)                                                                                 \
  X(hop_rx_room, 1)                                                                                \
  X(hop_rx_step, 1)                                                                                \
  X(hop_silent, 1)                                                                                 \
  X(hop_state, 1)                                                                                  \
  X(hop_status, 1)                                                                                 \
  X(hop_tx_consume, 2)                                                                             \
  X(hop_tx_fill, 1)                                                                                \
  X(hop_tx_ptr, 1)                                                                                 \
  X(identity_set, 0)                                                                               \
  X(in_commit, 2)                                                                                  \
  X(in_ptr, 0)                                                                                     \
  X(in_room, 1)                                                                                    \
  X(lease_left, 0)                                                                                 \
  X(lease_set, 1)                                                                                  \
  X(link_connect, 1)                                                                               \
  X(link_find, 0)                                                                                  \
  X(link_info, 1)                                                                                  \
  X(out_consume, 2)                                                                                \
  X(out_len, 1)                                                                                    \
  X(out_ptr, 1)                                                                                    \
  X(prim_blake2s, 6)                                                                               \
  X(prim_x25519_finish, 1)                                                                         \
  X(prim_x25519_start, 2)                                                                          \
  X(prim_x25519_step, 0)                                                                           \
  X(rotate, 0)                                                                                     \
  X(sizes_ptr, 0)                                                                                  \
  X(start, 2)                                                                                      \
  X(stop, 0)                                                                                       \
  X(stream_connected, 1)                                                                           \
  X(stream_fin, 1)                                                                                 \
  X(stream_flags, 1)                                                                               \
  X(stream_hold, 2)                                                                                \
  X(stream_info, 1)                                                                                \
  X(stream_next, 0)                                                                                \
  X(stream_open, 2)                                                                                \
  X(stream_release, 1)                                                                             \
  X(stream_reset, 2)                                                                               \
  X(take_drop, 0)                                                                                  \
  X(tick, 1)                                                                                       \
  X(work, 0)

enum class Export : uint8_t {
#define X(name, parameters) name,
  CORE_CALLS(X)
#undef X
      Count
};

/** What the export returns; CORE_STATUS_INTERNAL where there is no instance that could be called.
 */
int32_t call(Export name, int32_t a = 0, int32_t b = 0, int32_t c = 0, int32_t d = 0);

#define CORE_CALL_0(name)                                                                          \
  inline int32_t name() {                                                                          \
    return call(Export::name);                                                                     \
  }
#define CORE_CALL_1(name)                                                                          \
  inline int32_t name(int32_t a) {                                                                 \
    return call(Export::name, a);                                                                  \
  }
#define CORE_CALL_2(name)                                                                          \
  inline int32_t name(int32_t a, int32_t b) {                                                      \
    return call(Export::name, a, b);                                                               \
  }
#define CORE_CALL_4(name)                                                                          \
  inline int32_t name(int32_t a, int32_t b, int32_t c, int32_t d) {                                \
    return call(Export::name, a, b, c, d);                                                         \
  }
/** Of one export alone: not inline, so that the others need not pass as much. */
#define CORE_CALL_6(name)                                                                          \
  int32_t name(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f);
#define X(name, parameters) CORE_CALL_##parameters(name)
CORE_CALLS(X)
#undef X

/** `hop_state`: how a hop stands, in its lowest byte; the reason of its end (13.2) in the next. */
constexpr int32_t HOP_UP = 3;
constexpr int32_t HOP_CLOSED = 5;

/** `stream_flags`. */
constexpr int32_t CONNECTED = 1;
constexpr int32_t READABLE = 2;
constexpr int32_t WRITABLE = 4;
constexpr int32_t FIN = 8;
constexpr int32_t OFFERED = 16;
constexpr int32_t CLOSED = 32;
constexpr int32_t SUCCESSOR = 64;

/** Kinds of streams. */
constexpr int32_t KIND_BYTES = 1;
constexpr int32_t KIND_DATAGRAM = 2;

/** `stream_info`. State: 1 until an own OPEN is made, 2 until the peer has accepted it. */
struct StreamInfo {
  int32_t link;
  uint32_t number;
  uint8_t kind;
  bool is_opener;
  uint8_t reason;
  uint8_t state;
  uint8_t binding[16];
  uint8_t mapping[16];
};
constexpr uint8_t STREAM_OPENED = 2;

[[nodiscard]] bool stream_info(int32_t stream, StreamInfo* info);
/** The reason (13.2) with which a stream has ended; 0: cleanly. */
uint8_t stream_reason(int32_t stream);

/** Name of a status, or of a reason (PROTOCOL 13). Never nullptr. */
const char* status_name(int32_t status);
const char* reason_name(uint8_t reason);

uint32_t load_u32(const uint8_t* from);
uint16_t load_u16(const uint8_t* from);

} // namespace core

#endif
