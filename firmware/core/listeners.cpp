/* SPDX-License-Identifier: Apache-2.0
 *
 * See listeners.h. Before it: agent.cpp. After it: sockets.h. A place that can't be had is tried
 * again each two seconds: an address may still have to come.
 */
#include "listeners.h"

#include "addresses.h"
#include "log.h"

#include <string.h>

namespace {

using configuration::Protocol;

constexpr uint32_t LISTEN_AGAIN_MS = 2000;

Listener all[sizes::LISTENERS];
uint32_t tried_at = 0;

bool place_of(const configuration::Route& route, sockets::Address* at) {
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
                 place_of(route, &at) && is_same_address(at, one.at);
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

void tell_unusable(const uint8_t* id, const char* why) {
  LogLine line(LogLevel::Warn);
  line.text("the Binding ").hex(id, configuration::ID).text(" does not listen: ").text(why);
}

const char* refusal_of_place(const configuration::Route& route) {
  HostName name;
  bool is_name = take_name(route.address.at, route.address.bytes, &name);
  const char* refusal = is_name ? refusal_of(name) : nullptr;
  if (refusal != nullptr) return refusal;
  return "its address is public; it may be loopback, a private address or \"all\"";
}

void add(const configuration::Route& route) {
  sockets::Address at = {};
  if (is_there(route)) return;
  if (!place_of(route, &at)) {
    tell_unusable(route.id, refusal_of_place(route));
    return;
  }
  Listener* one = free_place();
  if (one == nullptr) {
    tell_unusable(route.id, "this device has no place for more Bindings");
    return;
  }
  one->is_used = true;
  one->protocol = route.protocol;
  one->at = at;
  memcpy(one->route, route.id, sizeof one->route);
}

void try_to_listen(Listener& one) {
  bool is_tcp = one.protocol == Protocol::Tcp;
  one.socket = is_tcp ? sockets::listen(one.at) : sockets::open_datagrams(one.at);
  bool listens = one.socket >= 0;
  if (!listens && one.has_told) return;
  one.has_told = true;
  LogLine line(listens ? LogLevel::Info : LogLevel::Warn);
  line.text("the Binding ").hex(one.route, configuration::ID);
  line.text(listens ? " listens on " : " can't listen yet on ");
  write_address(line, one.at);
  line.text(is_tcp ? "" : ", UDP").text(listens ? "" : ": it is tried again");
}

void try_all(uint32_t now) {
  tried_at = now;
  for (Listener& one : all) {
    if (one.is_used && one.socket < 0) try_to_listen(one);
  }
}

} // namespace

void listeners::change(uint32_t now) {
  close_what_is_gone();
  configuration::Route route;
  for (uint32_t i = 0, count = configuration::route_count(); i < count; i++) {
    if (!configuration::route_at(i, &route)) break;
    if (route.is_binding) add(route);
  }
  try_all(now);
}

void listeners::stop() {
  for (Listener& one : all) close(one);
}

void listeners::turn(uint32_t now) {
  if (now - tried_at >= LISTEN_AGAIN_MS) try_all(now);
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
    write_address(to, one.at);
    to.text(one.protocol == Protocol::Tcp ? "\n" : ", UDP\n");
  }
}
