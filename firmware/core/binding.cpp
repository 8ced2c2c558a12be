/* SPDX-License-Identifier: Apache-2.0
 *
 * See binding.h. Before it: the configuration in force, which is asked anew for each connection, so
 * that a Route that is gone opens nothing. After it: candidates.cpp, pump.cpp.
 */
#include "binding.h"

#include "access.h"
#include "candidates.h"
#include "core.h"
#include "listeners.h"
#include "log.h"
#include "pump.h"
#include "streams.h"

#include <string.h>

namespace {

constexpr uint32_t CONNECTED_MOST_MS = 10'000;
/** A peer that has not even accepted the stream by then is passed over while there is another. */
constexpr uint32_t ACCEPT_MS = 2000;
constexpr int ACCEPTS_MOST = 4;

Seldom seldom;
Seldom seldom_refused;

/** The Binding of TCP with this id. */
bool find(const uint8_t* id, configuration::Route* route) {
  return configuration::find_route(id, true, configuration::Protocol::Tcp, route);
}

bool give_up(Connection& one, const char* why, uint32_t now) {
  streams::count_failed(why);
  if (seldom.may(now)) {
    LogLine(LogLevel::Warn)
        .text("the Binding ")
        .hex(one.route, configuration::ID)
        .text(" could not connect: ")
        .text(why);
  }
  streams::free(one, 0);
  return true;
}

/** Opens a stream to the next peer that the Binding still has; the last failure was `why`. */
bool open_next(Connection& one, const char* why, uint32_t now) {
  configuration::Route route;
  while (find(one.route, &route) && one.left_count > 0) {
    int32_t link = one.left[0];
    one.left_count--;
    memmove(one.left, one.left + 1, one.left_count);
    if (!configuration::names_link(route, link)) continue;
    core::clock(static_cast<int32_t>(now));
    core::put_arg(0, route.id, configuration::ID);
    core::put_arg(configuration::ID, route.mapping, configuration::ID);
    one.stream = core::stream_open(link, core::KIND_BYTES);
    if (one.stream < 0) {
      why = core::status_name(one.stream);
      one.stream = -1;
      continue;
    }
    core::stream_hold(one.stream, static_cast<int32_t>(route.hold_ms));
    one.has_share = false;
    one.until = one.left_count > 0 ? now + ACCEPT_MS : one.since + CONNECTED_MOST_MS;
    return true;
  }
  return give_up(one, why, now);
}

/** Asked before a stream is taken. */
bool is_admitted(const configuration::Route& route, const sockets::Address& from, uint32_t now) {
  access::Verdict verdict = access::of_newcomer(route, from, streams::open_count(route.id));
  if (verdict == access::Verdict::Allowed) return true;
  streams::count_failed(access::name_of(verdict));
  if (seldom_refused.may(now)) access::tell(verdict, route.id, from);
  return false;
}

void open(const Listener& listener, int32_t socket, const sockets::Address& from, uint32_t now) {
  configuration::Route route;
  bool is_there = find(listener.route, &route);
  if (is_there && !is_admitted(route, from, now)) return sockets::reset(socket);
  Connection* one = is_there ? streams::take() : nullptr;
  if (one == nullptr) {
    streams::tell_full(now);
    sockets::reset(socket);
    return;
  }
  one->stage = Connection::Stage::Opening;
  one->socket = socket;
  one->since = now;
  one->from = from;
  memcpy(one->route, listener.route, sizeof one->route);
  one->left_count = candidates::order(route, one->left);
  one->has_choice = one->left_count > 1;
  open_next(*one, "no peer holds the Mapping", now);
}

/** This peer has failed: the next one, if there is any. */
bool pass_over(Connection& one, const char* why, uint32_t now) {
  core::stream_reset(one.stream, CORE_REASON_TARGET_TIMED_OUT);
  core::stream_release(one.stream);
  one.stream = -1;
  return open_next(one, why, now);
}

/** A peer that has accepted the stream dials its target: that has its share of the time. */
bool too_late(Connection& one, uint32_t now) {
  uint32_t end = one.since + CONNECTED_MOST_MS;
  int32_t left = static_cast<int32_t>(end - now);
  core::StreamInfo info;
  bool is_accepted = core::stream_info(one.stream, &info) && info.state > core::STREAM_OPENED;
  if (left <= 0 || !is_accepted || one.left_count == 0 || one.has_share) {
    return pass_over(one, "no answer in time", now);
  }
  one.has_share = true;
  one.until = now + static_cast<uint32_t>(left) / (one.left_count + 1u);
  return true;
}

} // namespace

bool binding::turn(uint32_t now) {
  bool has_moved = false;
  for (uint32_t i = 0; i < sizes::LISTENERS; i++) {
    const Listener* one = listeners::at(i, configuration::Protocol::Tcp);
    for (int k = 0; k < ACCEPTS_MOST && one != nullptr; k++) {
      sockets::Address from;
      int32_t socket = sockets::accept(one->socket, &from);
      if (socket < 0) break;
      open(*one, socket, from, now);
      has_moved = true;
    }
  }
  return has_moved;
}

void binding::change(Connection& one) {
  configuration::Route route;
  if (!find(one.route, &route) || access::allows(route, one.from)) return;
  pump::abandon(one, CORE_REASON_WITHDRAWN);
}

bool binding::turn_opening(Connection& one, uint32_t now) {
  int32_t flags = core::stream_flags(one.stream);
  if (flags < 0) return pass_over(one, "the peer is gone", now);
  if (flags & core::CONNECTED) {
    one.stage = Connection::Stage::Joined;
    return pump::turn(one);
  }
  if (flags & core::CLOSED) {
    return pass_over(one, core::reason_name(core::stream_reason(one.stream)), now);
  }
  if (sockets::state(one.socket) >= sockets::State::Refused) {
    pump::abandon(one, CORE_REASON_TARGET_TIMED_OUT);
    return true;
  }
  if (static_cast<int32_t>(now - one.until) >= 0) return too_late(one, now);
  return !one.has_choice && pump::move(one);
}
