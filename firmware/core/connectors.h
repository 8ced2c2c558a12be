/* SPDX-License-Identifier: Apache-2.0
 *
 * The hops that a device keeps: one to each Connector of its configuration, in its order, as far as
 * there are hops; another Connector's where one fails; for a while a second one to a Connector that
 * is silent. The twin of host/stlink/kept-connector.ts. Before it: agent.cpp. After it: hop.cpp.
 *
 * Redials for ever: the first after 0 to 500 ms, then the span doubles to a minute, with full
 * jitter (PROTOCOL 7.6, 11; rule K7); at once when the network has come back.
 */
#ifndef SEALEDTUNNEL_CONNECTORS_H
#define SEALEDTUNNEL_CONNECTORS_H

#include "writer.h"

namespace connectors {

/** Begins: the Connectors of the configuration in force, or the addresses of the code. */
void start(uint32_t now);

/** Another configuration is in force. Where its Connectors are others, the hops are made anew. */
void change(uint32_t now);

/** Moves what there is, dials what is missing; true when something moved. */
bool turn(uint32_t now);
/** Writes what hops have for their Connectors: news of theirs (`is_due`), and what was left before.
 */
bool send(bool is_due);

/** Milliseconds until something is due here, at most `most`. */
uint32_t wait_ms(uint32_t now, uint32_t most);

/** Ends all hops; their Connectors are told `reason` as far as they can be at once. */
void stop(uint8_t reason);

/** A line for each Connector. */
void write_status(Writer& to, uint32_t now);

} // namespace connectors

#endif
