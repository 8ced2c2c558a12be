/* SPDX-License-Identifier: Apache-2.0
 *
 * What the device is beside a tunnel: one of apps/, linked in. It listens on the device's loopback
 * and is reached by a Mapping like any other service. Before it: device.cpp, which calls it in its
 * loop. After it: sockets.h.
 */
#ifndef SEALEDTUNNEL_APP_H
#define SEALEDTUNNEL_APP_H

#include <stdint.h>

namespace app {

/** Its name, for the console and for the Commander. */
const char* name();

/** Takes its memory from the arena and begins to listen. False, and a line on the console: it
 * can't. */
[[nodiscard]] bool start();

/** Does what there is to do, a few milliseconds at most. Returns how long it has nothing to do, ms.
 */
uint32_t turn(uint32_t now_ms);

/** One line of how it is (frames, viewers), without a line's end; returns its length below `most`.
 */
uint32_t status(char* to, uint32_t most);

} // namespace app

#endif
