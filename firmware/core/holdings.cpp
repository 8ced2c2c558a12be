/* SPDX-License-Identifier: Apache-2.0
 *
 * See holdings.h. Before it: the core's flags. After it: port.h's records. Whatever the core asks
 * to have stored counts only once it is on flash (rules T3, T9); when the power goes in between,
 * the next start goes on from what is there.
 */
#include "holdings.h"

#include "activation.h"
#include "core.h"
#include "log.h"
#include "port.h"
#include "sizes.h"

#include <string.h>

namespace {

using port::Record;

constexpr uint32_t KEY = 32;
constexpr uint32_t LEASE_ENDLESS = 0x7fffffff;
/** An hour, in units of 1,024 ms, rounded up: a reboot shortens a lease and never prolongs it. */
constexpr uint32_t HOUR_UNITS = 3516;
constexpr uint32_t HOUR_MS = 3'600'000;
/** More steps than a scalar multiplication has. */
constexpr int STEPS_MOST = 4096;

const char* why_text = "";
uint32_t lease_saved_at = 0;
uint8_t public_key[KEY];
/** A Commander gets a new key once a minute at most. */
Seldom renewals;

/** Private and public key, wiped when they go out of scope. */
struct KeyPair {
  uint8_t bytes[2 * KEY];

  bool load(Record record) {
    return port::load(record, bytes, sizeof bytes) == static_cast<int32_t>(sizeof bytes);
  }
  ~KeyPair() { core::wipe(bytes, sizeof bytes); }
};

holdings::Begin fail(const char* what) {
  why_text = what;
  return holdings::Begin::Failed;
}

/** The public key is the core's X25519 of the private one. */
bool make(KeyPair* pair) {
  if (!port::entropy(pair->bytes, KEY)) return false;
  core::put_arg(0, pair->bytes, KEY);
  int32_t arg = core::arg_ptr();
  core::prim_x25519_start(arg, 0);
  int32_t done = 0;
  for (int i = 0; i < STEPS_MOST && done == 0; i++) done = core::prim_x25519_step();
  core::prim_x25519_finish(arg);
  memcpy(pair->bytes + KEY, core::arg(), KEY);
  uint8_t nothing[KEY] = {};
  core::put_arg(0, nothing, KEY);
  return core::is_alive() && memcmp(pair->bytes + KEY, nothing, KEY) != 0;
}

bool give_identity(const KeyPair& pair) {
  uint8_t no_id[16] = {};
  core::put_arg(0, pair.bytes, sizeof pair.bytes);
  core::put_arg(sizeof pair.bytes, no_id, sizeof no_id);
  memcpy(public_key, pair.bytes + KEY, KEY);
  return core::identity_set() == CORE_STATUS_OK;
}

bool begin_identity() {
  KeyPair pair;
  if (pair.load(Record::Identity)) return give_identity(pair);
  if (!make(&pair) || !port::save(Record::Identity, pair.bytes, sizeof pair.bytes)) return false;
  /* Asked with no room, it only says whether it is there. */
  if (port::load(Record::Configuration, nullptr, 0) == port::TOO_LONG) {
    LogLine(LogLevel::Error)
        .text("there is a configuration without its key, which is lost or damaged: nobody knows "
              "the new one; provision or activate this device anew");
  }
  LogLine(LogLevel::Info).text("made a key; public: ").hex(pair.bytes + KEY, KEY);
  return give_identity(pair);
}

/** False: there is none, or it is of no use, and that is said. */
bool load_configuration() {
  constexpr uint32_t MOST = sizes::CONFIG_STORED_MOST;
  uint8_t* to = core::at(core::config_ptr(), MOST);
  int32_t bytes = to != nullptr ? port::load(Record::Configuration, to, MOST) : port::NO_RECORD;
  if (bytes == port::TOO_LONG) {
    LogLine(LogLevel::Error)
        .text("the stored configuration is longer than the ")
        .number(MOST)
        .text(" bytes for which there is room: provision or activate this device anew");
  }
  if (bytes <= 0) return false;
  int32_t status = core::config_load(bytes);
  if (status == CORE_STATUS_OK) return true;
  LogLine(LogLevel::Error)
      .text("the stored configuration can't be used (")
      .text(core::status_name(status))
      .text("): provision or activate this device anew");
  return false;
}

/** What will be left an hour from now. */
void save_lease(uint32_t now) {
  lease_saved_at = now;
  int32_t left = core::lease_left();
  if (left < 0) return;
  if (left == static_cast<int32_t>(LEASE_ENDLESS)) {
    uint8_t found[4];
    if (port::load(Record::Lease, found, sizeof found) < 0) return;
    if (!port::save(Record::Lease, nullptr, 0))
      LogLine(LogLevel::Warn).text("flash: a write failed");
    return;
  }
  uint32_t units = static_cast<uint32_t>(left);
  units = units > HOUR_UNITS ? units - HOUR_UNITS : 0;
  uint8_t bytes[4];
  for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = static_cast<uint8_t>(units >> (8 * i));
  if (port::save(Record::Lease, bytes, sizeof bytes)) return;
  LogLine(LogLevel::Warn).text("what is left of the lease could not be saved");
}

void begin_lease(uint32_t now) {
  uint8_t bytes[4];
  if (port::load(Record::Lease, bytes, sizeof bytes) == sizeof bytes) {
    uint32_t units = core::load_u32(bytes);
    if (units < LEASE_ENDLESS) core::lease_set(static_cast<int32_t>(units));
  }
  save_lease(now);
}

/** A rotation that was under way goes on; one that was done is forgotten. */
void begin_rotation() {
  KeyPair next, present;
  if (!next.load(Record::NextIdentity) || !present.load(Record::Identity)) return;
  if (memcmp(next.bytes, present.bytes, sizeof next.bytes) == 0) {
    if (port::save(Record::NextIdentity, nullptr, 0)) return;
    LogLine(LogLevel::Warn).text("the place of the next key could not be cleared");
    return;
  }
  core::put_arg(0, next.bytes, sizeof next.bytes);
  core::rotate();
}

/** CORE_WANTS_STORE. True: it is in force. */
bool store(uint32_t now) {
  int32_t bytes = core::config_len();
  if (bytes <= 0) return false;
  const uint8_t* from = core::at(core::config_ptr(), static_cast<uint32_t>(bytes));
  bool is_saved =
      from != nullptr && port::save(Record::Configuration, from, static_cast<size_t>(bytes));
  core::config_stored(is_saved ? 1 : 0);
  if (!is_saved) {
    LogLine(LogLevel::Error).text("a configuration could not be written to flash, and is not used");
    return false;
  }
  LogLine(LogLevel::Info).text("a configuration of ").signed_number(bytes).text(" bytes is stored");
  /* The code has done its work. It is of no use to anybody, so a failure is no harm. */
  if (activation::address_count() > 0) (void)!port::save(Record::Code, nullptr, 0);
  save_lease(now);
  return true;
}

/** CORE_WANTS_KEY: the next key pair is the present one from now on. */
void store_key() {
  KeyPair next;
  bool is_saved = next.load(Record::NextIdentity) &&
                  port::save(Record::Identity, next.bytes, sizeof next.bytes);
  core::config_stored(is_saved ? 1 : 0);
  if (!is_saved) {
    LogLine(LogLevel::Error).text("the new key could not be written to flash, and is not used");
    return;
  }
  memcpy(public_key, next.bytes + KEY, KEY);
  LogLine(LogLevel::Info).text("this device has a new key; public: ").hex(public_key, KEY);
  if (!port::save(Record::NextIdentity, nullptr, 0)) {
    LogLine(LogLevel::Warn).text("the place of the next key could not be cleared");
  }
}

/** CORE_WANTS_RENEW. */
void renew(uint32_t now) {
  if (!renewals.may(now)) return;
  if (holdings::rotate())
    LogLine(LogLevel::Info).text("the Commander asks for a new key: it is made, and told");
  else
    LogLine(LogLevel::Warn).text("the Commander asks for a new key, which could not be saved");
}

} // namespace

