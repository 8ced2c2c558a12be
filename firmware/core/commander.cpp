/* SPDX-License-Identifier: Apache-2.0
 *
 * See commander.h. The core tells how things stand, not what has changed, so the last state is kept
 * here. The whole lease is the most that was left: any word of the Commander makes it whole again.
 */
#include "commander.h"

#include "core.h"
#include "holdings.h"
#include "log.h"
#include "sizes.h"
#include "streams.h"

namespace {

constexpr uint32_t LOOK_MS = 1000;
constexpr uint32_t AGAIN_MS = 60'000;
constexpr int32_t LEASE_ENDLESS = 0x7fffffff;
/** `control_state`. */
constexpr int32_t REFUSED = 0xff00;
constexpr int32_t LEASE_EXPIRED = 0x10000;
constexpr int32_t BY_RECOVERY = 0x20000;
constexpr int32_t KEY_CHANGED = 0x40000;

const char* const EXPIRED_TEXT = "the lease has expired: the Commander's stream alone goes on, "
                                 "until the Commander is heard again";
const char* const KEY_TEXT = "a peer's key has changed unannounced: its pinned Routes refuse it";

uint32_t looked_at = 0;
int32_t known_state = 0;
int32_t whole_lease = 0;
bool has_warned = false;
int32_t told_status = 0;
uint32_t told_at = 0;
Seldom seldom;

/** Of units of 1,024 ms. */
uint32_t seconds_of(int32_t units) {
  uint32_t whole = static_cast<uint32_t>(units);
  return whole / 1000 * 1024 + whole % 1000 * 1024 / 1000;
}

/** Why the Commander refuses this device; while it waits for approval, what is compared (T7). */
void write_refusal(Writer& to, int32_t state) {
  const uint8_t reason = static_cast<uint8_t>((state & REFUSED) >> 8);
  if (reason != CORE_REASON_WAIT_APPROVAL) {
    to.text("the Commander refuses this device: ").text(core::reason_name(reason));
    return;
  }
  to.text("waiting for approval: an administrator compares this fingerprint and approves it: ");
  holdings::write_fingerprint(to);
}

/** What has begun (`is_so`) or ended since the last look. */
void tell_changes(int32_t state) {
  int32_t changed = state ^ known_state;
  int32_t begun = state & changed;
  known_state = state;
  if (begun & LEASE_EXPIRED) LogLine(LogLevel::Warn).text(EXPIRED_TEXT);
  if (changed & ~state & LEASE_EXPIRED)
    LogLine(LogLevel::Info).text("the Commander was heard: the lease is whole again");
  if (begun & BY_RECOVERY)
    LogLine(LogLevel::Warn).text("the Commander speaks with its recovery key");
  if (begun & KEY_CHANGED) LogLine(LogLevel::Warn).text(KEY_TEXT);
  if ((changed & REFUSED) && (state & REFUSED)) {
    LogLine line(LogLevel::Warn);
    write_refusal(line, state);
  }
}

/** No lease ends unannounced (rule T11): half of it is over. */
void look_at_lease() {
  int32_t left = core::lease_left();
  if (left < 0 || left == LEASE_ENDLESS) {
    whole_lease = 0;
    return;
  }
  if (left > whole_lease) whole_lease = left;
  bool is_late = left < whole_lease / 2;
  if (is_late && !has_warned) {
    LogLine(LogLevel::Warn)
        .text("the Commander was not heard for half of the lease, which ends in ")
        .number(seconds_of(left))
        .text(" s: does it run, and does a Connector reach it?");
  }
  has_warned = is_late;
}

/** Which of the drops are about what the Commander has said, and what to do; nullptr: none. */
const char* advice_for(int32_t status) {
  switch (status) {
  case CORE_STATUS_BAD_CONFIG:
    return ": it does not add up, or changes what it may not; what is in force stays";
  case CORE_STATUS_OLD_CONFIG:
    return ": it is not newer than what is in force, which stays";
  case CORE_STATUS_NO_LINK_SLOT:
    return ": it names more peers than this device has room for; what is in force stays";
  default:
    return nullptr;
  }
}

} // namespace

void commander::start(uint32_t now) {
  looked_at = now;
  known_state = 0;
  whole_lease = 0;
  has_warned = false;
  told_status = 0;
}

void commander::turn(uint32_t now) {
  if (now - looked_at < LOOK_MS) return;
  looked_at = now;
  int32_t state = core::control_state();
  if (state < 0) return;
  tell_changes(state);
  look_at_lease();
}

void commander::hear(int32_t status, uint32_t now) {
  const char* advice = advice_for(status);
  if (advice != nullptr) {
    LogLine(LogLevel::Warn)
        .text("a configuration of the Commander is not taken (")
        .text(core::status_name(status))
        .text(")")
        .text(advice);
    return;
  }
  if (status == CORE_STATUS_NO_STREAM_SLOT) return streams::tell_full(now);
  if (status != CORE_STATUS_NO_BUFFER || !seldom.may(now)) return;
  LogLine(LogLevel::Warn)
      .text("what came has no room here (NoBuffer); a configuration may have ")
      .number(sizes::CONFIG_MOST)
      .text(" bytes");
}

void commander::report(int32_t status, uint32_t now) {
  if (status >= 0 || (status == told_status && now - told_at < AGAIN_MS)) return;
  told_status = status;
  told_at = now;
  core::control_report(status);
}

void commander::write_status(Writer& to) {
  int32_t state = core::control_state();
  if (state <= 0) return;
  if (state & REFUSED) {
    write_refusal(to, state);
    to.text("\n");
  }
  int32_t left = core::lease_left();
  if (state & LEASE_EXPIRED)
    to.text(EXPIRED_TEXT).text("\n");
  else if (left >= 0 && left != LEASE_ENDLESS)
    to.text("lease: ").number(seconds_of(left)).text(" s left\n");
  if (state & BY_RECOVERY) to.text("the Commander speaks with its recovery key\n");
  if (state & KEY_CHANGED) to.text(KEY_TEXT).text("\n");
}
