/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: lines on the console with the time since the start and a level. Before it: everything in
 * core/. After it: port.h. No line holds a secret or a payload.
 *
 *     LogLine(LogLevel::Warn).text("the Connector ").text(host).text(" refuses this device");
 */
#ifndef SEALEDTUNNEL_LOG_H
#define SEALEDTUNNEL_LOG_H

#include "writer.h"

enum class LogLevel : uint8_t { Error = 0, Warn = 1, Info = 2, Debug = 3 };

/** Lines above this level are not written; Info at first. */
void log_level_set(LogLevel level);

/** A line, written when it goes out of scope. */
class LogLine : public Writer {
public:
  explicit LogLine(LogLevel level);
  ~LogLine();
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

private:
  LogLevel level_;
  char line_[240];
};

/**
 * Says what happens again and again only once a minute: `if (seldom.may(now)) LogLine(...)...`.
 */
class Seldom {
public:
  bool may(uint32_t now);

private:
  bool has_told_ = false;
  uint32_t told_at_ = 0;
};

#endif
