// SPDX-License-Identifier: Apache-2.0
// In the place of the device: it does what a line on the console says with the port's sockets and
// records, and says what came of it. Before it: ports/posix/main.cpp. After it: posix.test.ts reads
// its lines. Each connection and each datagram socket is an echo, until `hold`.

#include "device.h"

#include "arena.h"
#include "port.h"
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

constexpr int CONNECTIONS = 40;
constexpr uint32_t REST_MS = 10'000;

struct Echo {
  bool is_used;
  bool has_told;
  bool has_ended;
  int32_t socket;
  uint32_t held;
  uint8_t bytes[4096];
};

Echo echoes[CONNECTIONS];
int32_t listener = sockets::NONE;
int32_t datagrams = sockets::NONE;
bool is_held;
uint32_t turns;
char asked_name[300];
uint16_t asked_port;

void say(const char* text) {
  char line[5000];
  const int length = snprintf(line, sizeof line, "%s\n", text);
  port::console_write(line, static_cast<size_t>(length));
}

void say(const char* what, long number) {
  char line[100];
  snprintf(line, sizeof line, "%s %ld", what, number);
  say(line);
}

const char* name_of(sockets::State state) {
  static const char* const NAMES[] = {"connecting", "open",  "refused", "unreachable",
                                      "timed out",  "reset", "failed"};
  return NAMES[static_cast<int>(state)];
}

sockets::Address loopback(long port) {
  return {{127, 0, 0, 1}, 4, static_cast<uint16_t>(port)};
}

void keep(int32_t socket) {
  for (Echo& echo : echoes) {
    if (echo.is_used) continue;
    echo = {};
    echo.is_used = true;
    echo.socket = socket;
    return;
  }
}

void over(Echo* echo, const char* how) {
  say(how);
  sockets::close(echo->socket);
  echo->is_used = false;
}

void turn_echo(Echo* echo) {
  const sockets::State state = sockets::state(echo->socket);
  if (state == sockets::State::Connecting) return;
  if (!echo->has_told) say(name_of(state));
  echo->has_told = true;
  for (int i = 0; i < 8 && !is_held; i++) {
    if (echo->held == 0 && !echo->has_ended) {
      const int32_t got = sockets::read(echo->socket, echo->bytes, sizeof echo->bytes);
      if (got == sockets::OVER) return over(echo, name_of(sockets::state(echo->socket)));
      if (got == sockets::ENDED) {
        echo->has_ended = true;
        sockets::end(echo->socket);
        return over(echo, "ended");
      }
      echo->held = static_cast<uint32_t>(got);
    }
    if (echo->held == 0) return;
    const int32_t taken = sockets::write(echo->socket, echo->bytes, echo->held);
    if (taken == sockets::OVER) return over(echo, name_of(sockets::state(echo->socket)));
    if (taken == 0) return;
    echo->held -= static_cast<uint32_t>(taken);
    memmove(echo->bytes, echo->bytes + taken, echo->held);
  }
}

void turn_datagrams() {
  uint8_t bytes[1000];
  sockets::Address from;
  for (int i = 0; i < 8; i++) {
    const int32_t got = sockets::receive(datagrams, bytes, sizeof bytes, &from);
    if (got == sockets::NONE) return;
    (void)sockets::send(datagrams, bytes, static_cast<size_t>(got), from);
  }
}

void turn_lookup() {
  if (asked_name[0] == 0) return;
  sockets::Address found = {};
  const sockets::Lookup answer = sockets::lookup(asked_name, &found);
  if (answer == sockets::Lookup::Pending) return;
  asked_name[0] = 0;
  if (answer == sockets::Lookup::Failed) return say("unknown name");
  say(found.host_bytes == 4 ? "IPv4, last" : "IPv6, last", found.host[found.host_bytes - 1]);
  if (asked_port == 0) return;
  found.port = asked_port;
  const int32_t socket = sockets::dial(found);
  if (socket == sockets::NONE) return say("no handle");
  keep(socket);
}

