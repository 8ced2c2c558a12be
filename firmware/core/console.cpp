/* SPDX-License-Identifier: Apache-2.0
 *
 * See console.h. Memory for a line, a status or a record under way comes from the arena and goes
 * back at once, so that a console that nobody uses costs none. What held a secret is wiped.
 *
 * Invariant: length < LINE_MOST; received <= expected <= RECORD_MOST.
 */
#include "console.h"

#include "arena.h"
#include "crc32.h"
#include "device.h"
#include "log.h"
#include "port.h"
#include "sizes.h"
#include "writer.h"

#include <string.h>

using port::Record;

namespace {

/** A code of 512 bytes in base32, and the command before it. */
constexpr uint32_t LINE_MOST = 840;
constexpr uint32_t STATUS_MOST = 2048;
/** Characters of one turn; the rest waits. */
constexpr int TYPED_MOST = 512;
constexpr uint32_t IDENTITY_BYTES = 64;
/** An activation code, PROTOCOL 10.2: the count of addresses, and all that is there without them.
 */
constexpr uint32_t CODE_COUNT_AT = 129;
constexpr uint32_t CODE_LEAST = 134;
constexpr uint8_t CODE_VERSION = 1;

enum class Awaits : uint8_t { Command, Yes, Hex };

struct Provision {
  Record record;
  uint32_t expected;
  uint32_t received;
  uint32_t crc;
  uint8_t* bytes; /* in the arena */
};

char* line; /* in the arena, while there is one */
uint32_t length;
bool is_too_long;
Awaits awaits = Awaits::Command;
Provision provision;

void say(const char* text) {
  port::console_write(text, strlen(text));
  port::console_write("\n", 1);
}

void wipe(void* at, uint32_t bytes) {
  volatile uint8_t* bytes_at = static_cast<volatile uint8_t*>(at);
  for (uint32_t i = 0; i < bytes; i++) bytes_at[i] = 0;
}

void free_secret(void* at, uint32_t bytes) {
  if (at != nullptr) wipe(at, bytes);
  arena_free(at);
}

uint8_t* take(uint32_t bytes) {
  uint8_t* memory = static_cast<uint8_t*>(arena_calloc(1, bytes));
  if (memory == nullptr) say("no memory for that now: close connections, or try again later");
  return memory;
}

/** The word at `*rest`, which moves behind it; empty at the end. */
char* next_word(char** rest) {
  while (**rest == ' ') *rest += 1;
  char* word = *rest;
  while (**rest != ' ' && **rest != 0) *rest += 1;
  if (**rest != 0) *(*rest)++ = 0;
  return word;
}

bool read_number(const char* text, uint32_t most, uint32_t* to) {
  uint32_t value = 0;
  if (*text == 0) return false;
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9') return false;
    value = value * 10 + static_cast<uint32_t>(*text - '0');
    if (value > most) return false;
  }
  *to = value;
  return true;
}

/** -1: no such digit. */
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool read_crc(const char* text, uint32_t* to) {
  uint32_t value = 0;
  if (strlen(text) != 8) return false;
  for (; *text != 0; text++) {
    if (hex_digit(*text) < 0) return false;
    value = value << 4 | static_cast<uint32_t>(hex_digit(*text));
  }
  *to = value;
  return true;
}

void run_status(char*) {
  char* text = reinterpret_cast<char*>(take(STATUS_MOST));
  if (text == nullptr) return;
  port::console_write(text, device_status(text, STATUS_MOST));
  arena_free(text);
}

/** -1: no letter of base32 (RFC 4648). */
int base32_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

/** Decodes in place; 0: that is no base32, or bits are left over. */
uint32_t decode_base32(char* text) {
  uint8_t* to = reinterpret_cast<uint8_t*>(text);
  uint32_t bits = 0;
  uint32_t bit_count = 0;
  uint32_t bytes = 0;
  for (const char* at = text; *at != 0; at++) {
    if (base32_digit(*at) < 0) return 0;
    bits = bits << 5 | static_cast<uint32_t>(base32_digit(*at));
    bit_count += 5;
    if (bit_count < 8) continue;
    bit_count -= 8;
    to[bytes++] = static_cast<uint8_t>(bits >> bit_count);
    bits &= (1u << bit_count) - 1;
  }
  return bits == 0 && bit_count < 5 ? bytes : 0;
}

