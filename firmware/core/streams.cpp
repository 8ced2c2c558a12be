/* SPDX-License-Identifier: Apache-2.0
 *
 * See streams.h. Before it: stream_next, which names each stream with news once. After it: whoever
 * has the stream. A stream that nobody has is offered to mapping.cpp, or released.
 */
#include "streams.h"

#include "binding.h"
#include "commander.h"
#include "core.h"
#include "datagrams.h"
#include "log.h"
#include "mapping.h"
#include "pump.h"
#include "sockets.h"

#include <string.h>

namespace {

Connection connections[sizes::CONNECTIONS];
uint32_t total = 0;
uint32_t failed = 0;
uint64_t bytes_in = 0;
uint64_t bytes_out = 0;
const char* last_failure = nullptr;
uint8_t last_reason = 0;
Seldom seldom;

bool is_cared_for(int32_t stream) {
  for (const Connection& one : connections) {
    if (one.stage != Connection::Stage::Free && one.stream == stream) return true;
  }
  return datagrams::has(stream);
}

void refuse(int32_t stream, uint8_t reason) {
  core::stream_reset(stream, reason);
  core::stream_release(stream);
}

void hear(int32_t stream, uint32_t now) {
  if (is_cared_for(stream)) return;
  int32_t flags = core::stream_flags(stream);
  if (flags < 0) return;
  if (flags & core::OFFERED) {
    core::StreamInfo info;
    if (!core::stream_info(stream, &info)) return;
    bool is_channel = info.kind == core::KIND_DATAGRAM;
    uint8_t reason =
        is_channel ? datagrams::accept(stream, info, now) : mapping::accept(stream, info, now);
    if (reason != 0) refuse(stream, reason);
    return;
  }
  if (flags & core::CLOSED) core::stream_release(stream);
}

/** What is done for one may make news again, for the next turn. */
bool hear_all(uint32_t now) {
  bool has_news = false;
  for (uint32_t i = 0; i < sizes::STREAMS; i++) {
    int32_t stream = core::stream_next();
    if (stream < 0) break;
    hear(stream, now);
    has_news = true;
  }
  return has_news;
}

bool turn_of(Connection& one, uint32_t now) {
  switch (one.stage) {
  case Connection::Stage::LookingUp:
  case Connection::Stage::Dialling:
    return mapping::turn(one, now);
  case Connection::Stage::Opening:
    return binding::turn_opening(one, now);
  case Connection::Stage::Joined:
    return pump::turn(one);
  default:
    return false;
  }
}

/** Megabytes where there are many: the writer knows 32 bits. */
void write_bytes(Writer& to, uint64_t bytes) {
  if (bytes >> 32 == 0)
    to.number(static_cast<uint32_t>(bytes)).text(" bytes");
  else
    to.number(static_cast<uint32_t>(bytes >> 20)).text(" MiB");
}

} // namespace

void streams::start() {
  for (Connection& one : connections) {
    if (one.socket >= 0) sockets::reset(one.socket);
    one = Connection();
  }
}

bool streams::turn(uint32_t now) {
  bool has_moved = hear_all(now);
  for (Connection& one : connections) {
    if (turn_of(one, now)) has_moved = true;
  }
  return has_moved;
}

Connection* streams::take() {
  for (Connection& one : connections) {
    if (one.stage != Connection::Stage::Free) continue;
    one = Connection();
    total += 1;
    return &one;
  }
  return nullptr;
}

void streams::free(Connection& one, uint8_t reason) {
  if (one.socket >= 0) sockets::reset(one.socket);
  if (one.stream >= 0) core::stream_release(one.stream);
  one = Connection();
  last_reason = reason;
}

uint32_t streams::open_count() {
  uint32_t count = 0;
  for (const Connection& one : connections) count += one.stage != Connection::Stage::Free;
  return count;
}

uint32_t streams::open_count(const uint8_t* route) {
  uint32_t count = 0;
  for (const Connection& one : connections) {
    bool is_open = one.stage != Connection::Stage::Free;
    count += is_open && memcmp(one.route, route, sizeof one.route) == 0;
  }
  return count;
}

void streams::change() {
  for (Connection& one : connections) {
    if (one.stage != Connection::Stage::Free) binding::change(one);
  }
}

void streams::count_in(uint32_t bytes) {
  bytes_in += bytes;
}

void streams::count_out(uint32_t bytes) {
  bytes_out += bytes;
}

void streams::count_failed(const char* why) {
  failed += 1;
  last_failure = why;
}

void streams::tell_full(uint32_t now) {
  count_failed("every stream is taken");
  commander::report(CORE_STATUS_NO_STREAM_SLOT, now);
  if (!seldom.may(now)) return;
  LogLine(LogLevel::Warn)
      .text("refuses a connection: every stream of this device is taken, or the memory for them; "
            "end one, or ask again later");
}

void streams::write_status(Writer& to) {
  to.text("streams: ").number(open_count()).text(" of ").number(sizes::CONNECTIONS);
  to.text(", ").number(total).text(" in all, ").number(failed).text(" failed; ");
  write_bytes(to, bytes_in);
  to.text(" into the tunnel, ");
  write_bytes(to, bytes_out);
  to.text(" out of it");
  if (last_failure != nullptr) to.text("; last failure: ").text(last_failure);
  if (last_reason != 0) to.text("; last end: ").text(core::reason_name(last_reason));
  to.text("\n");
}
