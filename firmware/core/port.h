/* SPDX-License-Identifier: Apache-2.0
 *
 * What a platform gives the firmware, beside sockets.h: time, chance, rest, a console, the state of
 * its network, and records that outlive a power cut. Before it: ports/posix, ports/virt-rv32,
 * ports/esp32, each in full. After it: device.cpp and what it runs, which knows no platform.
 *
 * One thread; nothing here calls back, and nothing blocks but `wait`.
 */
#ifndef SEALEDTUNNEL_PORT_H
#define SEALEDTUNNEL_PORT_H

#include <stddef.h>
#include <stdint.h>

namespace port {

/** Milliseconds since some moment, monotonic. It wraps: compare differences as int32_t. */
uint32_t now_ms();

/** What this platform is called, and its board, 20 letters each at most; "": it has no name. */
struct Platform {
  const char* name;
  const char* board;
};
Platform platform();

/** Fills `to` from the platform's true source. False: there is none (yet), and `to` is no chance.
 */
[[nodiscard]] bool entropy(uint8_t* to, size_t bytes);

/**
 * Rests until a socket, the console or the network has news, or `most_ms` are over; spurious
 * returns are fine. Feeds the watchdog, which restarts a device that has not come here for some
 * seconds.
 */
void wait(uint32_t most_ms);

/** Starts the device anew, as after a power cut. */
[[noreturn]] void restart();

/** The next byte that a person has typed, or -1. */
int console_read();
/** Writes to the console; what it has no room for is lost. */
void console_write(const char* text, size_t bytes);

struct Network {
  bool is_up;       /* an address is there, packets may go */
  uint32_t changes; /* counts each time it went up or down */
};
Network network();

/** What is kept over restarts. Values are on flash: they never change. */
enum class Record : uint8_t {
  Identity = 1,      /* private key [32], public key [32] */
  NextIdentity = 2,  /* the pair that takes its place, PROTOCOL 10.4 */
  Configuration = 3, /* as the core has it stored, PROTOCOL 10.3 */
  Code = 4,          /* an activation code, until there is a configuration; PROTOCOL 10.2 */
  Lease = 5,         /* u32, units of 1,024 ms; PROTOCOL 10.6 */
  Wifi = 6,          /* ssid length u8, ssid, password length u8, password */
  LogLevel = 7,      /* u8 */
};
/** The most bytes of a record. */
constexpr size_t RECORD_MOST = 2048;

constexpr int32_t NO_RECORD = -1;
constexpr int32_t TOO_LONG = -2;

/** Copies a record to `to`. Returns its bytes; NO_RECORD; TOO_LONG: it has more than `most`. */
[[nodiscard]] int32_t load(Record record, uint8_t* to, size_t most);

/**
 * Puts `bytes` (at most RECORD_MOST) in the record's place; none removes it. Afterwards, and
 * whenever the power goes meanwhile, the record is whole: the new one or the one before. False: the
 * one before.
 */
[[nodiscard]] bool save(Record record, const uint8_t* from, size_t bytes);

/** Removes every record: a factory reset. False: some of them are still there. */
[[nodiscard]] bool forget_all();

} // namespace port

#endif
