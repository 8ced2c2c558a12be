/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP Mappings: each flow of a peer's Binding becomes a socket to the Mapping's target, and what
 * comes back on it goes back on the flow. The twin of host/stlink/datagram-mapping.ts. Before it:
 * datagrams.cpp. After it: the target. A flow's socket lives no longer than the channels of its
 * Binding. PROTOCOL 8.1, rules U1 to U4.
 */
#ifndef SEALEDTUNNEL_DATAGRAM_MAPPING_H
#define SEALEDTUNNEL_DATAGRAM_MAPPING_H

#include "core.h"

namespace datagram_mapping {

void start();
bool turn(uint32_t now);
bool has(int32_t stream);
/** As datagrams::accept. */
uint8_t accept(int32_t stream, const core::StreamInfo& info, uint32_t now);

} // namespace datagram_mapping

#endif
