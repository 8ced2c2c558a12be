/* SPDX-License-Identifier: Apache-2.0
 *
 * See listeners.h. Before it: agent.cpp. After it: sockets.h. A place that can't be had is tried
 * again each two seconds and whenever the network comes or goes, and an interface's address is
 * looked at: it may come late, and change.
 */
#include "listeners.h"

#include "access.h"
#include "addresses.h"
#include "commander.h"
#include "log.h"
#include "port.h"

#include <string.h>

namespace {

using configuration::Protocol;

constexpr uint32_t LISTEN_AGAIN_MS = 2000;

Listener all[sizes::LISTENERS];
uint32_t tried_at = 0;
uint32_t network_changes = 0;

Listening place_of(const configuration::Route& route, sockets::Address* at) {
  at->port = route.port;
  return listening_at(route.address.at, route.address.bytes, at);
}

void close(Listener& one) {
  if (one.socket >= 0) sockets::close(one.socket);
  one = Listener();
}

void close_what_is_gone() {
  for (Listener& one : all) {
    if (!one.is_used) continue;
    configuration::Route route;
    sockets::Address at = {};
    bool stays = configuration::find_route(one.route, true, one.protocol, &route) &&
                 access::is_possible(route) && place_of(route, &at) == Listening::At &&
                 is_same_address(at, one.at);
    if (!stays) close(one);
  }
}

bool is_there(const configuration::Route& route) {
  for (const Listener& one : all) {
    if (one.is_used && memcmp(one.route, route.id, sizeof one.route) == 0) return true;
  }
  return false;
}

Listener* free_place() {
  for (Listener& one : all) {
    if (!one.is_used) return &one;
  }
  return nullptr;
}

void write_place(Writer& to, const Listener& one) {
  if (one.at.host_bytes == 0)
    to.text("an interface without an address");
  else
    write_address(to, one.at);
}

void tell_unusable(const uint8_t* id, const char* why) {
  LogLine line(LogLevel::Warn);
  line.text("the Binding ").hex(id, configuration::ID).text(" does not listen: ").text(why);
}

void tell_unknown(const configuration::Route& route) {
  HostName name;
  bool is_name = take_name(route.address.at, route.address.bytes, &name);
  const char* refusal = is_name ? refusal_of(name) : nullptr;
  if (refusal != nullptr) return tell_unusable(route.id, refusal);
  LogLine(LogLevel::Warn)
      .text("the Binding ")
      .hex(route.id, configuration::ID)
      .text(" does not listen: ")
      .foreign(route.address.at, route.address.bytes)
      .text(" is neither an address nor an interface of this device; \"all\" are all it has");
}

void add(const configuration::Route& route, uint32_t now) {
  sockets::Address at = {};
  if (is_there(route)) return;
  if (!access::is_possible(route)) {
    /* Without its limits it would be for more than its owner meant. */
    commander::report(CORE_STATUS_BAD_ARGUMENT, now);
    tell_unusable(route.id, "it has a rate, or a limit that is newer than this firmware, which "
                            "this device can't see to: take that out of its access list");
    return;
  }
  Listening place = place_of(route, &at);
  if (place == Listening::Unknown) return tell_unknown(route);
  if (place == Listening::Public) {
    tell_unusable(route.id,
                  "its address is public; it may be loopback, a private address or \"all\"");
    return;
  }
  Listener* one = free_place();
  if (one == nullptr) {
    tell_unusable(route.id, "this device has no place for more Bindings");
    return;
  }
  one->is_used = true;
  one->is_named = names_interface(route.address.at, route.address.bytes);
  one->protocol = route.protocol;
  one->at = at;
  memcpy(one->route, route.id, sizeof one->route);
}

/** Follows the interface's address. False: it has none now. */
bool follow(Listener& one) {
  configuration::Route route;
  sockets::Address at = {};
  if (!configuration::find_route(one.route, true, one.protocol, &route)) return false;
  if (place_of(route, &at) != Listening::At) return false;
  if (is_same_address(at, one.at)) return true;
  if (one.socket >= 0) sockets::close(one.socket);
  one.socket = -1;
  one.has_told = false;
  one.at = at;
  return true;
}

void try_to_listen(Listener& one) {
  bool is_tcp = one.protocol == Protocol::Tcp;
  bool has_place = !one.is_named || follow(one);
  if (one.socket >= 0) return;
  if (has_place) one.socket = is_tcp ? sockets::listen(one.at) : sockets::open_datagrams(one.at);
  bool listens = one.socket >= 0;
  if (!listens && one.has_told) return;
  one.has_told = true;
  LogLine line(listens ? LogLevel::Info : LogLevel::Warn);
  line.text("the Binding ").hex(one.route, configuration::ID);
  line.text(listens ? " listens on " : " can't listen yet on ");
  write_place(line, one);
  line.text(is_tcp ? "" : ", UDP").text(listens ? "" : ": it is tried again");
}

void try_all(uint32_t now) {
  tried_at = now;
  for (Listener& one : all) {
    if (one.is_used && (one.socket < 0 || one.is_named)) try_to_listen(one);
  }
}

} // namespace

void listeners::change(uint32_t now) {
  close_what_is_gone();
  configuration::Route route;
  for (uint32_t i = 0, count = configuration::route_count(); i < count; i++) {
    if (!configuration::route_at(i, &route)) break;
    if (route.is_binding) add(route, now);
  }
  try_all(now);
}

void listeners::stop() {
  for (Listener& one : all) close(one);
}

void listeners::turn(uint32_t now) {
  uint32_t changes = port::network().changes;
  if (changes == network_changes && now - tried_at < LISTEN_AGAIN_MS) return;
  network_changes = changes;
  try_all(now);
}

const Listener* listeners::at(uint32_t index, Protocol protocol) {
  const Listener& one = all[index];
  return one.socket >= 0 && one.protocol == protocol ? &one : nullptr;
}

uint32_t listeners::wait_ms(uint32_t now, uint32_t most) {
  for (const Listener& one : all) {
    if (!one.is_used || one.socket >= 0) continue;
    uint32_t since = now - tried_at;
    uint32_t left = since < LISTEN_AGAIN_MS ? LISTEN_AGAIN_MS - since : 0;
    if (left < most) most = left;
  }
  return most;
}

void listeners::write_status(Writer& to) {
  for (const Listener& one : all) {
    if (!one.is_used) continue;
    to.text("Binding ").hex(one.route, configuration::ID);
    to.text(one.socket >= 0 ? ": listens on " : ": can't listen on ");
    write_place(to, one);
    to.text(one.protocol == Protocol::Tcp ? "\n" : ", UDP\n");
  }
}
