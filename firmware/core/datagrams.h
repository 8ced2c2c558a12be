/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP Routes as a whole: what their two ends have in common, and what the rest of the agent sees of
 * them. Before it: streams.cpp offers channels, agent.cpp gives turns. After it:
 * datagram_mapping.cpp, datagram_binding.cpp. PROTOCOL section 8.
 */
#ifndef SEALEDTUNNEL_DATAGRAMS_H
#define SEALEDTUNNEL_DATAGRAMS_H

#include "core.h"
#include "writer.h"

namespace datagrams {

/** Idle flows and channels are looked for so often. */
constexpr uint32_t SWEEP_MS = 1000;
/** Datagrams of one socket or channel in a turn: others are to have theirs. */
constexpr int TAKEN_MOST = 8;

/** Why a datagram was dropped here; what the core drops it counts itself. */
enum class Drop : uint8_t {
  NoChannel,
  NoRoom,
  TooBig,
  NoTarget,
  UnknownFlow,
  NotSent,
  SourceNotAllowed,
  TooManyConnections,
  Count
};

/** Forgets everything; sockets of flows are closed. */
void start();

/** Another configuration is in force. */
void change();

/** Moves what there is; true when something moved. */
bool turn(uint32_t now);

/** Is the stream a channel of a UDP Route? */
bool has(int32_t stream);

/** Takes a channel that a peer offers; or the reason (13.2) with which it is to be refused. */
uint8_t accept(int32_t stream, const core::StreamInfo& info, uint32_t now);

/** One went out of the tunnel. */
void count_out();
void count_drop(Drop why);

/** Puts `bytes` at `in_ptr` on the channel; counts them, or why not. */
void commit(int32_t channel, uint16_t flow, int32_t bytes, uint32_t now);

void write_status(Writer& to);

} // namespace datagrams

#endif
