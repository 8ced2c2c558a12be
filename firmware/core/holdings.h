/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device holds over restarts, and what the core has stored: its key pair, its configuration,
 * the next key pair, what is left of the lease. Before it: agent.cpp. After it: port.h's records.
 * PROTOCOL 10.2 to 10.6. Secrets are in RAM only in the core and during a call.
 */
#ifndef SEALEDTUNNEL_HOLDINGS_H
#define SEALEDTUNNEL_HOLDINGS_H

#include "writer.h"

namespace holdings {

/** What a started core was given. */
enum class Begin : uint8_t {
  Configured,
  Activating, /* there is a code */
  Empty,      /* there is neither: somebody has to provision or activate this device */
  Failed,     /* `why()` says what */
};

/** Gives the core identity and configuration; makes and saves a key pair where there is none. */
Begin begin(uint32_t now);
const char* why();

/** Stores what the core asks for. True: another configuration is in force. */
bool turn(uint32_t now);

/**
 * Makes a new key pair, stores it beside the present one, and has the Commander told (10.4). False:
 * there is no Commander, or it could not be, now.
 */
[[nodiscard]] bool rotate();

/** This device's public key, as digits. */
void write_key(Writer& to);

/** The fingerprint that an administrator compares before he approves this device (rule T7). */
void write_fingerprint(Writer& to);

} // namespace holdings

#endif
