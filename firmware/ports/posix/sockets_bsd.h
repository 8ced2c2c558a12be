/* SPDX-License-Identifier: Apache-2.0
 *
 * What sockets_bsd.cpp gives a port beside sockets.h, and what it asks of it. Before it:
 * port_posix, the ESP32 port. After it: BSD sockets, of Linux or of ESP-IDF's lwIP.
 */
#ifndef SEALEDTUNNEL_SOCKETS_BSD_H
#define SEALEDTUNNEL_SOCKETS_BSD_H

#include "sockets.h"

/** Sockets at once: hops, streams, listeners, an application's. */
constexpr int32_t SOCKETS_MOST = 32;

/**
 * Rests until a socket has news, or the descriptor `console` (-1: none) something to read, or
 * `most_ms` are over. News of something to take is told once, and again after each read, accept or
 * receive; news of room after a write that was short; an end once. So bytes that are left unread
 * wake nobody.
 */
void sockets_wait(int console, uint32_t most_ms);

/**
 * Port 80 of 127.0.0.1 is at `port` from now on: on a machine whose low ports are for those with
 * privileges, and whose loopback many devices share.
 */
void sockets_move_port_80(uint16_t port);

/* What the port gives: */

/** Runs `work(entry)` on a thread of its own, which may block. False: it could not be begun. */
[[nodiscard]] bool port_run_aside(void* (*work)(void* entry), void* entry);

/** Does an interface have the address? Not asked for loopback. */
[[nodiscard]] bool port_interface_has(const sockets::Address& host);

/** sockets::interface_named. */
[[nodiscard]] sockets::Interface port_interface_named(const char* name, sockets::Address* at);

#endif
