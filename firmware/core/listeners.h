/* SPDX-License-Identifier: Apache-2.0
 *
 * Where this device listens for the Bindings of its configuration: one place for each. The twin of
 * host/stlink/listeners.ts. Before it: the configuration in force. After it: binding.cpp accepts
 * connections, datagram_binding.cpp takes datagrams.
 *
 * Invariant: a place that stays in the configuration is not touched when that changes.
 */
#ifndef SEALEDTUNNEL_LISTENERS_H
#define SEALEDTUNNEL_LISTENERS_H

#include "configuration.h"
#include "sizes.h"
#include "sockets.h"
#include "writer.h"

struct Listener {
  bool is_used = false;
  bool has_told = false;
  bool is_named = false; /* by an interface, whose address is looked at again and again */
  configuration::Protocol protocol = configuration::Protocol::Tcp;
  int32_t socket = -1; /* -1: it could not be had yet */
  uint8_t route[configuration::ID] = {};
  sockets::Address at = {};
};

namespace listeners {

/** Listens where the configuration in force says, and nowhere else. */
void change(uint32_t now);

/** Listens no more. */
void stop();

/** Tries again what could not be had. */
void turn(uint32_t now);

/** One of sizes::LISTENERS, or nullptr where nothing listens or it is of another protocol. */
const Listener* at(uint32_t index, configuration::Protocol protocol);

/** Milliseconds until something is due here, at most `most`. */
uint32_t wait_ms(uint32_t now, uint32_t most);

/** A line for each Binding. */
void write_status(Writer& to);

} // namespace listeners

#endif
