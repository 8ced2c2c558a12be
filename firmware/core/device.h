/* SPDX-License-Identifier: Apache-2.0
 *
 * The device as a whole: the STLink, what it is beside a tunnel (app.h), and the rest between.
 * Before it: a port's main, which has called `arena_init`, or a test program, which calls the parts
 * itself. After it: agent.cpp, console.cpp, app.h.
 */
#ifndef SEALEDTUNNEL_DEVICE_H
#define SEALEDTUNNEL_DEVICE_H

#include <stdint.h>

/** Starts everything; what can't be started yet is tried again in turns. */
void device_start();

/** One turn of everything; returns for how many milliseconds there is nothing to do at most. */
uint32_t device_turn(uint32_t now_ms);

/** `device_start`, then turns and rests for ever. */
[[noreturn]] void device_run();

/** The records have changed: the STLink begins anew with the next turn. */
void device_begin_anew();

/** Makes a new key and has the Commander told (PROTOCOL 10.4). False: there is none, or not now. */
[[nodiscard]] bool device_rotate();

/** Several lines of how the device stands, below `most` bytes with a NUL; returns their length. */
uint32_t device_status(char* to, uint32_t most);

#endif
