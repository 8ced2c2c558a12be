/* SPDX-License-Identifier: Apache-2.0
 *
 * See connectors.h. A hop is `old` when another is to follow it: it is dialled beside it, and 2 s
 * after that one is up the old one is closed. A place is one of the order of Connectors.
 */
#include "connectors.h"

#include "activation.h"
#include "commander.h"
#include "configuration.h"
#include "core.h"
#include "hop.h"
#include "log.h"
#include "port.h"

namespace {

constexpr uint32_t REDIAL_FIRST_MS = 500;
constexpr uint32_t REDIAL_MOST_MS = 60'000;
/** Hops are asked about silence and DRAIN so often (rule K7). */
constexpr uint32_t WATCH_MS = 500;
/** What the Connector had for the older hop has come by then, if it comes at all. */
constexpr uint32_t RETIRE_MS = 2000;
/** Of a handshake beside a hop that is up: it holds the only slot, which peers want. */
constexpr uint32_t BESIDE_MS = 4000;
/** After such a handshake, until that Connector is dialled again. */
constexpr uint32_t STALLED_MS = 30'000;
/** After a hop came up, until a Connector that has failed is dialled again. */
constexpr uint32_t PEERS_FIRST_MS = 5000;
constexpr uint32_t DRAIN_AT = 124;

struct Place {
  uint8_t tries = 0;
  bool is_drained = false;
  uint32_t may_dial_at = 0;
  const char* last_error = nullptr;
};

struct Kept {
  Hop hop;
  bool is_old = false;
  bool was_up = false;
  bool is_retiring = false;
  uint32_t retire_at = 0;
};

Place places[sizes::CONNECTORS];
uint32_t place_count = 0;
Kept kept[sizes::HOPS];
bool by_code = false;
uint32_t network_changes = 0;
uint32_t watched_at = 0;
bool is_redialling = false;
uint32_t section_digest = 0;

bool is_due(uint32_t now, uint32_t at) {
  return static_cast<int32_t>(now - at) >= 0;
}

/** A number below `most`, of the platform's chance: for jitter alone. */
uint32_t random_below(uint32_t most) {
  uint8_t bytes[4];
  if (most == 0) return 0;
  if (!port::entropy(bytes, sizeof bytes)) return most / 2;
  return core::load_u32(bytes) % most;
}

/** After these the next try comes so much later, and up to twice that: only a person helps. */
uint32_t held_off_ms(uint8_t reason) {
  switch (reason) {
  case CORE_REASON_NOT_ADMITTED:
    return 5000;
  case CORE_REASON_SUPERSEDED:
  case CORE_REASON_KEY_USED_TWICE:
  case CORE_REASON_REVOKED:
  case CORE_REASON_CODE_USED:
  case CORE_REASON_CODE_EXPIRED:
  case CORE_REASON_CODE_UNKNOWN:
  case CORE_REASON_WRONG_NETWORK:
    return 30'000;
  default:
    return 0;
  }
}

const char* advice_for(uint8_t reason) {
  switch (reason) {
  case CORE_REASON_NOT_ADMITTED:
    return ": the Connector does not admit this device's key; give it to the Connector's operator";
  case CORE_REASON_SUPERSEDED:
    return ": something else has made a hop with this device's key; a key is for one device";
  case CORE_REASON_KEY_USED_TWICE:
    return ": this device's key is in use at two places; stop one, or reset this device";
  case CORE_REASON_REVOKED:
    return ": the Connector's operator has revoked this device's key";
  case CORE_REASON_CODE_USED:
  case CORE_REASON_CODE_EXPIRED:
  case CORE_REASON_CODE_UNKNOWN:
    return ": get a new code, and type `activate` with it";
  case CORE_REASON_WRONG_NETWORK:
    return ": the code may not be used from this network; get another one";
  default:
    return "";
  }
}

bool name_of(uint32_t place, HostName* name, uint16_t* port) {
  if (by_code) return activation::address_at(place, name, port);
  configuration::Connector connector;
  return configuration::connector_at(place, &connector) &&
         take_host_port(connector.address.at, connector.address.bytes, name, port);
}

/** The newest hop to a place that none is to follow, or nullptr. */
Kept* current_of(uint32_t place) {
  for (Kept& one : kept) {
    if (!one.hop.is_free() && !one.is_old && one.hop.place() == place) return &one;
  }
  return nullptr;
}

bool has_hop(uint32_t place) {
  return current_of(place) != nullptr;
}

/** Room for a hop: a free one, or that of an old one which it is to follow. */
Kept* make_room(uint32_t place) {
  Kept* room = nullptr;
  bool is_any_new = false;
  for (Kept& one : kept) {
    if (one.hop.is_free()) return &one;
    if (!one.is_old)
      is_any_new = true;
    else if (is_redialling || one.hop.place() == place)
      room = &one;
  }
  if (room == nullptr || (is_redialling && is_any_new)) return nullptr;
  room->hop.stop(CORE_REASON_SUPERSEDED);
  room->hop.free();
  return room;
}

/** An address that nothing but another configuration makes usable: told once for each of them. */
void pass_over(uint32_t index, const char* why, uint32_t now) {
  Place& place = places[index];
  place.may_dial_at = now + REDIAL_MOST_MS;
  if (place.last_error == why) return;
  place.last_error = why;
  LogLine line(LogLevel::Warn);
  configuration::Connector connector;
  line.text("the Connector ");
  if (configuration::connector_at(index, &connector)) {
    line.foreign(connector.address.at, connector.address.bytes);
  } else {
    line.number(index); /* of an activation code */
  }
  line.text(" is not dialled: ").text(why);
}

/** Does it have a hop now, whose next turn looks its name up? */
bool dial(uint32_t place, uint32_t now) {
  HostName name;
  uint16_t port = 0;
  const char* refusal = "its address is not host:port";
  if (name_of(place, &name, &port)) refusal = refusal_of(name);
  if (refusal != nullptr) {
    pass_over(place, refusal, now);
    return false;
  }
  Kept* room = make_room(place);
  if (room == nullptr) return false;
  *room = Kept();
  room->hop.dial(static_cast<uint8_t>(place), by_code, name, port, now);
  LogLine(LogLevel::Debug).text("dialling the Connector ").text(name.text);
  return true;
}

void not_before(Place& place, uint32_t at) {
  if (is_due(at, place.may_dial_at)) place.may_dial_at = at;
}

void redial_later(Place& place, uint8_t reason, uint32_t now) {
  uint32_t held_off = held_off_ms(reason);
  uint32_t span = REDIAL_MOST_MS;
  if (place.tries < 7) span = REDIAL_FIRST_MS << place.tries++;
  if (span > REDIAL_MOST_MS) span = REDIAL_MOST_MS;
  if (span < held_off) span = held_off;
  not_before(place, now + held_off + random_below(span));
}

void tell_up(const Hop& hop) {
  HostName name = {};
  uint16_t port = 0;
  LogLine line(LogLevel::Info);
  line.text("hop up");
  if (name_of(hop.place(), &name, &port)) line.text(": ").text(name.text);
}

/** The newest wins: what still comes over an older one is waited for, but not for long. */
void came_up(Kept& newest, uint32_t now) {
  bool is_for_all = is_redialling;
  newest.was_up = true;
  is_redialling = false;
  Place& place = places[newest.hop.place()];
  place.tries = 0;
  place.is_drained = false;
  place.last_error = nullptr;
  for (Place& other : places) {
    if (other.tries > 0) not_before(other, now + PEERS_FIRST_MS);
  }
  for (Kept& one : kept) {
    if (!one.is_old || one.is_retiring) continue;
    if (!is_for_all && one.hop.place() != newest.hop.place()) continue;
    one.is_retiring = true;
    one.retire_at = now + RETIRE_MS;
  }
  tell_up(newest.hop);
}

void ended(Kept& one, uint32_t now) {
  const Hop& hop = one.hop;
  Place& place = places[hop.place()];
  if (!one.is_old) {
    redial_later(place, hop.reason(), now);
    commander::report(hop.status(), now);
    place.last_error = hop.reason() != 0 ? core::reason_name(hop.reason()) : hop.why();
    HostName name = {};
    uint16_t port = 0;
    LogLine line(LogLevel::Warn);
    line.text("hop down: ");
    if (name_of(hop.place(), &name, &port)) line.text(name.text).text(": ");
    line.text(place.last_error).text(advice_for(hop.reason()));
    line.text(", dialled again in ").seconds(place.may_dial_at - now).text(" s");
  }
  one.hop.free();
  one.is_old = false;
}

/** The hop stays until the one that follows it is up. */
void make_old(Kept& one) {
  one.is_old = true;
  one.is_retiring = false;
}

void heed_drain(Kept& one, uint32_t now) {
  Place& place = places[one.hop.place()];
  const uint8_t* peer = core::at(core::hop_peer_ptr(one.hop.index()), DRAIN_AT + 4);
  uint32_t after = peer != nullptr ? core::load_u32(peer + DRAIN_AT) : 0;
  if (after == 0 || place.is_drained) return;
  place.is_drained = true;
  place.may_dial_at = now + after + random_below(REDIAL_FIRST_MS);
  make_old(one);
  LogLine(LogLevel::Info).text("the Connector stops, dialled again in ").seconds(after).text(" s");
}

/** A silent hop: another is dialled beside it, or in its place where there is no room. */
void heed_silence(Kept& one, uint32_t now) {
  int32_t silent = core::hop_silent(one.hop.index());
  Place& place = places[one.hop.place()];
  if (silent <= 0 || one.is_old || !is_due(now, place.may_dial_at)) return;
  LogLine(LogLevel::Warn)
      .text("hop silent for ")
      .seconds(static_cast<uint32_t>(silent))
      .text(" s: another is dialled");
  make_old(one);
}

void watch(uint32_t now) {
  if (now - watched_at < WATCH_MS) return;
  watched_at = now;
  for (Place& place : places) {
    if (is_due(now, place.may_dial_at)) place.may_dial_at = now; /* or the clock overtakes it */
  }
  for (Kept& one : kept) {
    if (!one.hop.is_up() || one.is_old) continue;
    heed_drain(one, now);
    if (one.hop.is_up() && !one.is_old) heed_silence(one, now);
  }
}

/** The network has come back: what there was may hang for long, so everything is dialled anew. */
void heed_network(uint32_t now) {
  port::Network network = port::network();
  if (network.changes == network_changes) return;
  network_changes = network.changes;
  LogLine(LogLevel::Info).text(network.is_up ? "network up" : "network down");
  if (!network.is_up) return;
  for (uint32_t i = 0; i < place_count; i++) {
    places[i].tries = 0;
    places[i].may_dial_at = now;
  }
  for (Kept& one : kept) {
    if (one.hop.is_up())
      make_old(one);
    else
      one.hop.free();
  }
}

/** Tells one section of Connectors from another: FNV-1a over its entries. */
uint32_t digest_of_section() {
  uint32_t digest = 2'166'136'261u;
  configuration::Connector connector;
  for (uint32_t i = 0; configuration::connector_at(i, &connector); i++) {
    const uint8_t* end = connector.address.at + connector.address.bytes;
    for (const uint8_t* at = connector.key; at < end; at++) digest = (digest ^ *at) * 16'777'619u;
  }
  return digest;
}

void read_places(uint32_t now) {
  section_digest = digest_of_section();
  by_code = configuration::connector_count() == 0;
  place_count = by_code ? activation::address_count() : configuration::connector_count();
  if (place_count > sizes::CONNECTORS) {
    LogLine(LogLevel::Warn)
        .text("of ")
        .number(place_count)
        .text(" Connectors this device uses the first ")
        .number(sizes::CONNECTORS);
    place_count = sizes::CONNECTORS;
  }
  for (Place& place : places) {
    place = Place();
    place.may_dial_at = now;
  }
}

/** Id, key or Connectors have changed: what is up stays until a new hop is. */
void dial_anew(uint32_t now) {
  is_redialling = true;
  read_places(now);
  for (Kept& one : kept) {
    if (one.hop.is_up())
      make_old(one);
    else
      one.hop.free();
  }
}

/** CORE_WANTS_REDIAL is said until a new hop is up. */
void heed_core(uint32_t now) {
  int32_t flags = core::flags();
  if (flags < 0 || !(flags & CORE_CORE_WANTS_REDIAL) || is_redialling) return;
  dial_anew(now);
}

/** Is one being dialled, or in its handshake? A device has one slot for handshakes. */
bool is_any_dialling() {
  for (const Kept& one : kept) {
    if (!one.hop.is_free() && !one.hop.is_up()) return true;
  }
  return false;
}

/** A Connector that does not answer keeps this device from its peers no longer than it has to. */
void give_up_late(uint32_t now) {
  bool is_any_up = false;
  for (const Kept& one : kept) is_any_up = is_any_up || one.hop.is_up();
  for (Kept& one : kept) {
    if (!is_any_up || one.hop.handshake_ms(now) < BESIDE_MS) continue;
    not_before(places[one.hop.place()], now + STALLED_MS);
    one.hop.give_up("the handshake was not answered");
  }
}

/** Dials what has no hop: of those that are due the one that has failed least, then the first. */
bool dial_missing(uint32_t now) {
  if (!port::network().is_up || is_any_dialling()) return false;
  uint32_t best = place_count;
  for (uint32_t i = 0; i < place_count; i++) {
    if (has_hop(i) && by_code) return false;
    if (has_hop(i) || !is_due(now, places[i].may_dial_at)) continue;
    if (best == place_count || places[i].tries < places[best].tries) best = i;
  }
  return best < place_count && dial(best, now);
}

} // namespace

