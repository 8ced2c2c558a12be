/* SPDX-License-Identifier: Apache-2.0
 *
 * See agent.h. A turn: bytes that hops bring, connections both ways, what is to be stored,
 * computation, time, bytes that hops take. In this order, since each kind of call may have to be
 * compiled: what an interpreter on a small device needs for one turn, it compiles in two parts
 * (core.cpp). Sockets are asked in each turn, as port.h calls nobody back; there are a dozen at
 * most. Design, section 6: no call into the core runs for long.
 */
#include "agent.h"

#include "about.h"
#include "activation.h"
#include "addresses.h"
#include "binding.h"
#include "candidates.h"
#include "commander.h"
#include "configuration.h"
#include "connectors.h"
#include "core.h"
#include "datagrams.h"
#include "holdings.h"
#include "listeners.h"
#include "log.h"
#include "port.h"
#include "streams.h"

/** The file, in the image (the port's core_wasm.S); empty where the core is compiled ahead. */
extern "C" const uint8_t core_wasm[];
extern "C" const uint8_t core_wasm_end[];

namespace {

constexpr uint32_t ENTROPY = 32;
/** Computation between two turns; one step may be longer. */
constexpr uint32_t SLICE_MS = 4;
/** Something is to be sent and no socket takes it: news of the socket usually comes first. */
constexpr uint32_t STUCK_MS = 20;
constexpr uint32_t REST_MOST_MS = 1000;
constexpr int FEEDS_MOST = 8;

agent::Phase now_at = agent::Phase::Stopped;
const char* why_text = "";
bool was_computing = false;
bool has_trapped = false;
int32_t last_drop = 0;
uint32_t drops = 0;
Seldom seldom_entropy;

/** Entropy before anything that begins a handshake (rule H8). False: there is none. */
bool feed() {
  for (int i = 0; i < FEEDS_MOST; i++) {
    int32_t flags = core::flags();
    if (flags < 0 || !(flags & CORE_CORE_WANTS_ENTROPY)) return true;
    uint8_t* to = core::at(core::entropy_ptr(), ENTROPY);
    if (to == nullptr || !port::entropy(to, ENTROPY)) return false;
    core::feed(0, 0);
  }
  return true;
}

/** True when there is more to compute. Behind the last step compiled code is given back. */
bool compute(uint32_t now) {
  bool is_computing = false;
  do {
    is_computing = core::work() == 1;
    if (is_computing) was_computing = true;
  } while (is_computing && port::now_ms() - now < SLICE_MS);
  if (is_computing || !was_computing) return is_computing;
  was_computing = false;
  core::rest();
  return false;
}

void hear_drops(uint32_t now) {
  int32_t drop = core::take_drop();
  if (drop >= 0) return;
  drops += 1;
  last_drop = drop;
  commander::hear(drop, now);
  LogLine(LogLevel::Debug).text("dropped: ").text(core::status_name(drop));
}

/** Another configuration is in force. */
void heed_configuration(uint32_t now) {
  now_at = agent::Phase::Running;
  connectors::change(now);
  listeners::change(now);
  streams::change();
  datagrams::change();
}

void tell_empty() {
  LogLine line(LogLevel::Info);
  line.text("this device has no configuration: type `activate` and a code, or provision it; its "
            "public key: ");
  holdings::write_key(line);
}

agent::Phase phase_of(holdings::Begin begin) {
  switch (begin) {
  case holdings::Begin::Configured:
    return agent::Phase::Running;
  case holdings::Begin::Activating:
    return agent::Phase::Activating;
  case holdings::Begin::Empty:
    return agent::Phase::Waiting;
  default:
    return agent::Phase::Stopped;
  }
}

const char* words_for(agent::Phase phase) {
  switch (phase) {
  case agent::Phase::Stopped:
    return "stopped";
  case agent::Phase::Waiting:
    return "waits for a configuration or a code";
  case agent::Phase::Activating:
    return "activating";
  default:
    return "running";
  }
}

void write_mappings(Writer& to) {
  configuration::Route route;
  for (uint32_t i = 0, count = configuration::route_count(); i < count; i++) {
    if (!configuration::route_at(i, &route) || route.is_binding) continue;
    to.text("Mapping ").hex(route.id, configuration::ID).text(": to ");
    to.foreign(route.address.at, route.address.bytes).text(" port ").number(route.port).text("\n");
  }
}

} // namespace

