/* SPDX-License-Identifier: Apache-2.0
 *
 * The peers that hold a Binding's Mapping, and the order in which a new connection tries them:
 * those that answered last by their load, then those that are silent. Where there is a choice they
 * are probed each minute when idle. The twin of host/stlink/candidates.ts; rule D10. Before it:
 * binding.cpp. After it: the core's links.
 */
#ifndef SEALEDTUNNEL_CANDIDATES_H
#define SEALEDTUNNEL_CANDIDATES_H

#include "configuration.h"
#include "sizes.h"

namespace candidates {

/** Writes the links of a Route's peers, the one to try first at the head; returns how many. */
uint8_t order(const configuration::Route& route, uint8_t (&links)[sizes::LINKS]);

/** Asks the quiet peers of Bindings that have several; to be called in each turn. */
void probe(uint32_t now);

} // namespace candidates

#endif
