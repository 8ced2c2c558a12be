/* SPDX-License-Identifier: Apache-2.0
 *
 * Bindings of TCP: each connection that is accepted becomes one stream to a peer that holds the
 * Mapping; peers are tried one after the other until CONNECTED, ten seconds in all (rule D10). The
 * twin of host/stlink/bindings.ts and opening.ts. Before it: listeners.cpp. After it: pump.cpp.
 *
 * Invariant: where there is a choice nothing is read from the application before CONNECTED, so each
 * peer begins at byte 0.
 */
#ifndef SEALEDTUNNEL_BINDING_H
#define SEALEDTUNNEL_BINDING_H

#include "connection.h"

namespace binding {

/** Accepts what has come; true when something did. */
bool turn(uint32_t now);

/** Another configuration is in force: a connection that its list does not allow any more ends. */
void change(Connection& one);

/** A connection at Opening; true when something moved. */
bool turn_opening(Connection& one, uint32_t now);

} // namespace binding

#endif
