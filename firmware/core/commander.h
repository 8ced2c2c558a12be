/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Commander's word means for this device, told on the console: the lease, refusals, what
 * had no effect; and what the Commander is told of this device's faults, by the next REPORT. Before
 * it: agent.cpp, and whatever fails. After it: the core, which reads and writes the control stream
 * by itself. PROTOCOL 10.1, 10.4, 10.6; rules T11, T12.
 */
#ifndef SEALEDTUNNEL_COMMANDER_H
#define SEALEDTUNNEL_COMMANDER_H

#include "writer.h"

namespace commander {

/** A core was started: nothing has been said yet. */
void start(uint32_t now);

/** Looks now and then how the control plane stands, and says what has changed. */
void turn(uint32_t now);

/** Why a packet was dropped or a message had no effect, as take_drop gave it. */
void hear(int32_t status, uint32_t now);

/** The next REPORT carries this status; the same one again only after a minute. */
void report(int32_t status, uint32_t now);

void write_status(Writer& to);

} // namespace commander

#endif
