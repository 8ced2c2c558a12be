/* SPDX-License-Identifier: Apache-2.0
 *
 * See datagram_binding.h. While there is no channel the newest datagram waits in the arena, and
 * those behind it in the socket, as many as the platform keeps; what waited for too long is
 * dropped.
 */
#include "datagram_binding.h"

#include "access.h"
#include "arena.h"
#include "candidates.h"
#include "channels.h"
#include "configuration.h"
#include "core.h"
#include "datagrams.h"
#include "flows.h"
#include "listeners.h"
#include "log.h"

#include <string.h>

namespace {

/** A channel that ended is opened again so much later: about what a configuration takes (F11). */
constexpr uint32_t OPEN_AGAIN_MS = 1000;
/** A peer that has not accepted the channel by then is passed over while there is another. */
constexpr uint32_t ACCEPT_MS = 2000;
/** Age of a datagram, and of a channel without a flow, PROTOCOL 11. */
constexpr uint32_t AGE_MS = 2000;
constexpr uint32_t CHANNEL_IDLE_MS = 600'000;
/** What is read before a channel says how much fits. */
constexpr uint32_t FIRST_MOST = 1400;

/** A datagram that waits for a channel. */
struct Held {
  uint8_t* bytes = nullptr;
  uint16_t length = 0;
  uint16_t flow = 0;
  uint32_t at = 0;
};

struct Bound {
  const Listener* listener = nullptr;
  uint8_t route[configuration::ID] = {};
  Channels channels;
  int32_t opening = -1;
  uint32_t opening_since = 0;
  uint8_t skipped = 0; /* peers that were passed over, in their order */
  bool is_resting = false;
  uint32_t rests_since = 0;
  uint32_t used_at = 0;
  uint16_t next_flow = 0;
  Held held;
};

Bound all[sizes::LISTENERS];
Seldom seldom;
Seldom seldom_refused;

void forget_held(Bound& one) {
  arena_free(one.held.bytes);
  one.held = Held();
}

void clear(Bound& one) {
  one.channels.end(CORE_REASON_APPLICATION);
  flows::end_all(&one);
  forget_held(one);
  one = Bound();
}

void rest(Bound& one, const char* why, uint32_t now) {
  one.is_resting = true;
  one.rests_since = now;
  if (!seldom.may(now)) return;
  LogLine(LogLevel::Warn)
      .text("the Binding ")
      .hex(one.route, configuration::ID)
      .text(" has no channel: ")
      .text(why)
      .text("; it is tried again");
}

void open(Bound& one, uint32_t now) {
  configuration::Route route;
  uint8_t links[sizes::LINKS];
  if (one.opening >= 0) return;
  if (one.is_resting && now - one.rests_since < OPEN_AGAIN_MS) return;
  one.is_resting = false;
  if (!configuration::find_route(one.route, true, configuration::Protocol::Udp, &route)) return;
  uint8_t count = candidates::order(route, links);
  if (count == 0) return rest(one, "no peer holds the Mapping", now);
  core::clock(static_cast<int32_t>(now));
  core::put_arg(0, route.id, configuration::ID);
  core::put_arg(configuration::ID, route.mapping, configuration::ID);
  int32_t stream = core::stream_open(links[one.skipped % count], core::KIND_DATAGRAM);
  if (stream < 0) return rest(one, core::status_name(stream), now);
  if (!one.channels.add(stream)) {
    core::stream_reset(stream, CORE_REASON_APPLICATION);
    core::stream_release(stream);
    return;
  }
  one.opening = stream;
  one.opening_since = now;
}

/** Asked before a source has a flow. */
bool is_admitted(const Bound& one, const sockets::Address& from, uint32_t now) {
  configuration::Route route;
  if (!configuration::find_route(one.route, true, configuration::Protocol::Udp, &route))
    return false;
  access::Verdict verdict = access::of_newcomer(route, from, flows::count(&one));
  if (verdict == access::Verdict::Allowed) return true;
  datagrams::count_drop(verdict == access::Verdict::SourceNotAllowed
                            ? datagrams::Drop::SourceNotAllowed
                            : datagrams::Drop::TooManyConnections);
  if (seldom_refused.may(now)) access::tell(verdict, one.route, from);
  return false;
}

/** A source's flow; nullptr: it may have none. */
Flow* flow_of(Bound& one, const sockets::Address& from, uint32_t now) {
  Flow* flow = flows::find(&one, from);
  if (flow == nullptr) {
    if (!is_admitted(one, from, now)) return nullptr;
    while (flows::find(&one, one.next_flow) != nullptr) one.next_flow++;
    flow = flows::begin(&one, one.next_flow++, now);
    flow->source = from;
  }
  flow->used_at = now;
  one.used_at = now;
  return flow;
}

/** The newest waits, in the place of an older one. */
void hold(Bound& one, const uint8_t* from, int32_t bytes, uint16_t flow, uint32_t now) {
  if (one.held.bytes != nullptr) datagrams::count_drop(datagrams::Drop::NoChannel);
  forget_held(one);
  size_t length = static_cast<size_t>(bytes);
  one.held.bytes = static_cast<uint8_t*>(arena_calloc(1, length > 0 ? length : 1));
  if (one.held.bytes == nullptr) return datagrams::count_drop(datagrams::Drop::NoRoom);
  memcpy(one.held.bytes, from, length);
  one.held.length = static_cast<uint16_t>(length);
  one.held.flow = flow;
  one.held.at = now;
}

void send_held(Bound& one, int32_t channel, uint32_t now) {
  const Held& held = one.held;
  if (held.bytes == nullptr) return;
  int32_t room = core::in_room(channel);
  uint8_t* to = core::at(core::in_ptr(), held.length);
  if (to == nullptr || now - held.at > AGE_MS) {
    datagrams::count_drop(datagrams::Drop::NoChannel);
  } else if (room < held.length) {
    datagrams::count_drop(datagrams::Drop::TooBig);
  } else {
    memcpy(to, held.bytes, held.length);
    datagrams::commit(channel, held.flow, held.length, now);
  }
  forget_held(one);
}

/** Datagrams of applications. Without a channel one is taken, which has one opened. */
bool receive(Bound& one, uint32_t now) {
  bool has_moved = false;
  for (int i = 0; i < datagrams::TAKEN_MOST; i++) {
    int32_t channel = one.channels.best();
    if (channel < 0 && one.held.bytes != nullptr) break;
    int32_t room = channel >= 0 ? core::in_room(channel) : static_cast<int32_t>(FIRST_MOST);
    uint8_t* to = room > 0 ? core::at(core::in_ptr(), static_cast<uint32_t>(room)) : nullptr;
    sockets::Address from;
    if (to == nullptr) break;
    int32_t bytes = sockets::receive(one.listener->socket, to, static_cast<size_t>(room), &from);
    if (bytes < 0) break;
    has_moved = true;
    const Flow* flow = flow_of(one, from, now);
    if (flow == nullptr) continue;
    if (channel >= 0)
      datagrams::commit(channel, flow->number, bytes, now);
    else
      hold(one, to, bytes, flow->number, now);
  }
  return has_moved;
}

/** A datagram of `bytes` at `in_ptr` for a flow's source. */
void answer(Bound& one, uint16_t number, uint32_t bytes, uint32_t now) {
  Flow* flow = flows::find(&one, number);
  const uint8_t* from = core::at(core::in_ptr(), bytes);
  if (flow == nullptr) return datagrams::count_drop(datagrams::Drop::UnknownFlow);
  flow->used_at = now;
  one.used_at = now;
  bool is_sent = from != nullptr && sockets::send(one.listener->socket, from, bytes, flow->source);
  if (is_sent)
    datagrams::count_out();
  else
    datagrams::count_drop(datagrams::Drop::NotSent);
}

bool take(Bound& one, int32_t stream, uint32_t now) {
  bool has_moved = false;
  for (int i = 0; i < datagrams::TAKEN_MOST; i++) {
    int32_t bytes = core::datagram_out(stream);
    if (bytes < 0) break;
    has_moved = true;
    uint16_t flow = static_cast<uint16_t>(core::datagram_flow());
    answer(one, flow, static_cast<uint32_t>(bytes), now);
  }
  return has_moved;
}

/** A peer without the Mapping accepts a channel and ends it at once: so every end means to rest. */
void ended(Bound& one, int32_t stream, uint8_t reason, uint32_t now) {
  one.channels.remove(stream);
  if (stream == one.opening) one.opening = -1;
  if (one.channels.is_empty()) rest(one, core::reason_name(reason), now);
}

bool hear(Bound& one, int32_t stream, uint32_t now) {
  int32_t flags = core::stream_flags(stream);
  if (flags < 0) {
    ended(one, stream, CORE_REASON_PEER_LOST, now);
    return true;
  }
  bool has_moved = (flags & core::READABLE) && take(one, stream, now);
  if (flags & core::CLOSED) {
    ended(one, stream, core::stream_reason(stream), now);
    return true;
  }
  if (!(flags & core::WRITABLE)) return has_moved;
  one.channels.allow(stream);
  if (stream != one.opening) return has_moved;
  one.opening = -1;
  one.skipped = 0;
  send_held(one, stream, now);
  return true;
}

/** The entry of a listener, which is begun anew where another Route has its place. */
Bound& bound_of(uint32_t index, const Listener& listener) {
  Bound& one = all[index];
  if (one.listener == &listener && memcmp(one.route, listener.route, sizeof one.route) == 0) {
    return one;
  }
  clear(one);
  one.listener = &listener;
  memcpy(one.route, listener.route, sizeof one.route);
  return one;
}

/** Silence: the next peer is asked, where there is one. */
void pass_over(Bound& one, uint32_t now) {
  configuration::Route route;
  if (one.opening < 0 || now - one.opening_since < ACCEPT_MS) return;
  if (!configuration::find_route(one.route, true, configuration::Protocol::Udp, &route)) return;
  if (route.peer_count < 2) return;
  core::stream_reset(one.opening, CORE_REASON_APPLICATION);
  one.channels.remove(one.opening);
  one.opening = -1;
  one.skipped++;
  open(one, now);
}

} // namespace

