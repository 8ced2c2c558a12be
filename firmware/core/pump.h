/* SPDX-License-Identifier: Apache-2.0
 *
 * Joins a connection and a stream: bytes both ways with back-pressure both ways, half-closes and
 * resets as themselves. The twin of host/stlink/pump.ts. Before it: mapping.cpp, binding.cpp. After
 * it: nothing; it ends with both.
 *
 * Invariants: the application is read only while the stream has room, straight into the core's
 * memory; the stream is read only as far as the socket takes it, straight out of it (rules F1, F2,
 * F4).
 */
#ifndef SEALEDTUNNEL_PUMP_H
#define SEALEDTUNNEL_PUMP_H

#include "connection.h"

namespace pump {

/** Moves what can move; true when something did. The connection may be Free afterwards. */
bool turn(Connection& one);

/** As `turn`, but a stream that has ended is left to the caller. */
bool move(Connection& one);

/** Ends the stream from this side with `reason`, and the connection. */
void abandon(Connection& one, uint8_t reason);

} // namespace pump

#endif
