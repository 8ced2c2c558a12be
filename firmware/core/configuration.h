/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device is to do: the entries of the configuration in force, read where the core keeps them
 * (PROTOCOL 10.3). Before it: the core, which has checked that it is whole. After it:
 * connectors.cpp, mapping.cpp, binding.cpp.
 *
 * What is given out points into linear memory: it is used before the next call into the core.
 */
#ifndef SEALEDTUNNEL_CONFIGURATION_H
#define SEALEDTUNNEL_CONFIGURATION_H

#include <stdint.h>

namespace configuration {

constexpr uint32_t ID = 16;
constexpr uint32_t KEY = 32;

/** Text that is not NUL-terminated. */
struct Words {
  const uint8_t* at;
  uint32_t bytes;
};

struct Connector {
  const uint8_t* key;
  const uint8_t* psk;
  Words address; /* host:port */
};

enum class Protocol : uint8_t { Tcp = 1, Udp = 2 };

struct Route {
  const uint8_t* id;
  bool is_binding;
  Protocol protocol;
  uint32_t hold_ms;
  uint16_t port;
  Words address;
  const uint8_t* peers; /* ids, one behind the other */
  uint32_t peer_count;
  const uint8_t* mapping; /* a Binding's */
  Words options;          /* type, length and value, one behind the other */
};

uint32_t connector_count();
uint32_t route_count();
uint32_t peer_count();

/** False: there is no such entry. */
[[nodiscard]] bool connector_at(uint32_t index, Connector* connector);
[[nodiscard]] bool route_at(uint32_t index, Route* route);
/** The Route with this id and kind. */
[[nodiscard]] bool find_route(const uint8_t* id, bool is_binding, Protocol protocol, Route* route);

/** The link of one of a Route's peers; below zero: it has none. The Route stays valid. */
int32_t link_of(const Route& route, uint32_t peer);
/** Is the link's peer one of the Route's? */
bool names_link(const Route& route, int32_t link);

} // namespace configuration

#endif