/** Do version and lengths add up? The core looks at the rest. */
bool is_code(const uint8_t* code, uint32_t bytes) {
  if (bytes < CODE_LEAST || code[0] != CODE_VERSION || code[CODE_COUNT_AT] == 0) return false;
  uint32_t at = CODE_COUNT_AT + 1;
  for (uint32_t left = code[CODE_COUNT_AT]; left > 0; left--) {
    if (at >= bytes) return false;
    at += 1u + code[at];
  }
  return at + 4 == bytes;
}

bool has_configuration() {
  uint8_t* stored = take(port::RECORD_MOST);
  if (stored == nullptr) return true;
  const bool has = port::load(Record::Configuration, stored, port::RECORD_MOST) >= 0;
  free_secret(stored, port::RECORD_MOST);
  if (has) say("this device is activated already: `reset` first, if it is to belong to others");
  return has;
}

void run_activate(char* rest) {
  char* text = next_word(&rest);
  const uint32_t bytes = decode_base32(text);
  const uint8_t* code = reinterpret_cast<const uint8_t*>(text);
  if (!is_code(code, bytes))
    return say("that is no activation code: copy all of it, letter by letter");
  if (has_configuration()) return;
  if (!port::save(Record::Code, code, bytes))
    return say("the code could not be stored: the flash fails");
  say("the code is stored: the device activates itself as soon as it reaches a Connector");
  device_begin_anew();
}

struct Named {
  const char* name;
  Record record;
};

const Named PROVISIONED[] = {
    {"identity", Record::Identity},
    {"configuration", Record::Configuration},
    {"code", Record::Code},
    {"wifi", Record::Wifi},
};

bool read_record(const char* name, Record* record) {
  for (const Named& known : PROVISIONED) {
    if (strcmp(known.name, name) != 0) continue;
    *record = known.record;
    return true;
  }
  return false;
}

void run_provision(char* rest) {
  Provision next = {};
  const bool is_known = read_record(next_word(&rest), &next.record);
  const bool has_bytes = read_number(next_word(&rest), port::RECORD_MOST, &next.expected);
  const bool is_identity = next.record == Record::Identity;
  if (!is_known || !has_bytes || next.expected == 0 || !read_crc(next_word(&rest), &next.crc))
    return say("write: provision identity|configuration|code|wifi BYTES CRC32");
  if (is_identity && next.expected != IDENTITY_BYTES)
    return say("an identity has 64 bytes: private key, public key");
  if (next.record == Record::Configuration && next.expected > sizes::CONFIG_STORED_MOST)
    return say("that configuration is too long for this device: leave Routes or peers out");
  next.bytes = take(next.expected);
  if (next.bytes == nullptr) return;
  provision = next;
  awaits = Awaits::Hex;
  say("go on: lines of its bytes in hex");
}

void end_provision(const char* why) {
  free_secret(provision.bytes, provision.expected);
  provision = {};
  awaits = Awaits::Command;
  say(why);
}