holdings::Begin holdings::begin(uint32_t now) {
  if (!begin_identity()) {
    return fail("there is no key, and none could be made and saved: is the flash writable?");
  }
  if (!load_configuration()) {
    if (!core::is_alive()) return fail(core::why());
    return activation::address_count() > 0 ? Begin::Activating : Begin::Empty;
  }
  begin_lease(now);
  begin_rotation();
  return Begin::Configured;
}

const char* holdings::why() {
  return why_text;
}

bool holdings::turn(uint32_t now) {
  int32_t flags = core::flags();
  if (flags < 0) return false;
  if (flags & CORE_CORE_WANTS_KEY)
    store_key();
  else if (flags & CORE_CORE_WANTS_STORE)
    return store(now);
  if (flags & CORE_CORE_WANTS_RENEW) renew(now);
  if (now - lease_saved_at >= HOUR_MS) save_lease(now);
  return false;
}

bool holdings::rotate() {
  KeyPair next;
  if (core::control_state() <= 0) return false;
  if (!next.load(Record::NextIdentity)) {
    if (!make(&next)) return false;
    if (!port::save(Record::NextIdentity, next.bytes, sizeof next.bytes)) return false;
  }
  core::put_arg(0, next.bytes, sizeof next.bytes);
  return core::rotate() == CORE_STATUS_OK;
}

void holdings::write_key(Writer& to) {
  to.hex(public_key, KEY);
}

void holdings::write_fingerprint(Writer& to) {
  activation::write_fingerprint(to, public_key);
}
