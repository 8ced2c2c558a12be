/* SPDX-License-Identifier: Apache-2.0
 *
 * See datagram_mapping.h. Datagrams stay in the core while the target's name is looked up: it drops
 * those that get too old. Invariant: what is sent to is an address that was looked at, never
 * public.
 */
#include "datagram_mapping.h"

#include "addresses.h"
#include "channels.h"
#include "configuration.h"
#include "datagrams.h"
#include "flows.h"
#include "log.h"

#include <string.h>

namespace {

/** What a name resolves to is looked at again so often. */
constexpr uint32_t LOOK_AGAIN_MS = 30'000;

/** One Binding of one peer, and this device's Mapping. */
struct Relation {
  bool is_used = false;
  bool has_target = false;
  int32_t link = -1;
  uint32_t looked_at = 0;
  uint8_t binding[configuration::ID] = {};
  uint8_t mapping[configuration::ID] = {};
  sockets::Address target = {};
  Channels channels;
};

Relation relations[sizes::RELATIONS];
Seldom seldom;

bool find_route(const uint8_t* id, configuration::Route* route) {
  return configuration::find_route(id, false, configuration::Protocol::Udp, route);
}

Relation* relation_of(const core::StreamInfo& info) {
  Relation* place = nullptr;
  for (Relation& one : relations) {
    if (!one.is_used) {
      place = &one;
      continue;
    }
    bool is_it = one.link == info.link &&
                 memcmp(one.binding, info.binding, sizeof one.binding) == 0 &&
                 memcmp(one.mapping, info.mapping, sizeof one.mapping) == 0;
    if (is_it) return &one;
  }
  return place;
}

/** As its Route says now. False: it is gone, or says none. */
bool target_of(const Relation& one, HostName* name, uint16_t* port) {
  configuration::Route route;
  static const uint8_t LOCALHOST[] = {'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't'};
  if (!find_route(one.mapping, &route)) return false;
  *port = route.port;
  return route.address.bytes > 0 ? take_name(route.address.at, route.address.bytes, name)
                                 : take_name(LOCALHOST, sizeof LOCALHOST, name);
}

/** Looks the target up. Failed too where there is none that may be used. */
sockets::Lookup look_up(Relation& one, uint32_t now) {
  if (one.has_target && now - one.looked_at < LOOK_AGAIN_MS) return sockets::Lookup::Found;
  HostName name;
  uint16_t port = 0;
  if (!target_of(one, &name, &port)) return sockets::Lookup::Failed;
  sockets::Address target = {};
  target.port = port;
  sockets::Lookup found = sockets::lookup(name.text, &target);
  if (found != sockets::Lookup::Found) return found;
  AddressKind kind = kind_of(target);
  if (kind != AddressKind::Loopback && kind != AddressKind::Private) return sockets::Lookup::Failed;
  if (one.has_target && !is_same_address(target, one.target)) flows::end_all(&one);
  one.target = target;
  one.has_target = true;
  one.looked_at = now;
  return found;
}

Flow* begin(Relation& one, uint16_t number, uint32_t now) {
  sockets::Address any = {};
  any.host_bytes = one.target.host_bytes;
  int32_t socket = sockets::open_datagrams(any);
  if (socket < 0) return nullptr;
  Flow* flow = flows::begin(&one, number, now);
  flow->socket = socket;
  return flow;
}

/** A datagram of `bytes` at `in_ptr`, for the target. */
void arrived(Relation& one, uint16_t number, uint32_t bytes, uint32_t now) {
  Flow* flow = flows::find(&one, number);
  if (flow == nullptr) flow = begin(one, number, now);
  const uint8_t* from = core::at(core::in_ptr(), bytes);
  if (flow == nullptr || from == nullptr) return datagrams::count_drop(datagrams::Drop::NotSent);
  flow->used_at = now;
  if (sockets::send(flow->socket, from, bytes, one.target)) return datagrams::count_out();
  datagrams::count_drop(datagrams::Drop::NotSent);
}

void drop(const Relation& one, uint32_t now) {
  datagrams::count_drop(datagrams::Drop::NoTarget);
  if (!seldom.may(now)) return;
  HostName name;
  uint16_t port = 0;
  const char* refusal = target_of(one, &name, &port) ? refusal_of(name) : nullptr;
  LogLine(LogLevel::Warn)
      .text("the Mapping ")
      .hex(one.mapping, configuration::ID)
      .text(" drops datagrams: ")
      .text(refusal != nullptr ? refusal : "its target does not resolve, or is a public address");
}

bool take(Relation& one, int32_t stream, uint32_t now) {
  sockets::Lookup found = look_up(one, now);
  if (found == sockets::Lookup::Pending) return false;
  bool is_any = false;
  for (int i = 0; i < datagrams::TAKEN_MOST; i++) {
    int32_t bytes = core::datagram_out(stream);
    if (bytes < 0) break;
    is_any = true;
    uint16_t flow = static_cast<uint16_t>(core::datagram_flow());
    if (found == sockets::Lookup::Found)
      arrived(one, flow, static_cast<uint32_t>(bytes), now);
    else
      drop(one, now);
  }
  if (is_any) one.channels.allow(stream);
  return is_any;
}

bool hear(Relation& one, int32_t stream, uint32_t now) {
  int32_t flags = core::stream_flags(stream);
  bool has_moved = flags > 0 && (flags & core::READABLE) && take(one, stream, now);
  if (flags >= 0 && !(flags & core::CLOSED)) return has_moved;
  one.channels.remove(stream);
  if (!one.channels.is_empty()) return true;
  flows::end_all(&one);
  one = Relation();
  return true;
}

/** What the target answers on a flow. */
bool answer(Relation& one, Flow& flow, uint32_t now) {
  int32_t channel = one.channels.best();
  if (channel < 0) return false;
  bool has_moved = false;
  for (int i = 0; i < datagrams::TAKEN_MOST; i++) {
    int32_t room = core::in_room(channel);
    uint8_t* to = room > 0 ? core::at(core::in_ptr(), static_cast<uint32_t>(room)) : nullptr;
    sockets::Address from;
    if (to == nullptr) break;
    int32_t bytes = sockets::receive(flow.socket, to, static_cast<size_t>(room), &from);
    if (bytes < 0) break;
    has_moved = true;
    if (!is_same_address(from, one.target)) continue;
    flow.used_at = now;
    datagrams::commit(channel, flow.number, bytes, now);
  }
  return has_moved;
}

bool turn_of(Relation& one, uint32_t now) {
  bool has_moved = false;
  for (uint32_t i = 0; i < Channels::MOST && one.is_used; i++) {
    int32_t stream = one.channels.at(i);
    if (stream >= 0 && hear(one, stream, now)) has_moved = true;
  }
  for (uint32_t i = 0; i < sizes::FLOWS && one.is_used; i++) {
    Flow* flow = flows::at(&one, i);
    if (flow != nullptr && answer(one, *flow, now)) has_moved = true;
  }
  return has_moved;
}

} // namespace

void datagram_mapping::start() {
  for (Relation& one : relations) {
    flows::end_all(&one);
    one = Relation();
  }
}

bool datagram_mapping::turn(uint32_t now) {
  bool has_moved = false;
  for (Relation& one : relations) {
    if (one.is_used && turn_of(one, now)) has_moved = true;
  }
  return has_moved;
}

bool datagram_mapping::has(int32_t stream) {
  for (const Relation& one : relations) {
    if (one.is_used && one.channels.has(stream)) return true;
  }
  return false;
}

uint8_t datagram_mapping::accept(int32_t stream, const core::StreamInfo& info, uint32_t) {
  configuration::Route route;
  if (!find_route(info.mapping, &route) || !configuration::names_link(route, info.link)) {
    return CORE_REASON_NO_SUCH_MAPPING;
  }
  Relation* one = relation_of(info);
  if (one == nullptr || !one->channels.add(stream)) return CORE_REASON_TOO_MANY_STREAMS;
  one->is_used = true;
  one->link = info.link;
  memcpy(one->binding, info.binding, sizeof one->binding);
  memcpy(one->mapping, info.mapping, sizeof one->mapping);
  core::stream_connected(stream);
  return 0;
}