/** False: it is not hex, or more than was said. */
bool take_hex(const char* text) {
  for (; text[0] != 0; text += 2) {
    const int high = hex_digit(text[0]);
    const int low = high < 0 ? -1 : hex_digit(text[1]);
    if (low < 0 || provision.received == provision.expected) return false;
    provision.bytes[provision.received++] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

/** So that the other side sends no faster than this one reads. */
void say_received() {
  char text[32];
  Writer answer(text, sizeof text);
  answer.number(provision.received).text(" of ").number(provision.expected);
  say(text);
}

void run_hex(const char* text) {
  if (!take_hex(text))
    return end_provision("that is no hex, or too much: nothing is stored; begin again");
  if (provision.received < provision.expected) return say_received();
  if (crc32(0, provision.bytes, provision.expected) != provision.crc)
    return end_provision("bytes were lost on the line: nothing is stored; begin again");
  if (!port::save(provision.record, provision.bytes, provision.expected))
    return end_provision("it could not be stored: the flash fails");
  end_provision("stored; `restart` puts it in force");
}

void run_log(char* rest) {
  static const char* const LEVELS[] = {"error", "warn", "info", "debug"};
  const char* name = next_word(&rest);
  for (uint8_t i = 0; i < 4; i++) {
    if (strcmp(LEVELS[i], name) != 0) continue;
    log_level_set(static_cast<LogLevel>(i));
    const bool is_kept = port::save(Record::LogLevel, &i, 1);
    return say(is_kept ? "from now on" : "until the next restart: it could not be stored");
  }
  say("write: log error|warn|info|debug");
}

void run_reset(char*) {
  awaits = Awaits::Yes;
  say("this removes identity and configuration for good: type yes to do it");
}

void run_yes(const char* text) {
  awaits = Awaits::Command;
  if (strcmp(text, "yes") != 0) return say("nothing was removed");
  if (!port::forget_all()) return say("some records are still there, the flash fails: try again");
  say("all records are gone; the device starts anew");
  port::restart();
}

void run_rotate(char*) {
  say(device_rotate() ? "a new key is made: the Commander is told, then it is used"
                      : "not now: only a device with a Commander gets a new key");
}

void run_restart(char*) {
  say("restarting");
  port::restart();
}

void run_help(char*);

struct Command {
  const char* name;
  const char* about;
  void (*run)(char* rest);
};

const Command COMMANDS[] = {
    {"help", "help: this", run_help},
    {"status", "status: how the device stands", run_status},
    {"activate", "activate CODE: takes an activation code", run_activate},
    {"provision", "provision NAME BYTES CRC32: takes a record, for programs", run_provision},
    {"log", "log error|warn|info|debug: what is told from now on", run_log},
    {"rotate", "rotate: gets a new key", run_rotate},
    {"restart", "restart: starts the device anew", run_restart},
    {"reset", "reset: removes identity and configuration", run_reset},
};

void run_help(char*) {
  for (const Command& command : COMMANDS) say(command.about);
}

void run_command(char* text) {
  const char* name = next_word(&text);
  if (*name == 0) return;
  for (const Command& command : COMMANDS) {
    if (strcmp(command.name, name) == 0) return command.run(text);
  }
  say("that is no command: help lists them");
}

void run_line(char* text) {
  if (awaits == Awaits::Hex) return run_hex(text);
  if (awaits == Awaits::Yes) return run_yes(text);
  run_command(text);
}

void drop_line() {
  free_secret(line, LINE_MOST);
  line = nullptr;
  length = 0;
  is_too_long = false;
}

/** What waited for this line waits no more. */
void give_up(const char* why) {
  if (awaits == Awaits::Hex) return end_provision(why);
  awaits = Awaits::Command;
  say(why);
}

void end_line() {
  if (is_too_long) {
    give_up("the line is too long: nothing was done");
  } else if (line != nullptr) {
    line[length] = 0;
    run_line(line);
  }
  drop_line();
}

void type(char c) {
  if (is_too_long) return;
  if (line == nullptr) line = reinterpret_cast<char*>(take(LINE_MOST));
  is_too_long = line == nullptr || length + 1 == LINE_MOST;
  if (!is_too_long) line[length++] = c;
}

void interrupt() {
  drop_line();
  if (awaits != Awaits::Command) give_up("stopped: nothing was done");
}

void take_typed(int c) {
  constexpr int CTRL_C = 3, BACKSPACE = 8, CTRL_U = 21, DELETE = 127;
  if (c == '\n' || c == '\r') return end_line();
  if (c == CTRL_C || c == CTRL_U) return interrupt();
  if (c == BACKSPACE || c == DELETE) {
    if (length > 0) length -= 1;
  } else if (c >= ' ' && c < DELETE) {
    type(static_cast<char>(c));
  }
}

} // namespace

void console_turn() {
  for (int i = 0; i < TYPED_MOST; i++) {
    const int c = port::console_read();
    if (c < 0) return;
    take_typed(c);
  }
}
