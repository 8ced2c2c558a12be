/* SPDX-License-Identifier: Apache-2.0
 *
 * See device.h. An STLink that can't start, or whose core has trapped, is started afresh without a
 * reboot: at first after a second, then the delay doubles to a minute; a time of five minutes
 * without a trap begins the count anew.
 */
#include "device.h"

#include "agent.h"
#include "app.h"
#include "console.h"
#include "core.h"
#include "holdings.h"
#include "log.h"
#include "port.h"
#include "writer.h"

namespace {

constexpr uint32_t RESTART_FIRST_MS = 1000;
constexpr uint32_t RESTART_MOST_MS = 60'000;
constexpr uint32_t GOOD_MS = 300'000;
constexpr uint32_t APP_LINE = 160;

uint32_t restart_ms = RESTART_FIRST_MS;
uint32_t stopped_at = 0;
uint32_t started_at = 0;
uint32_t delay_ms = 0; /* from stopped_at to the next start */
uint32_t restarts = 0;
bool has_app = false;
bool is_to_begin_anew = false;

void start_later(const char* what, const char* why, uint32_t now) {
  stopped_at = now;
  delay_ms = restart_ms;
  restart_ms = restart_ms < RESTART_MOST_MS / 2 ? restart_ms * 2 : RESTART_MOST_MS;
  restarts += 1;
  LogLine(LogLevel::Error).text(what).text(why).text("; again in ").seconds(delay_ms).text(" s");
}

/** Keys are never made, and handshakes never begun, without true chance. */
bool has_entropy() {
  uint8_t first[32];
  bool has = port::entropy(first, sizeof first);
  core::wipe(first, sizeof first);
  return has;
}

void start_agent(uint32_t now) {
  if (!has_entropy()) return start_later("the platform gives no entropy", "", now);
  if (!agent::start(now)) return start_later("can't start: ", agent::why(), now);
  started_at = now;
  LogLine(LogLevel::Info).text("started, core ").text(core::hash_text());
}

uint32_t turn_agent(uint32_t now) {
  if (is_to_begin_anew) {
    is_to_begin_anew = false;
    agent::stop(CORE_REASON_STOPPING);
    restart_ms = RESTART_FIRST_MS;
    delay_ms = 0;
  }
  if (agent::phase() == agent::Phase::Stopped) {
    uint32_t since = now - stopped_at;
    if (since < delay_ms) return delay_ms - since;
    start_agent(now);
    return 0;
  }
  uint32_t wait = agent::turn(now);
  if (agent::phase() == agent::Phase::Stopped) {
    start_later("the core has stopped, all connections are lost: ", agent::why(), now);
  } else if (restart_ms != RESTART_FIRST_MS && now - started_at >= GOOD_MS) {
    restart_ms = RESTART_FIRST_MS;
  }
  return wait;
}

} // namespace

void device_start() {
  uint8_t level = 0;
  if (port::load(port::Record::LogLevel, &level, 1) == 1 &&
      level <= static_cast<uint8_t>(LogLevel::Debug)) {
    log_level_set(static_cast<LogLevel>(level));
  }
  has_app = app::start();
  if (!has_app)
    LogLine(LogLevel::Error).text("the application could not start: ").text(app::name());
  start_agent(port::now_ms());
}

uint32_t device_turn(uint32_t now_ms) {
  console_turn();
  uint32_t wait = turn_agent(now_ms);
  if (!has_app) return wait;
  uint32_t rest = app::turn(port::now_ms());
  return rest < wait ? rest : wait;
}

void device_run() {
  device_start();
  for (;;) port::wait(device_turn(port::now_ms()));
}

void device_begin_anew() {
  is_to_begin_anew = true;
}

bool device_rotate() {
  return agent::phase() == agent::Phase::Running && holdings::rotate();
}

uint32_t device_status(char* to, uint32_t most) {
  Writer text(to, most);
  text.took(agent::status(text.to(), text.room()));
  if (restarts > 0) text.text("failed starts and traps: ").number(restarts).text("\n");
  if (!has_app) return text.length();
  text.text(app::name()).text(": ");
  uint32_t room = text.room() < APP_LINE ? text.room() : APP_LINE;
  if (room > 1) text.took(app::status(text.to(), room - 1));
  text.text("\n");
  return text.length();
}
