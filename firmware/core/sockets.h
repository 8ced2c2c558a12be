/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP, UDP and names, as the firmware uses them. Before it: ports/posix/sockets_bsd.cpp (ESP32
 * too), ports/virt-rv32/sockets_lwip.cpp. After it: core/ and apps/. It reads into and writes out
 * of the caller's memory during the call alone; nothing blocks, nothing calls back.
 *
 * Handles are >= 0 and bounded by the platform's table; a handle is used until close or reset,
 * whatever happens to its connection.
 */
#ifndef SEALEDTUNNEL_SOCKETS_H
#define SEALEDTUNNEL_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

namespace sockets {

struct Address {
  uint8_t host[16];   /* IPv6; IPv4 in the first 4 */
  uint8_t host_bytes; /* 4 or 16 */
  uint16_t port;
};

/** Are addresses of IPv6 of any use here? Where they aren't, none is found, dialled or listened on.
 */
bool takes_ipv6();

enum class Lookup { Pending, Found, Failed };

/**
 * Reads a literal address, or asks the resolver for a name: `name` is NUL-terminated. Call again
 * while it is Pending (some seconds at most). Leaves `found->port` as it is.
 */
Lookup lookup(const char* name, Address* found);

enum class State { Connecting, Open, Refused, Unreachable, TimedOut, Reset, Failed };

/** Below zero: no handle is free, or the address can't be used. */
constexpr int32_t NONE = -1;

/** Begins a connection. */
[[nodiscard]] int32_t dial(const Address& to);

/**
 * Listens; all zeros as the host is every interface. NONE also where the port is in use. Every
 * connection that is accepted has the listener's own port.
 */
[[nodiscard]] int32_t listen(const Address& at);

/** The next connection that has come to a listener, or NONE. */
[[nodiscard]] int32_t accept(int32_t listener, Address* from);

/** How a connection stands. From Refused on it is over, and both directions are. */
State state(int32_t socket);

/** Bytes read (>= 0; 0: none now), or ENDED after the other side's half-close, or OVER. */
constexpr int32_t ENDED = -1;
constexpr int32_t OVER = -2;
[[nodiscard]] int32_t read(int32_t socket, uint8_t* to, size_t most);

/** Bytes taken (>= 0; 0: no room now), or OVER. */
[[nodiscard]] int32_t write(int32_t socket, const uint8_t* from, size_t bytes);

/** Half-close, behind what was written. */
void end(int32_t socket);

/** Gives the handle back. What was written still goes out. A listener: listens no more. */
void close(int32_t socket);

/** Gives the handle back; the other side sees a reset. */
void reset(int32_t socket);

/** A UDP socket on `at` (port 0: any). Gives back by `close`. */
[[nodiscard]] int32_t open_datagrams(const Address& at);

/** The next datagram: its bytes (a longer one is dropped), or NONE when there is none now. */
[[nodiscard]] int32_t receive(int32_t socket, uint8_t* to, size_t most, Address* from);

/** False: there is no room now, or it can't be sent. */
bool send(int32_t socket, const uint8_t* from, size_t bytes, const Address& to);

/** Does an interface of this device have that address? Loopback: always. */
bool is_own(const Address& host);

enum class Interface : uint8_t { Unknown, NoAddress, Found };

/**
 * The IPv4 address of an interface, by the name that it has on this platform (wlan0, eth0, or the
 * system's); `name` is NUL-terminated. Leaves `at->port` as it is.
 */
[[nodiscard]] Interface interface_named(const char* name, Address* at);

} // namespace sockets

#endif
