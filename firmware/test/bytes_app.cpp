/* SPDX-License-Identifier: Apache-2.0
 *
 * A device's application for tests (core/app.h): bytes that follow from a seed (xorshift32, as in
 * test/e2e/services.ts), from the device and to it. Before it: test/firmware/virt-device.test.ts,
 * through a tunnel. A connection's first line says what it wants:
 *
 *   down SEED BYTES   that many, then the end
 *   up                takes bytes to their end, answers how many there were and their SHA-256
 */
#include "app.h"
#include "port.h"
#include "sha256.h"
#include "sockets.h"
#include "writer.h"

#include <string.h>

namespace {

constexpr uint16_t PORT = 80;
constexpr uint32_t CONNECTIONS = 4;
constexpr uint32_t LINE_MOST = 64;
/** Bytes of one connection in a turn. */
constexpr uint32_t TURN_MOST = 8192;
constexpr uint32_t REST_MS = 1000;

/** The same bytes at any length of pieces. */
struct Seeded {
  uint32_t state = 1;
  uint32_t at = 0; /* of the word */

  explicit Seeded(uint32_t seed = 0) : state(seed | 1) {}

  uint8_t next() {
    if (at == 0) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
    }
    const uint8_t byte = static_cast<uint8_t>(state >> (8 * at));
    at = (at + 1) & 3;
    return byte;
  }
};

enum class Wants : uint8_t { Unknown, Down, Up };

struct Connection {
  int32_t socket = sockets::NONE;
  Wants wants = Wants::Unknown;
  bool has_answered = false;
  uint32_t line_bytes = 0;
  char line[LINE_MOST] = {};
  Seeded seeded;     /* down */
  uint32_t left = 0; /* down */
  Sha256 hash;       /* up */
  uint32_t taken = 0;
};

int32_t listener = sockets::NONE;
Connection connections[CONNECTIONS];
/** What is generated and not taken goes back: the generator is copied before. */
uint8_t piece[1024];

uint32_t number(const char** text) {
  uint32_t value = 0;
  while (**text == ' ') *text += 1;
  for (; **text >= '0' && **text <= '9'; *text += 1) {
    value = value * 10 + static_cast<uint32_t>(**text - '0');
  }
  return value;
}

void close(Connection& one) {
  sockets::close(one.socket);
  one = Connection();
}

/** One byte at a time: what follows the line is data. */
bool read_line(Connection& one) {
  uint8_t byte = 0;
  while (sockets::read(one.socket, &byte, 1) == 1) {
    if (byte == '\n') return true;
    if (one.line_bytes < LINE_MOST - 1) one.line[one.line_bytes++] = static_cast<char>(byte);
  }
  return false;
}

void begin(Connection& one) {
  const char* rest = one.line + (one.line[0] == 'd' ? 4 : 2);
  one.wants = one.line[0] == 'd' ? Wants::Down : Wants::Up;
  one.seeded = Seeded(number(&rest));
  one.left = number(&rest);
}

bool send(Connection& one) {
  bool has_moved = false;
  for (uint32_t sent = 0; sent < TURN_MOST && one.left > 0;) {
    Seeded ahead = one.seeded;
    const uint32_t count = one.left < sizeof piece ? one.left : sizeof piece;
    for (uint32_t i = 0; i < count; i++) piece[i] = ahead.next();
    const int32_t taken = sockets::write(one.socket, piece, count);
    if (taken < 0) return close(one), true;
    if (taken == 0) return has_moved;
    has_moved = true;
    for (int32_t i = 0; i < taken; i++) one.seeded.next();
    one.left -= static_cast<uint32_t>(taken);
    sent += static_cast<uint32_t>(taken);
  }
  if (one.left == 0 && !one.has_answered) {
    sockets::end(one.socket);
    one.has_answered = true;
  }
  return has_moved;
}

void answer(Connection& one) {
  char text[96];
  uint8_t hash[SHA256_BYTES];
  one.hash.finish(hash);
  Writer line(text, sizeof text);
  line.number(one.taken).text(" ").hex(hash, sizeof hash).text("\n");
  (void)sockets::write(one.socket, reinterpret_cast<const uint8_t*>(text), line.length());
  sockets::end(one.socket);
  one.has_answered = true;
}

/** For an upload its bytes; for a download what tells that the other side is done. */
bool receive(Connection& one) {
  bool has_moved = false;
  for (uint32_t got = 0; got < TURN_MOST;) {
    const int32_t count = sockets::read(one.socket, piece, sizeof piece);
    if (count == sockets::OVER) return close(one), true;
    if (count == sockets::ENDED) {
      if (one.wants == Wants::Up && !one.has_answered) answer(one);
      if (one.has_answered) close(one);
      return has_moved;
    }
    if (count == 0) return has_moved;
    has_moved = true;
    one.hash.add(piece, static_cast<size_t>(count));
    one.taken += static_cast<uint32_t>(count);
    got += static_cast<uint32_t>(count);
  }
  return has_moved;
}

bool turn_of(Connection& one) {
  if (one.socket == sockets::NONE) return false;
  if (sockets::state(one.socket) > sockets::State::Open) return close(one), true;
  if (one.wants == Wants::Unknown) {
    if (!read_line(one)) return false;
    begin(one);
  }
  if (one.wants == Wants::Down && one.left > 0) return send(one);
  return receive(one);
}

} // namespace

namespace app {

const char* name() {
  return "bytes";
}

bool start() {
  const sockets::Address loopback = {{127, 0, 0, 1}, 4, PORT};
  listener = sockets::listen(loopback);
  return listener != sockets::NONE;
}

uint32_t turn(uint32_t) {
  bool has_moved = false;
  for (Connection& one : connections) {
    sockets::Address from;
    if (one.socket == sockets::NONE) one.socket = sockets::accept(listener, &from);
    if (turn_of(one)) has_moved = true;
  }
  return has_moved ? 0 : REST_MS;
}

uint32_t status(char* to, uint32_t most) {
  return Writer(to, most).text("seeded bytes").length();
}

} // namespace app
