/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may use a Binding, and how many at once: the access list of its configuration (PROTOCOL
 * 10.3), read for each newcomer where the core keeps it. The twin of host/stlink/access.ts. Before
 * it: configuration.cpp. After it: binding.cpp and datagram_binding.cpp, before anything is opened;
 * listeners.cpp, which leaves out what a device can't see to.
 *
 * Invariant: nothing is kept, neither of the list nor of those who are refused.
 */
#ifndef SEALEDTUNNEL_ACCESS_H
#define SEALEDTUNNEL_ACCESS_H

#include "configuration.h"
#include "sockets.h"

namespace access {

enum class Verdict : uint8_t { Allowed, SourceNotAllowed, TooManyConnections };

/** May one more come from there, beside `open` of the Binding's that are here? */
Verdict of_newcomer(const configuration::Route& route, const sockets::Address& from, uint32_t open);

/** Does the list name the network of this address? A list without networks names all. */
bool allows(const configuration::Route& route, const sockets::Address& from);

/** False: the Binding has a rate, or what this version doesn't know. */
bool is_possible(const configuration::Route& route);

const char* name_of(Verdict verdict);

/** Says on the console who was refused, and what to do. */
void tell(Verdict verdict, const uint8_t* route, const sockets::Address& from);

} // namespace access

#endif
