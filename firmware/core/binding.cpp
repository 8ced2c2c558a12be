/* SPDX-License-Identifier: Apache-2.0
 *
 * See binding.h. Before it: the configuration in force, which is asked anew for each connection, so
 * that a Route that is gone opens nothing. After it: candidates.cpp, pump.cpp. A place that can't
 * be had is tried again: an address may still have to come.
 */
#include "binding.h"

#include "addresses.h"
#include "candidates.h"
#include "core.h"
#include "log.h"
#include "pump.h"
#include "streams.h"

#include <string.h>

namespace {

constexpr uint32_t CONNECTED_MOST_MS = 10'000;
/** A peer that has not even accepted the stream by then is passed over while there is another. */
constexpr uint32_t ACCEPT_MS = 2000;
/** A place that can't be had is tried again so often: an address may still have to come. */
constexpr uint32_t LISTEN_AGAIN_MS = 2000;
constexpr int ACCEPTS_MOST = 4;

struct Listener {
  bool is_used = false;
  bool has_told = false;
  int32_t socket = -1;
  uint8_t route[configuration::ID] = {};
  sockets::Address at = {};
};

Listener listeners[sizes::LISTENERS];
uint32_t listened_at = 0;
Seldom seldom;

/** The Binding of TCP with this id. */
bool find(const uint8_t* id, configuration::Route* route) {
  return configuration::find_route(id, true, configuration::Protocol::Tcp, route);
}

bool place_of(const configuration::Route& route, sockets::Address* at) {
  at->port = route.port;
  return listening_at(route.address.at, route.address.bytes, at);
}

void close(Listener& one) {
  if (one.socket >= 0) sockets::close(one.socket);
  one = Listener();
}

void close_what_is_gone() {
  for (Listener& one : listeners) {
    if (!one.is_used) continue;
    configuration::Route route;
    sockets::Address at = {};
    bool stays = find(one.route, &route) && place_of(route, &at) && is_same_address(at, one.at);
    if (!stays) close(one);
  }
}

Listener* listener_of(const uint8_t* id) {
  for (Listener& one : listeners) {
    if (one.is_used && memcmp(one.route, id, sizeof one.route) == 0) return &one;
  }
  return nullptr;
}

Listener* free_listener() {
  for (Listener& one : listeners) {
    if (!one.is_used) return &one;
  }
  return nullptr;
}

void tell_unusable(const uint8_t* id, const char* why) {
  LogLine(LogLevel::Warn).text("the Binding ").hex(id, configuration::ID).text(why);
}

void add(const configuration::Route& route) {
  sockets::Address at = {};
  if (listener_of(route.id) != nullptr) return;
  if (!place_of(route, &at)) {
    tell_unusable(route.id, " does not listen: its address is public; it may be loopback, a "
                            "private address or \"all\"");
    return;
  }
  Listener* one = free_listener();
  if (one == nullptr) {
    tell_unusable(route.id, " does not listen: this device has no place for more Bindings");
    return;
  }
  one->is_used = true;
  one->at = at;
  memcpy(one->route, route.id, sizeof one->route);
}

void try_to_listen(Listener& one) {
  one.socket = sockets::listen(one.at);
  bool listens = one.socket >= 0;
  if (!listens && one.has_told) return;
  one.has_told = true;
  LogLine line(listens ? LogLevel::Info : LogLevel::Warn);
  line.text("the Binding ").hex(one.route, configuration::ID);
  line.text(listens ? " listens on " : " can't listen yet on ");
  write_address(line, one.at);
  if (!listens) line.text(": it is tried again");
}

void listen_where_due(uint32_t now) {
  listened_at = now;
  for (Listener& one : listeners) {
    if (one.is_used && one.socket < 0) try_to_listen(one);
  }
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

void open(const Listener& listener, int32_t socket, uint32_t now) {
  configuration::Route route;
  Connection* one = find(listener.route, &route) ? streams::take() : nullptr;
  if (one == nullptr) {
    streams::count_failed("every stream is taken");
    if (seldom.may(now)) {
      tell_unusable(listener.route, " refuses a connection: every stream of this device is taken");
    }
    sockets::reset(socket);
    return;
  }
  one->stage = Connection::Stage::Opening;
  one->socket = socket;
  one->since = now;
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

void binding::listen(uint32_t now) {
  close_what_is_gone();
  configuration::Route route;
  for (uint32_t i = 0, count = configuration::route_count(); i < count; i++) {
    if (!configuration::route_at(i, &route)) break;
    if (route.is_binding && route.protocol == configuration::Protocol::Tcp) add(route);
  }
  listen_where_due(now);
}

void binding::stop() {
  for (Listener& one : listeners) close(one);
}

bool binding::turn(uint32_t now) {
  bool has_moved = false;
  if (now - listened_at >= LISTEN_AGAIN_MS) listen_where_due(now);
  for (const Listener& one : listeners) {
    for (int i = 0; i < ACCEPTS_MOST && one.socket >= 0; i++) {
      sockets::Address from;
      int32_t socket = sockets::accept(one.socket, &from);
      if (socket < 0) break;
      open(one, socket, now);
      has_moved = true;
    }
  }
  candidates::probe(now);
  return has_moved;
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

uint32_t binding::wait_ms(uint32_t now, uint32_t most) {
  for (const Listener& one : listeners) {
    if (!one.is_used || one.socket >= 0) continue;
    uint32_t left = LISTEN_AGAIN_MS - (now - listened_at);
    if (left < most) most = left;
  }
  return most;
}

void binding::write_status(Writer& to) {
  for (const Listener& one : listeners) {
    if (!one.is_used) continue;
    to.text("Binding ").hex(one.route, configuration::ID);
    to.text(one.socket >= 0 ? ": listens on " : ": can't listen on ");
    write_address(to, one.at);
    to.text("\n");
  }
}
