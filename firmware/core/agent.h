/* SPDX-License-Identifier: Apache-2.0
 *
 * An STLink on a device: one core, its hops, its connections, and what is stored for it. The twin
 * of host/stlink/agent.ts and host/net/driver.ts. Before it: device.cpp, which gives it time. After
 * it: connectors.cpp, streams.cpp, binding.cpp, holdings.cpp. It knows no protocol; the core does.
 */
#ifndef SEALEDTUNNEL_AGENT_H
#define SEALEDTUNNEL_AGENT_H

#include <stddef.h>
#include <stdint.h>

namespace agent {

enum class Phase : uint8_t {
  Stopped,
  Waiting,    /* it has neither configuration nor code */
  Activating, /* it has a code */
  Running,    /* it has a configuration */
};

/**
 * Opens the core and gives it what the device holds. False: `why()`. The platform has given
 * entropy before, so that it can be had.
 */
[[nodiscard]] bool start(uint32_t now);
const char* why();

/**
 * One turn: time, computation of some milliseconds (on a small device one step of the core, a
 * tenth of a second), bytes both ways. Returns for how many milliseconds there is nothing to do
 * unless something comes; 0: go on. A trap has ended it where `phase()` is Stopped afterwards.
 */
uint32_t turn(uint32_t now);

/** Tells Connectors `reason` (13.2) as far as they can be told at once, and wipes everything. */
void stop(uint8_t reason);

Phase phase();

/** Several lines of how it stands, below `most` bytes with a NUL; returns their length. */
uint32_t status(char* to, uint32_t most);

} // namespace agent

#endif
