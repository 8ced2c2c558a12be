/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Commander is told of this device: its core's hash, its platform, board and firmware
 * (PROTOCOL 10.1, ABOUT). Before it: agent.cpp, once for each core. After it: the core, which sends
 * it.
 */
#ifndef SEALEDTUNNEL_ABOUT_H
#define SEALEDTUNNEL_ABOUT_H

namespace about {

/** Gives it to a core that was started. */
void give();

} // namespace about

#endif