void connectors::start(uint32_t now) {
  for (Kept& one : kept) one.hop.free();
  port::Network network = port::network();
  network_changes = network.changes;
  if (!network.is_up)
    LogLine(LogLevel::Warn).text("no network yet: Connectors are dialled once it is up");
  watched_at = now;
  is_redialling = false;
  read_places(now);
}

void connectors::change(uint32_t now) {
  if (digest_of_section() != section_digest) dial_anew(now);
}

bool connectors::turn(uint32_t now) {
  bool has_moved = false;
  heed_network(now);
  heed_core(now);
  give_up_late(now);
  for (Kept& one : kept) {
    if (one.hop.is_free()) continue;
    if (one.hop.turn(now)) has_moved = true;
    if (one.hop.is_up() && !one.was_up) came_up(one, now);
    if (one.is_retiring && is_due(now, one.retire_at)) one.hop.stop(CORE_REASON_SUPERSEDED);
    if (one.hop.phase() == Hop::Phase::Over) ended(one, now);
  }
  watch(now);
  return dial_missing(now) || has_moved;
}

bool connectors::send(bool is_due) {
  bool has_moved = false;
  for (Kept& one : kept) {
    if (one.hop.send(is_due)) has_moved = true;
  }
  return has_moved;
}

uint32_t connectors::wait_ms(uint32_t now, uint32_t most) {
  if (most > WATCH_MS && place_count > 0) most = WATCH_MS;
  for (uint32_t i = 0; i < place_count; i++) {
    if (has_hop(i)) continue;
    uint32_t left = places[i].may_dial_at - now;
    if (static_cast<int32_t>(left) > 0 && left < most) most = left;
  }
  return most;
}

void connectors::stop(uint8_t reason) {
  for (Kept& one : kept) {
    one.hop.stop(reason);
    one.hop.free();
  }
}

void connectors::write_status(Writer& to, uint32_t now) {
  for (uint32_t i = 0; i < place_count; i++) {
    HostName name = {};
    uint16_t port = 0;
    to.text(by_code ? "activation at " : "Connector ");
    if (name_of(i, &name, &port)) to.text(name.text).text(" port ").number(port);
    const Kept* one = current_of(i);
    if (one == nullptr) {
      uint32_t left = places[i].may_dial_at - now;
      to.text(": no hop, dialled in ").seconds(static_cast<int32_t>(left) > 0 ? left : 0);
      to.text(" s");
    } else {
      to.text(one->hop.is_up() ? ": up, " : ": dialling, ");
      to.number(one->hop.bytes_in()).text(" bytes in, ").number(one->hop.bytes_out());
      to.text(" out");
    }
    if (places[i].last_error != nullptr) to.text("; last error: ").text(places[i].last_error);
    to.text("\n");
  }
}
