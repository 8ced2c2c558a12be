/* SPDX-License-Identifier: Apache-2.0
 *
 * A small application for the tests of firmware/ports/virt-rv32 and for the bench: it does on the
 * machine's network what a line on its console asks for, and answers with one line. Its other side
 * is test/firmware/virt-app.ts. Here a command runs to its end before the next one is read.
 */
#include "arena.h"
#include "port.h"
#include "port_virt.h"
#include "sockets.h"

#include <string.h>

using sockets::Address;
using sockets::State;

namespace {

constexpr uint32_t TURN_MS = 1000;
/** A datagram that has not come back by then is lost. */
constexpr uint32_t ANSWER_MS = 10 * 1000;
/** Nothing here takes longer, but a link that is down. */
constexpr uint32_t PATIENCE_MS = 60 * 1000;
constexpr size_t LINE_MOST = 320;
constexpr size_t PIECE = 2048;

uint8_t piece[PIECE];
char line[LINE_MOST];
size_t line_bytes;

void say(const char* text) {
  port::console_write(text, strlen(text));
}

void say_number(uint32_t number) {
  char digits[11];
  char* p = digits + sizeof digits - 1;
  *p = 0;
  do {
    *--p = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  say(" ");
  say(p);
}

void say_hex(const uint8_t* bytes, size_t count) {
  static const char DIGITS[] = "0123456789abcdef";
  say(" ");
  for (size_t i = 0; i < count; i++) {
    const char pair[3] = {DIGITS[bytes[i] >> 4], DIGITS[bytes[i] & 15], 0};
    say(pair);
  }
}

/** The next word of the line, or an empty one. */
char* word(char** rest) {
  char* start = *rest;
  while (*start == ' ') start++;
  char* end = start;
  while (*end != ' ' && *end != 0) end++;
  *rest = *end != 0 ? end + 1 : end;
  *end = 0;
  return start;
}

uint32_t number(char** rest) {
  uint32_t value = 0;
  for (const char* p = word(rest); *p >= '0' && *p <= '9'; p++) {
    value = value * 10 + static_cast<uint32_t>(*p - '0');
  }
  return value;
}

/** `name port` as an address; all zeros when the name is not found. */
Address address(char** rest) {
  Address found = {};
  const char* name = word(rest);
  const uint32_t begun = port::now_ms();
  while (sockets::lookup(name, &found) == sockets::Lookup::Pending) {
    if (port::now_ms() - begun > PATIENCE_MS) break;
    port::wait(TURN_MS);
  }
  found.port = static_cast<uint16_t>(number(rest));
  return found;
}

const char* name_of(State state) {
  static const char* const NAMES[] = {"connecting", "open",  "refused", "unreachable",
                                      "timed-out",  "reset", "failed"};
  return NAMES[static_cast<size_t>(state)];
}

/** Sends back what comes, until the other side has ended; returns how many bytes. */
uint32_t echo(int32_t socket) {
  uint32_t total = 0;
  for (;;) {
    const int32_t count = sockets::read(socket, piece, PIECE);
    if (count < 0) break;
    for (int32_t sent = 0; sent < count;) {
      const size_t left = static_cast<size_t>(count - sent);
      const int32_t taken = sockets::write(socket, piece + sent, left);
      if (taken < 0) return total;
      sent += taken;
      if (taken == 0) port::wait(TURN_MS);
    }
    total += static_cast<uint32_t>(count);
    if (count == 0) port::wait(TURN_MS);
  }
  return total;
}

/** `echo host port`: dials and sends back what comes. */
void do_echo(char* rest) {
  const int32_t socket = sockets::dial(address(&rest));
  const uint32_t total = echo(socket);
  sockets::end(socket);
  say(name_of(sockets::state(socket)));
  say_number(total);
  sockets::close(socket);
}

/** `serve port`: sends back what the next one to connect sends. */
void do_serve(char* rest) {
  Address at = {};
  at.host_bytes = 4;
  at.port = static_cast<uint16_t>(number(&rest));
  const int32_t listener = sockets::listen(at);
  say("listening\n");
  Address from;
  int32_t socket = sockets::NONE;
  while ((socket = sockets::accept(listener, &from)) == sockets::NONE) port::wait(TURN_MS);
  const uint32_t total = echo(socket);
  say(name_of(sockets::state(socket)));
  say_number(total);
  say_hex(from.host, from.host_bytes);
  sockets::close(socket);
  sockets::close(listener);
}

/** `dial host port`: how a dial ends. */
void do_dial(char* rest) {
  const int32_t socket = sockets::dial(address(&rest));
  if (socket == sockets::NONE) return say("none");
  while (sockets::state(socket) == State::Connecting) port::wait(TURN_MS);
  say(name_of(sockets::state(socket)));
  sockets::close(socket);
}

/** `udp host port count`: datagrams of growing length there and back; how many came back whole. */
void do_udp(char* rest) {
  const Address to = address(&rest);
  const uint32_t count = number(&rest);
  Address any = {};
  any.host_bytes = 4;
  const int32_t socket = sockets::open_datagrams(any);
  uint32_t whole = 0;
  for (uint32_t i = 0; i < count; i++) {
    const size_t bytes = i * 31 % 1400 + 1;
    memset(piece, static_cast<int>(i), bytes);
    (void)sockets::send(socket, piece, bytes, to);
    Address from;
    int32_t got = sockets::NONE;
    for (uint32_t begun = port::now_ms(); port::now_ms() - begun < ANSWER_MS;) {
      if ((got = sockets::receive(socket, piece, PIECE, &from)) != sockets::NONE) break;
      port::wait(TURN_MS / 10);
    }
    const bool is_whole = got == static_cast<int32_t>(bytes) && from.port == to.port &&
                          piece[0] == static_cast<uint8_t>(i) && piece[bytes - 1] == piece[0];
    whole += is_whole;
  }
  say("whole");
  say_number(whole);
  sockets::close(socket);
}

/** `name host`: its address in hex. */
void do_name(char* rest) {
  const Address found = address(&rest);
  say(found.host_bytes == 0 ? "not found" : "found");
  say_hex(found.host, found.host_bytes);
}

/** A byte of a pattern that no two places of 64 KiB share by a shift of one word. */
uint8_t pattern(uint32_t at) {
  return static_cast<uint8_t>(at ^ at >> 8 ^ at >> 13);
}

/** `loop host bytes`: that many through a connection within the device; how many came whole. */
void do_loop(char* rest) {
  Address at = address(&rest);
  const uint32_t total = at.port;
  const uint32_t repeats = number(&rest);
  at.port = 7;
  const int32_t listener = sockets::listen(at);
  const int32_t dialler = sockets::dial(at);
  Address from;
  const int32_t accepted = sockets::accept(listener, &from);
  uint32_t sent = 0, whole = 0;
  const uint32_t all = total * repeats;
  while (whole < all) {
    uint32_t ready = 0;
    for (; ready < PIECE && sent + ready < all; ready++) piece[ready] = pattern(sent + ready);
    const int32_t taken = sockets::write(dialler, piece, ready);
    if (taken < 0) break;
    sent += static_cast<uint32_t>(taken);
    if (sent == all) sockets::end(dialler);
    const int32_t count = sockets::read(accepted, piece, PIECE);
    if (count < 0) break;
    for (int32_t i = 0; i < count && piece[i] == pattern(whole); i++) whole++;
    port::wait(0);
  }
  const int32_t after = sockets::read(accepted, piece, PIECE);
  say(after == sockets::ENDED ? "ended" : "not ended");
  say_number(whole);
  sockets::close(accepted);
  sockets::close(dialler);
  sockets::close(listener);
}

/**
 * `stall host port count`: holds that many connections, fills each and reads none of them, while
 * one more has its bytes echoed. How many were open, and how many bytes the one has echoed.
 */
void do_stall(char* rest) {
  const Address to = address(&rest);
  const uint32_t count = number(&rest);
  int32_t held[16];
  uint32_t open = 0;
  memset(piece, 's', PIECE);
  for (uint32_t i = 0; i < count && i < 16; i++) {
    held[i] = sockets::dial(to);
    while (sockets::state(held[i]) == State::Connecting) port::wait(TURN_MS);
    open += sockets::state(held[i]) == State::Open;
    while (sockets::write(held[i], piece, PIECE) > 0) port::wait(10);
  }
  say("stalled");
  say_number(open);
  say("\n");
  Address second = to;
  second.port = static_cast<uint16_t>(to.port + 1);
  const int32_t socket = sockets::dial(second);
  const uint32_t total = echo(socket);
  say(name_of(sockets::state(socket)));
  say_number(total);
  sockets::close(socket);
  for (uint32_t i = 0; i < count && i < 16; i++) sockets::reset(held[i]);
}

/** `chance`: 16 bytes of it. */
void do_chance(char*) {
  uint8_t bytes[16];
  say(port::entropy(bytes, sizeof bytes) ? "chance" : "no chance");
  say_hex(bytes, sizeof bytes);
}

/** `network`: is it up, and how often it has changed. */
void do_network(char*) {
  const port::Network network = port::network();
  say(network.is_up ? "up" : "down");
  say_number(network.changes);
}

/** `until up|down`: waits for it. */
void do_until(char* rest) {
  const bool wanted = strcmp(word(&rest), "up") == 0;
  while (port::network().is_up != wanted) port::wait(TURN_MS);
  do_network(rest);
}

/** `memory`: the numbers of port_memory. */
void do_memory(char*) {
  const PortMemory memory = port_memory();
  say("memory");
  const uint32_t values[] = {memory.data,      memory.stack, memory.stack_most, memory.heap,
                             memory.heap_most, memory.arena, memory.arena_most};
  for (uint32_t value : values) {
    say_number(value);
  }
}

/** `idle ms`: rests; how long that was. */
void do_idle(char* rest) {
  const uint32_t begun = port::now_ms();
  const uint32_t most = number(&rest);
  while (port::now_ms() - begun < most) port::wait(most);
  say("rested");
  say_number(port::now_ms() - begun);
}

/** `hang`: never comes back, for the watchdog. */
void do_hang(char*) {
  for (volatile uint32_t turns = 0;;) turns = turns + 1;
}

uint32_t deepen(uint32_t depth) {
  volatile uint8_t frame[512];
  frame[0] = static_cast<uint8_t>(depth);
  return depth == 0 ? 0 : deepen(depth - 1) + frame[0];
}

/** `overflow`: uses more stack than there is, for the fault. */
void do_overflow(char*) {
  say_number(deepen(1000));
}

void do_restart(char*) {
  port::restart();
}

const struct {
  const char* name;
  void (*run)(char* rest);
} COMMANDS[] = {
    {"echo", do_echo},   {"serve", do_serve},       {"dial", do_dial},
    {"udp", do_udp},     {"name", do_name},         {"loop", do_loop},
    {"stall", do_stall}, {"chance", do_chance},     {"network", do_network},
    {"until", do_until}, {"memory", do_memory},     {"idle", do_idle},
    {"hang", do_hang},   {"overflow", do_overflow}, {"restart", do_restart},
};

void run_line() {
  char* rest = line;
  const char* name = word(&rest);
  for (const auto& command : COMMANDS) {
    if (strcmp(command.name, name) == 0) {
      command.run(rest);
      return say("\n");
    }
  }
  say("no such command\n");
}

/** Takes what was typed; runs the line when it is complete. */
void read_console() {
  for (int byte; (byte = port::console_read()) >= 0;) {
    if (byte != '\n') {
      if (line_bytes < LINE_MOST - 1) line[line_bytes++] = static_cast<char>(byte);
      continue;
    }
    line[line_bytes] = 0;
    line_bytes = 0;
    run_line();
  }
}

/** A static constructor, to be seen by the tests as run: it makes "ready" of what else is empty. */
struct Greeting {
  const char* text;
  Greeting() : text(port::now_ms() + 1 > 0 ? "ready\n" : "") {}
};
Greeting greeting;

} // namespace

int main() {
  port_start();
  say(greeting.text);
  for (;;) {
    read_console();
    port::wait(TURN_MS);
  }
}
