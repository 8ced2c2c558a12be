/* SPDX-License-Identifier: Apache-2.0
 *
 * See pump.h. Before it: streams.cpp, once a turn. After it: the core's record and row of the
 * moment. What a socket doesn't take stays in the core's memory; what the core has no room for
 * stays in the socket's.
 */
#include "pump.h"

#include "core.h"
#include "sockets.h"
#include "streams.h"

namespace {

/** Records, and rows, of one connection in a turn: others are to have theirs. */
constexpr int RECORDS_MOST = 4;
constexpr int ROWS_MOST = 32;

bool is_over(const Connection& one) {
  return sockets::state(one.socket) >= sockets::State::Refused;
}

/** One record's bytes from the application. Returns what sockets::read does. */
int32_t read_record(Connection& one) {
  int32_t room = core::in_room(one.stream);
  if (room <= 0) return is_over(one) ? sockets::OVER : 0;
  uint8_t* to = core::at(core::in_ptr(), static_cast<uint32_t>(room));
  if (to == nullptr) return 0;
  int32_t bytes = sockets::read(one.socket, to, static_cast<size_t>(room));
  if (bytes <= 0) return bytes;
  core::in_commit(one.stream, bytes);
  streams::count_in(static_cast<uint32_t>(bytes));
  return bytes;
}

/** One row's bytes to the application. Returns what sockets::write does. */
int32_t write_row(Connection& one) {
  int32_t length = core::out_len(one.stream);
  if (length <= 0) return 0;
  const uint8_t* from = core::at(core::out_ptr(one.stream), static_cast<uint32_t>(length));
  if (from == nullptr) return 0;
  int32_t bytes = sockets::write(one.socket, from, static_cast<size_t>(length));
  if (bytes <= 0) return bytes;
  core::out_consume(one.stream, bytes);
  streams::count_out(static_cast<uint32_t>(bytes));
  return bytes;
}

bool to_stream(Connection& one) {
  bool has_moved = false;
  int32_t bytes = 1;
  for (int i = 0; i < RECORDS_MOST && bytes > 0 && !one.app_ended; i++) {
    bytes = read_record(one);
    if (bytes == sockets::ENDED) one.app_ended = true;
    if (bytes == sockets::OVER) {
      pump::abandon(one, CORE_REASON_APPLICATION);
      return true;
    }
    if (bytes != 0) has_moved = true;
  }
  if (!one.app_ended || one.fin_given) return has_moved;
  if (!(core::stream_flags(one.stream) & core::CONNECTED)) return has_moved;
  one.fin_given = true;
  core::stream_fin(one.stream);
  return true;
}

bool to_application(Connection& one) {
  bool has_moved = false;
  for (int i = 0; i < ROWS_MOST; i++) {
    int32_t bytes = write_row(one);
    if (bytes == 0) break;
    if (bytes < 0) {
      pump::abandon(one, CORE_REASON_APPLICATION);
      return true;
    }
    has_moved = true;
  }
  int32_t flags = core::stream_flags(one.stream);
  if (one.stream_ended || flags < 0 || !(flags & core::FIN)) return has_moved;
  one.stream_ended = true;
  sockets::end(one.socket);
  return true;
}

/** A closed stream ends the connection: cleanly once all its bytes are taken, else by a reset. */
bool finish(Connection& one) {
  int32_t flags = core::stream_flags(one.stream);
  bool is_lost = flags < 0;
  if (!is_lost && (!(flags & core::CLOSED) || flags & core::READABLE)) return false;
  uint8_t reason =
      is_lost ? static_cast<uint8_t>(CORE_REASON_PEER_LOST) : core::stream_reason(one.stream);
  if (reason == 0)
    sockets::close(one.socket);
  else
    sockets::reset(one.socket);
  one.socket = -1;
  streams::free(one, reason);
  return true;
}

} // namespace

bool pump::move(Connection& one) {
  bool has_moved = to_stream(one);
  if (one.stage == Connection::Stage::Free) return true;
  if (to_application(one)) has_moved = true;
  if (one.stage == Connection::Stage::Free) return true;
  /* Nothing is read any more, so only its state tells of a reset. */
  bool is_done = one.app_ended && one.stream_ended;
  if (one.app_ended && !is_done && is_over(one)) abandon(one, CORE_REASON_APPLICATION);
  return has_moved;
}

bool pump::turn(Connection& one) {
  if (core::stream_flags(one.stream) < 0) return finish(one);
  bool has_moved = move(one);
  if (one.stage == Connection::Stage::Free) return true;
  return finish(one) || has_moved;
}

void pump::abandon(Connection& one, uint8_t reason) {
  core::stream_reset(one.stream, reason);
  streams::free(one, reason);
}