void datagram_binding::start() {
  for (Bound& one : all) clear(one);
}

bool datagram_binding::turn(uint32_t now) {
  bool has_moved = false;
  for (uint32_t i = 0; i < sizes::LISTENERS; i++) {
    const Listener* listener = listeners::at(i, configuration::Protocol::Udp);
    if (listener == nullptr) {
      if (all[i].listener != nullptr) clear(all[i]);
      continue;
    }
    Bound& one = bound_of(i, *listener);
    for (uint32_t k = 0; k < Channels::MOST; k++) {
      if (one.channels.at(k) >= 0 && hear(one, one.channels.at(k), now)) has_moved = true;
    }
    if (receive(one, now)) has_moved = true;
    if (one.held.bytes != nullptr && one.channels.best() < 0) open(one, now);
  }
  return has_moved;
}

void datagram_binding::sweep(uint32_t now) {
  for (Bound& one : all) {
    if (one.listener == nullptr) continue;
    pass_over(one, now);
    if (one.channels.wants_successor()) open(one, now);
    if (one.held.bytes != nullptr && now - one.held.at > AGE_MS) {
      datagrams::count_drop(datagrams::Drop::NoChannel);
      forget_held(one);
    }
    bool is_idle = !one.channels.is_empty() && now - one.used_at >= CHANNEL_IDLE_MS;
    if (!is_idle) continue;
    one.opening = -1;
    one.channels.end(CORE_REASON_APPLICATION);
  }
}

void datagram_binding::change() {
  configuration::Route route;
  for (Bound& one : all) {
    bool is_there =
        one.listener != nullptr &&
        configuration::find_route(one.route, true, configuration::Protocol::Udp, &route);
    for (uint32_t i = 0; is_there && i < sizes::FLOWS; i++) {
      Flow* flow = flows::at(&one, i);
      if (flow != nullptr && !access::allows(route, flow->source)) flows::end(*flow);
    }
  }
}

bool datagram_binding::has(int32_t stream) {
  for (const Bound& one : all) {
    if (one.channels.has(stream)) return true;
  }
  return false;
}
