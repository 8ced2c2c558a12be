/* SPDX-License-Identifier: Apache-2.0
 *
 * Every connection of the device and its stream: one table, as long as the core's without its own.
 * Before it: the core's news, agent.cpp's turns. After it: mapping.cpp, binding.cpp, pump.cpp.
 */
#ifndef SEALEDTUNNEL_STREAMS_H
#define SEALEDTUNNEL_STREAMS_H

#include "connection.h"
#include "writer.h"

namespace streams {

/** Forgets all of them; sockets that are still there are reset. */
void start();

/** Hears the core's news and moves what there is; true when something moved. */
bool turn(uint32_t now);

/** A free place, cleared; nullptr: there is none. */
Connection* take();
/** Releases the stream and gives the place back; a socket that is still there is reset. */
void free(Connection& one, uint8_t reason);

/** Connections that are there now. */
uint32_t open_count();
/** Those of a Route. */
uint32_t open_count(const uint8_t* route);

/** Another configuration is in force: ends what a Binding's access list does not allow any more. */
void change();

void count_in(uint32_t bytes);
void count_out(uint32_t bytes);
/** A connection that did not come to be, and why, for the status. */
void count_failed(const char* why);
/** A connection was refused, whoever opened it: no place is free. */
void tell_full(uint32_t now);

void write_status(Writer& to);

} // namespace streams

#endif
