/* SPDX-License-Identifier: Apache-2.0
 *
 * A device that has a code and no configuration yet (PROTOCOL 10.2): where its hop goes, and what
 * it shows there. Before it: the record `Code`, which the console or an image has put there. After
 * it: connectors.cpp, hop.cpp. Nothing of the code stays in RAM.
 */
#ifndef SEALEDTUNNEL_ACTIVATION_H
#define SEALEDTUNNEL_ACTIVATION_H

#include "addresses.h"
#include "writer.h"

namespace activation {

/** The longest code that a device takes: nine addresses and more. */
constexpr uint32_t CODE_MOST = 512;

/** How many addresses the code names; 0: there is no code. */
uint32_t address_count();

/** Copies one of them. False: there is none, or it can't be dialled. */
[[nodiscard]] bool address_at(uint32_t index, HostName* name, uint16_t* port);

/** Puts what `hop_open(1)` takes in the argument area. nullptr, or why it can't. */
const char* show_ticket();

/**
 * The fingerprint (PROTOCOL 10.4) of the pair that this device, with its public key of 32 bytes, is
 * with its Commander while it shows the code: an administrator compares it. Nothing: there is no
 * code.
 */
void write_fingerprint(Writer& to, const uint8_t* public_key);

} // namespace activation

#endif
