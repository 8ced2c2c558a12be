/* SPDX-License-Identifier: Apache-2.0
 *
 * See datagrams.h. Before it: streams.cpp and agent.cpp. After it: the two ends. Nothing here could
 * hold a payload.
 */
#include "datagrams.h"

#include "datagram_binding.h"
#include "datagram_mapping.h"
#include "flows.h"

namespace {

constexpr uint32_t DROPS = static_cast<uint32_t>(datagrams::Drop::Count);
constexpr const char* DROP_NAMES[DROPS] = {
    "NoChannel",   "NoBuffer",   "DatagramTooBig",   "NoTarget",
    "UnknownFlow", "SocketFull", "SourceNotAllowed", "TooManyConnections"};

uint32_t swept_at = 0;
uint32_t taken_in = 0;
uint32_t given_out = 0;
uint32_t dropped[DROPS];

} // namespace

void datagrams::start() {
  datagram_binding::start();
  datagram_mapping::start();
}

void datagrams::change() {
  datagram_binding::change();
}

bool datagrams::turn(uint32_t now) {
  bool has_moved = datagram_binding::turn(now);
  if (datagram_mapping::turn(now)) has_moved = true;
  if (now - swept_at < SWEEP_MS) return has_moved;
  swept_at = now;
  flows::end_idle(now);
  datagram_binding::sweep(now);
  return has_moved;
}

bool datagrams::has(int32_t stream) {
  return datagram_mapping::has(stream) || datagram_binding::has(stream);
}

uint8_t datagrams::accept(int32_t stream, const core::StreamInfo& info, uint32_t now) {
  return datagram_mapping::accept(stream, info, now);
}

void datagrams::count_out() {
  given_out += 1;
}

void datagrams::count_drop(Drop why) {
  dropped[static_cast<uint32_t>(why)] += 1;
}

void datagrams::commit(int32_t channel, uint16_t flow, int32_t bytes, uint32_t now) {
  int32_t status = core::datagram_commit(channel, flow, bytes, static_cast<int32_t>(now));
  if (status == CORE_STATUS_OK)
    taken_in += 1;
  else
    count_drop(status == CORE_STATUS_TOO_BIG ? Drop::TooBig : Drop::NoRoom);
}

void datagrams::write_status(Writer& to) {
  if (taken_in + given_out == 0) return;
  to.text("datagrams: ").number(taken_in).text(" into the tunnel, ");
  to.number(given_out).text(" out of it");
  for (uint32_t i = 0; i < DROPS; i++) {
    if (dropped[i] > 0) to.text(", ").text(DROP_NAMES[i]).text(" ").number(dropped[i]);
  }
  to.text("\n");
}
