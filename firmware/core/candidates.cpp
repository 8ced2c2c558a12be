/* SPDX-License-Identifier: Apache-2.0
 *
 * See candidates.h. With four links all of them are kept warm.
 */
#include "candidates.h"

#include "core.h"

#include <string.h>

namespace {

constexpr uint32_t PROBE_MS = 60'000;
/** Fewer unanswered PROBEs than this may still be under way. */
constexpr uint8_t UNANSWERED_AWAY = 2;
/** Behind every peer that answers, whatever its load. */
constexpr uint32_t SILENT = 1000;

uint32_t probed_at = 0;
uint32_t packets_in[sizes::LINKS];

/** The lower, the earlier. */
uint32_t rank_of(int32_t link) {
  if (core::link_info(link) != CORE_STATUS_OK) return 2 * SILENT;
  const uint8_t* info = core::arg();
  bool is_answering = info[0] == 2 && info[3] < UNANSWERED_AWAY;
  return is_answering ? info[1] : SILENT + info[3];
}

void probe_route(const configuration::Route& route) {
  for (uint32_t i = 0; i < route.peer_count; i++) {
    int32_t link = configuration::link_of(route, i);
    if (link < 0 || link >= static_cast<int32_t>(sizes::LINKS)) continue;
    if (core::link_info(link) != CORE_STATUS_OK) continue;
    uint32_t packets = core::load_u32(core::arg() + 20);
    if (packets == packets_in[link] || packets == 0) core::link_connect(link);
    packets_in[link] = packets;
  }
}

} // namespace

uint8_t candidates::order(const configuration::Route& route, uint8_t (&links)[sizes::LINKS]) {
  uint32_t ranks[sizes::LINKS];
  uint8_t count = 0;
  for (uint32_t i = 0; i < route.peer_count && count < sizes::LINKS; i++) {
    int32_t link = configuration::link_of(route, i);
    if (link < 0) continue;
    uint32_t rank = route.peer_count > 1 ? rank_of(link) : 0;
    uint8_t at = count++;
    for (; at > 0 && ranks[at - 1] > rank; at--) {
      ranks[at] = ranks[at - 1];
      links[at] = links[at - 1];
    }
    ranks[at] = rank;
    links[at] = static_cast<uint8_t>(link);
  }
  return count;
}

void candidates::probe(uint32_t now) {
  if (now - probed_at < PROBE_MS) return;
  probed_at = now;
  configuration::Route route;
  for (uint32_t i = 0, count = configuration::route_count(); i < count; i++) {
    if (!configuration::route_at(i, &route)) return;
    if (route.is_binding && route.peer_count > 1) probe_route(route);
  }
}
