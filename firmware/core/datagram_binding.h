/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP Bindings: each source address is a flow, and what comes goes on one datagram channel to the
 * peer that holds the Mapping. The twin of host/stlink/datagram-binding.ts. Before it:
 * listeners.cpp's sockets. After it: channels.cpp. The channel is opened by the first datagram,
 * followed by its successor, ended when idle. PROTOCOL 8.1, rules U1 to U4.
 */
#ifndef SEALEDTUNNEL_DATAGRAM_BINDING_H
#define SEALEDTUNNEL_DATAGRAM_BINDING_H

#include <stdint.h>

namespace datagram_binding {

void start();
bool turn(uint32_t now);
/** Once a second: idle channels, successors. */
void sweep(uint32_t now);
bool has(int32_t stream);
/** Another configuration is in force: ends flows that an access list does not allow any more. */
void change();

} // namespace datagram_binding

#endif
