/* SPDX-License-Identifier: Apache-2.0
 *
 * See log.h. Before it: anyone. After it: port.h's console. A line: `12.345 warn: text`, cut where
 * it is too long, and written at once, as a whole.
 */
#include "log.h"

#include "port.h"

namespace {

constexpr uint32_t SELDOM_MS = 60'000;
constexpr const char* NAMES[] = {" error: ", " warn: ", " info: ", " debug: "};

LogLevel most = LogLevel::Info;

} // namespace

void log_level_set(LogLevel level) {
  most = level;
}

// cppcheck-suppress uninitMemberVar ; line_ is read as far as it was written
LogLine::LogLine(LogLevel level) : Writer(line_, sizeof line_ - 1), level_(level) {
  seconds(port::now_ms()).text(NAMES[static_cast<uint8_t>(level)]);
}

LogLine::~LogLine() {
  if (level_ > most) return;
  line_[length()] = '\n';
  port::console_write(line_, length() + 1);
}

bool Seldom::may(uint32_t now) {
  if (has_told_ && now - told_at_ < SELDOM_MS) return false;
  has_told_ = true;
  told_at_ = now;
  return true;
}
