/* SPDX-License-Identifier: Apache-2.0
 *
 * Bindings of TCP: where this device listens. Each connection that is accepted becomes one stream
 * to a peer that holds the Mapping; peers are tried one after the other until CONNECTED, ten
 * seconds in all (rule D10). The twin of host/stlink/bindings.ts, opening.ts and candidates.ts.
 * Before it: an application. After it: pump.cpp.
 *
 * Invariant: where there is a choice nothing is read from the application before CONNECTED, so each
 * peer begins at byte 0.
 */
#ifndef SEALEDTUNNEL_BINDING_H
#define SEALEDTUNNEL_BINDING_H

#include "connection.h"
#include "writer.h"

namespace binding {

/** Listens where the configuration in force says, and nowhere else; what stays is not touched. */
void listen(uint32_t now);

/** Listens no more. */
void stop();

/** Accepts what has come; true when something did. */
bool turn(uint32_t now);

/** A connection at Opening; true when something moved. */
bool turn_opening(Connection& one, uint32_t now);

/** Milliseconds until something is due here, at most `most`. */
uint32_t wait_ms(uint32_t now, uint32_t most);

/** A line for each Binding. */
void write_status(Writer& to);

} // namespace binding

#endif
