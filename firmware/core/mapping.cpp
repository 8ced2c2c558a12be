/* SPDX-License-Identifier: Apache-2.0
 *
 * See mapping.h. The Route is found anew in each turn, so that one that is gone is not dialled.
 */
#include "mapping.h"

#include "addresses.h"
#include "log.h"
#include "pump.h"
#include "streams.h"

#include <string.h>

namespace {

/** Less than the opener's 10 s (rule D10), so that it hears why. */
constexpr uint32_t TARGET_MS = 8000;

Seldom seldom;

uint8_t reason_of(sockets::State state) {
  switch (state) {
  case sockets::State::Refused:
  case sockets::State::Reset:
    return CORE_REASON_TARGET_REFUSED;
  case sockets::State::TimedOut:
    return CORE_REASON_TARGET_TIMED_OUT;
  default:
    return CORE_REASON_TARGET_UNREACHABLE;
  }
}

const char* words_for(uint8_t reason) {
  switch (reason) {
  case CORE_REASON_TARGET_REFUSED:
    return "the target refuses: is the service running?";
  case CORE_REASON_TARGET_TIMED_OUT:
    return "the target does not answer";
  default:
    return "the target can't be reached";
  }
}

bool fail(Connection& one, uint8_t reason, const char* why, uint32_t now) {
  streams::count_failed(why);
  if (seldom.may(now)) {
    LogLine(LogLevel::Warn)
        .text("the Mapping ")
        .hex(one.route, configuration::ID)
        .text(" could not connect: ")
        .text(why);
  }
  pump::abandon(one, reason);
  return true;
}

bool fail(Connection& one, uint8_t reason, uint32_t now) {
  return fail(one, reason, words_for(reason), now);
}

bool name_of(const configuration::Route& route, HostName* name) {
  if (route.address.bytes > 0) return take_name(route.address.at, route.address.bytes, name);
  return take_name(reinterpret_cast<const uint8_t*>("localhost"), 9, name);
}

bool look_up(Connection& one, uint32_t now) {
  configuration::Route route;
  HostName name;
  if (!configuration::find_route(one.route, false, configuration::Protocol::Tcp, &route)) {
    return fail(one, CORE_REASON_WITHDRAWN, "its Route is gone", now);
  }
  sockets::Address target = {};
  target.port = route.port;
  bool is_name = name_of(route, &name);
  sockets::Lookup found = is_name ? sockets::lookup(name.text, &target) : sockets::Lookup::Failed;
  if (found == sockets::Lookup::Pending) return false;
  if (found == sockets::Lookup::Failed) {
    const char* refusal = is_name ? refusal_of(name) : nullptr;
    const char* why = refusal != nullptr ? refusal : "the target's name does not resolve";
    return fail(one, CORE_REASON_TARGET_UNREACHABLE, why, now);
  }
  AddressKind kind = kind_of(target);
  if (kind != AddressKind::Loopback && kind != AddressKind::Private) {
    return fail(one, CORE_REASON_TARGET_UNREACHABLE,
                "the target is a public address, which a Mapping never points to", now);
  }
  one.socket = sockets::dial(target);
  if (one.socket < 0) {
    return fail(one, CORE_REASON_TARGET_UNREACHABLE, "this device has no connection left", now);
  }
  one.stage = Connection::Stage::Dialling;
  return true;
}

bool wait_for_target(Connection& one, uint32_t now) {
  sockets::State state = sockets::state(one.socket);
  if (state == sockets::State::Connecting) return false;
  if (state != sockets::State::Open) return fail(one, reason_of(state), now);
  core::stream_connected(one.stream);
  one.stage = Connection::Stage::Joined;
  return true;
}

} // namespace

uint8_t mapping::accept(int32_t stream, const core::StreamInfo& info, uint32_t now) {
  configuration::Route route;
  bool is_ours =
      info.kind == core::KIND_BYTES &&
      configuration::find_route(info.mapping, false, configuration::Protocol::Tcp, &route) &&
      configuration::names_link(route, info.link);
  if (!is_ours) return CORE_REASON_NO_SUCH_MAPPING;
  Connection* one = streams::take();
  if (one == nullptr) {
    streams::tell_full(now);
    return CORE_REASON_TOO_MANY_STREAMS;
  }
  core::stream_hold(stream, static_cast<int32_t>(route.hold_ms));
  one->stage = Connection::Stage::LookingUp;
  one->stream = stream;
  one->since = now;
  memcpy(one->route, info.mapping, sizeof one->route);
  return 0;
}

bool mapping::turn(Connection& one, uint32_t now) {
  int32_t flags = core::stream_flags(one.stream);
  if (flags < 0 || flags & core::CLOSED) {
    streams::free(one,
                  flags < 0 ? uint8_t{CORE_REASON_PEER_LOST} : core::stream_reason(one.stream));
    return true;
  }
  if (now - one.since >= TARGET_MS) return fail(one, CORE_REASON_TARGET_TIMED_OUT, now);
  if (one.stage == Connection::Stage::LookingUp) return look_up(one, now);
  return wait_for_target(one, now);
}
