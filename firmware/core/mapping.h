/* SPDX-License-Identifier: Apache-2.0
 *
 * Mappings of TCP: a stream that a peer offers becomes one connection to the Mapping's target, on
 * this device or in its local network; CONNECTED or a reset with the target's reason goes back. The
 * twin of host/stlink/mappings.ts. Before it: streams.cpp. After it: pump.cpp.
 *
 * Invariant: what is dialled is an address that was looked at, never public (design, section 5).
 */
#ifndef SEALEDTUNNEL_MAPPING_H
#define SEALEDTUNNEL_MAPPING_H

#include "connection.h"
#include "core.h"

namespace mapping {

/** Takes the stream; or the reason (13.2) with which it is to be refused. */
uint8_t accept(int32_t stream, const core::StreamInfo& info, uint32_t now);

/** A connection at LookingUp or Dialling; true when something moved. */
bool turn(Connection& one, uint32_t now);

} // namespace mapping

#endif
