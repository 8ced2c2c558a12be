/* SPDX-License-Identifier: Apache-2.0
 *
 * The flows of UDP Routes (PROTOCOL 8.1): at a Binding the sources of its datagrams, at a Mapping a
 * socket for each. One table for all; the flow that is idle longest makes room. Before it:
 * datagram_binding.cpp, datagram_mapping.cpp, the owners. After it: sockets.h.
 *
 * Invariant: an owner's flow has its number once, and a Binding's source one flow.
 */
#ifndef SEALEDTUNNEL_FLOWS_H
#define SEALEDTUNNEL_FLOWS_H

#include "sizes.h"
#include "sockets.h"

struct Flow {
  const void* owner = nullptr; /* nullptr: free */
  uint16_t number = 0;
  int32_t socket = -1;          /* a Mapping's */
  sockets::Address source = {}; /* a Binding's */
  uint32_t used_at = 0;
};

namespace flows {

/** nullptr: the owner has no such flow. */
Flow* find(const void* owner, uint16_t number);
Flow* find(const void* owner, const sockets::Address& source);

/** A new one; the owner's, or anybody's, that is idle longest goes where there is none free. */
Flow* begin(const void* owner, uint16_t number, uint32_t now);

/** The owner's `index`-th, or nullptr. */
Flow* at(const void* owner, uint32_t index);

/** Flows of an owner. */
uint32_t count(const void* owner);

void end(Flow& flow);
void end_all(const void* owner);
/** Ends those on which nothing went for half a minute. */
void end_idle(uint32_t now);

} // namespace flows

#endif
