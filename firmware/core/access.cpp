/* SPDX-License-Identifier: Apache-2.0
 *
 * See access.h. The core has checked that the options add up and have the lengths of their types.
 */
#include "access.h"

#include "addresses.h"
#include "core.h"
#include "log.h"

namespace {

/** Types of options, PROTOCOL 10.3. Times of UDP are a device's own. */
constexpr uint8_t SOURCE = 1;
constexpr uint8_t CONNECTIONS = 2;
constexpr uint8_t IDLE = 4;
constexpr uint8_t FLOWS = 6;

/** Behind type and length of a source: family, prefix, address. */
constexpr uint32_t SOURCE_PREFIX = 3;
constexpr uint32_t SOURCE_ADDRESS = 4;

/** One option behind the other; `at` is nullptr at the end. */
struct Option {
  const uint8_t* at;
  const uint8_t* end;

  explicit Option(const configuration::Words& options)
      : at(options.at), end(options.at + options.bytes) {
    stop_at_end();
  }

  void next() {
    at += 2u + at[1];
    stop_at_end();
  }

private:
  void stop_at_end() {
    if (end - at < 2 || end - at < 2 + at[1]) at = nullptr;
  }
};

} // namespace

access::Verdict access::of_newcomer(const configuration::Route& route, const sockets::Address& from,
                                    uint32_t open) {
  if (!allows(route, from)) return Verdict::SourceNotAllowed;
  for (Option one(route.options); one.at != nullptr; one.next()) {
    if (one.at[0] != CONNECTIONS) continue;
    return open < core::load_u16(one.at + 2) ? Verdict::Allowed : Verdict::TooManyConnections;
  }
  return Verdict::Allowed;
}

bool access::allows(const configuration::Route& route, const sockets::Address& from) {
  bool is_open = true;
  for (Option one(route.options); one.at != nullptr; one.next()) {
    if (one.at[0] != SOURCE) continue;
    uint32_t bytes = one.at[1] + 2u - SOURCE_ADDRESS;
    if (is_in_network(from, one.at + SOURCE_ADDRESS, bytes, one.at[SOURCE_PREFIX])) return true;
    is_open = false;
  }
  return is_open;
}

bool access::is_possible(const configuration::Route& route) {
  for (Option one(route.options); one.at != nullptr; one.next()) {
    uint8_t type = one.at[0];
    bool is_own = type >= IDLE && type <= FLOWS;
    if (type != SOURCE && type != CONNECTIONS && !is_own) return false;
  }
  return true;
}

const char* access::name_of(Verdict verdict) {
  return verdict == Verdict::SourceNotAllowed ? "SourceNotAllowed" : "TooManyConnections";
}

void access::tell(Verdict verdict, const uint8_t* route, const sockets::Address& from) {
  LogLine line(LogLevel::Warn);
  line.text("the Binding ").hex(route, configuration::ID).text(" refuses ");
  write_address(line, from);
  line.text(verdict == Verdict::SourceNotAllowed
                ? ": its access list has no such network; add it there if it may come in"
                : ": as many are here as its access list allows; end one, or allow more");
}