bool agent::start(uint32_t now) {
  uint32_t wasm_bytes = static_cast<uint32_t>(core_wasm_end - core_wasm);
  stop(CORE_REASON_STOPPING);
  if (!core::open(core_wasm, wasm_bytes, now)) {
    why_text = core::why();
    return false;
  }
  was_computing = false;
  about::give();
  holdings::Begin begin = holdings::begin(now);
  now_at = phase_of(begin);
  if (now_at == Phase::Stopped) {
    why_text = core::is_alive() ? holdings::why() : core::why();
    core::close();
    return false;
  }
  feed();
  commander::start(now);
  if (has_trapped) commander::report(CORE_STATUS_INTERNAL, now);
  has_trapped = false;
  streams::start();
  datagrams::start();
  connectors::start(now);
  listeners::change(now);
  if (now_at == Phase::Waiting) tell_empty();
  return true;
}

const char* agent::why() {
  return why_text;
}

uint32_t agent::turn(uint32_t now) {
  if (now_at == Phase::Stopped) return REST_MOST_MS;
  core::clock(static_cast<int32_t>(now));
  if (!feed() && seldom_entropy.may(now)) {
    LogLine(LogLevel::Error).text("the platform gives no entropy: nothing new is begun");
  }
  bool has_moved = connectors::turn(now);
  listeners::turn(now);
  candidates::probe(now);
  if (binding::turn(now)) has_moved = true;
  if (streams::turn(now)) has_moved = true;
  if (datagrams::turn(now)) has_moved = true;
  if (holdings::turn(now)) heed_configuration(now);
  hear_drops(now);
  commander::turn(now);
  now = port::now_ms();
  bool is_computing = compute(now);
  int32_t wait = core::tick(static_cast<int32_t>(port::now_ms()));
  if (connectors::send(wait == 0)) has_moved = true;
  if (!core::is_alive()) {
    why_text = core::why();
    has_trapped = true;
    stop(CORE_REASON_STOPPING);
    return 0;
  }
  if (is_computing || has_moved) return 0;
  uint32_t most = wait > 0 && wait < static_cast<int32_t>(REST_MOST_MS)
                      ? static_cast<uint32_t>(wait)
                  : wait == 0 ? STUCK_MS
                              : REST_MOST_MS;
  return listeners::wait_ms(now, connectors::wait_ms(now, most));
}

void agent::stop(uint8_t reason) {
  if (now_at == Phase::Stopped) return;
  now_at = Phase::Stopped;
  listeners::stop();
  connectors::stop(reason);
  streams::start();
  datagrams::start();
  core::close();
}

agent::Phase agent::phase() {
  return now_at;
}

uint32_t agent::status(char* to, uint32_t most) {
  Writer text(to, most);
  text.text("phase: ").text(words_for(now_at));
  if (now_at == Phase::Stopped) text.text(": ").text(why_text);
  text.text("\ncore: ").text(core::hash_text()).text("\nkey: ");
  holdings::write_key(text);
  text.text("\n");
  if (now_at == Phase::Stopped) return text.length();
  commander::write_status(text);
  connectors::write_status(text, port::now_ms());
  write_mappings(text);
  listeners::write_status(text);
  streams::write_status(text);
  datagrams::write_status(text);
  text.text("dropped: ").number(drops);
  if (drops > 0) text.text(", last: ").text(core::status_name(last_drop));
  text.text("\n");
  return text.length();
}
