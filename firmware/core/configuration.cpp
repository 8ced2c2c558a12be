/* SPDX-License-Identifier: Apache-2.0
 *
 * See configuration.h. The offsets are those of PROTOCOL 10.3.
 */
#include "configuration.h"

#include "core.h"

#include <string.h>

namespace {

constexpr uint32_t HOLD_MOST_SECONDS = 86'400;

constexpr uint32_t ROUTE_KIND = 16;
constexpr uint32_t ROUTE_PROTOCOL = 17;
constexpr uint32_t ROUTE_HOLD = 19;
constexpr uint32_t ROUTE_PORT = 23;
constexpr uint32_t ROUTE_ADDRESS = 25;

uint32_t count_of(int32_t section) {
  int32_t count = core::config_count(section);
  return count > 0 ? static_cast<uint32_t>(count) : 0;
}

/** An entry's bytes; nullptr: there is none. */
const uint8_t* entry_at(int32_t section, uint32_t index, uint32_t* bytes) {
  int32_t at = core::config_entry(section, static_cast<int32_t>(index));
  if (at < 0) return nullptr;
  int32_t length = core::config_entry_len();
  *bytes = length > 0 ? static_cast<uint32_t>(length) : 0;
  return core::at(at, *bytes);
}

} // namespace

uint32_t configuration::connector_count() {
  return count_of(CORE_CONFIG_CONNECTORS);
}

uint32_t configuration::route_count() {
  return count_of(CORE_CONFIG_ROUTES);
}

uint32_t configuration::peer_count() {
  return count_of(CORE_CONFIG_PEERS);
}

bool configuration::connector_at(uint32_t index, Connector* connector) {
  uint32_t bytes = 0;
  const uint8_t* entry = entry_at(CORE_CONFIG_CONNECTORS, index, &bytes);
  if (entry == nullptr || bytes < 2 * KEY + 1 || bytes < 2 * KEY + 1u + entry[2 * KEY])
    return false;
  *connector = {entry, entry + KEY, {entry + 2 * KEY + 1, entry[2 * KEY]}};
  return true;
}

bool configuration::route_at(uint32_t index, Route* route) {
  uint32_t bytes = 0;
  const uint8_t* entry = entry_at(CORE_CONFIG_ROUTES, index, &bytes);
  if (entry == nullptr || bytes < ROUTE_ADDRESS + 1) return false;
  uint32_t peers = ROUTE_ADDRESS + 1u + entry[ROUTE_ADDRESS];
  if (bytes < peers + 2) return false;
  uint32_t count = core::load_u16(entry + peers);
  uint32_t options = peers + 2 + (count + 1) * ID;
  if (bytes < options + 2) return false;
  uint32_t hold = core::load_u32(entry + ROUTE_HOLD);
  if (hold > HOLD_MOST_SECONDS) hold = HOLD_MOST_SECONDS;
  route->id = entry;
  route->is_binding = entry[ROUTE_KIND] == 2;
  route->protocol = static_cast<Protocol>(entry[ROUTE_PROTOCOL]);
  route->hold_ms = hold * 1000;
  route->port = core::load_u16(entry + ROUTE_PORT);
  route->address = {entry + ROUTE_ADDRESS + 1, entry[ROUTE_ADDRESS]};
  route->peers = entry + peers + 2;
  route->peer_count = count;
  route->mapping = route->peers + count * ID;
  route->options = {entry + options + 2, bytes - options - 2};
  return true;
}

bool configuration::find_route(const uint8_t* id, bool is_binding, Protocol protocol,
                               Route* route) {
  for (uint32_t i = 0, count = route_count(); i < count; i++) {
    if (!route_at(i, route) || route->is_binding != is_binding) continue;
    if (route->protocol == protocol && memcmp(route->id, id, ID) == 0) return true;
  }
  return false;
}

int32_t configuration::link_of(const Route& route, uint32_t peer) {
  if (peer >= route.peer_count) return CORE_STATUS_BAD_ARGUMENT;
  core::put_arg(0, route.peers + peer * ID, ID);
  return core::link_find();
}

bool configuration::names_link(const Route& route, int32_t link) {
  for (uint32_t i = 0; i < route.peer_count; i++) {
    if (link_of(route, i) == link) return true;
  }
  return false;
}