void save(const char* number, const char* hex) {
  uint8_t bytes[4096];
  size_t length = 0;
  for (unsigned value; hex != nullptr && sscanf(hex + 2 * length, "%2x", &value) == 1; length++) {
    bytes[length] = static_cast<uint8_t>(value);
  }
  const auto record = static_cast<port::Record>(atoi(number));
  say(port::save(record, bytes, length) ? "saved" : "not saved");
}

void load(const char* number) {
  uint8_t bytes[port::RECORD_MOST];
  char hex[2 * port::RECORD_MOST + 1] = "";
  const int32_t length = port::load(static_cast<port::Record>(atoi(number)), bytes, sizeof bytes);
  for (int32_t i = 0; i < length; i++) snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
  if (length < 0) return say("no record");
  say(hex);
}

void listen_at(const char* port) {
  listener = sockets::listen(loopback(atol(port)));
  say(listener == sockets::NONE ? "not listening" : "listening");
}

void look_up(const char* name, const char* port) {
  snprintf(asked_name, sizeof asked_name, "%s", name);
  asked_port = static_cast<uint16_t>(port == nullptr ? 0 : atol(port));
}

void reset_all() {
  for (Echo& echo : echoes) {
    if (echo.is_used) sockets::reset(echo.socket);
    echo.is_used = false;
  }
  say("reset all");
}

void close_all() {
  for (Echo& echo : echoes) {
    if (echo.is_used) sockets::close(echo.socket);
    echo.is_used = false;
  }
  say("closed all");
}

bool is_own(const char* host) {
  sockets::Address address = {};
  return sockets::lookup(host, &address) == sockets::Lookup::Found && sockets::is_own(address);
}

void obey(char* line) {
  const char* verb = strtok(line, " ");
  const char* first = strtok(nullptr, " ");
  const char* second = strtok(nullptr, " ");
  if (verb == nullptr) return;
  if (strcmp(verb, "listen") == 0) return listen_at(first);
  if (strcmp(verb, "dial") == 0) return look_up(first, second);
  if (strcmp(verb, "lookup") == 0) return look_up(first, nullptr);
  if (strcmp(verb, "own") == 0) return say(is_own(first) ? "own" : "not own");
  if (strcmp(verb, "save") == 0) return save(first, second);
  if (strcmp(verb, "load") == 0) return load(first);
  if (strcmp(verb, "forget") == 0) return say(port::forget_all() ? "forgotten" : "not forgotten");
  if (strcmp(verb, "turns") == 0) return say("turns", static_cast<long>(turns));
  if (strcmp(verb, "clock") == 0) return say("clock", static_cast<long>(port::now_ms()));
  if (strcmp(verb, "reset") == 0) return reset_all();
  if (strcmp(verb, "close") == 0) return close_all();
  if (strcmp(verb, "restart") == 0) port::restart();
  if (strcmp(verb, "exit") == 0) exit(0);
  is_held = strcmp(verb, "hold") == 0;
  if (strcmp(verb, "udp") == 0) {
    datagrams = sockets::open_datagrams(loopback(atol(first)));
    return say(datagrams == sockets::NONE ? "no datagrams" : "datagrams");
  }
  say(is_held ? "held" : "echoing");
}

void turn_console() {
  static char line[4200];
  static size_t length;
  for (int c = port::console_read(); c >= 0; c = port::console_read()) {
    if (c != '\n' && length + 1 < sizeof line) {
      line[length++] = static_cast<char>(c);
      continue;
    }
    line[length] = 0;
    length = 0;
    obey(line);
  }
}

void turn_listener() {
  sockets::Address from;
  for (int32_t socket = 0; socket != sockets::NONE;) {
    socket = listener == sockets::NONE ? sockets::NONE : sockets::accept(listener, &from);
    if (socket != sockets::NONE) keep(socket);
  }
}

} // namespace

void device_run() {
  uint8_t chance[600] = {};
  say(port::entropy(chance, sizeof chance) ? "ready" : "no entropy");
  for (;;) {
    turns += 1;
    turn_console();
    turn_listener();
    turn_lookup();
    if (datagrams != sockets::NONE) turn_datagrams();
    for (Echo& echo : echoes) {
      if (echo.is_used) turn_echo(&echo);
    }
    port::wait(asked_name[0] == 0 ? REST_MS : 5);
  }
}
