/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's one network interface: lwIP's start, DHCP, the cable's state, and whether there is
 * news for those above. Before it: sockets_lwip.cpp, datagrams_lwip.cpp, names_lwip.cpp and
 * port_virt.cpp. After it: lwIP and virtio_net.cpp.
 */
#ifndef SEALEDTUNNEL_VIRT_NETWORK_H
#define SEALEDTUNNEL_VIRT_NETWORK_H

#include "lwip/ip_addr.h"
#include "sockets.h"

#include <stddef.h>
#include <stdint.h>

namespace network {

/** False: the machine has no network device. */
[[nodiscard]] bool start();

/** Frames, lwIP's timers, and the cable's state. */
void poll();

/** How long until lwIP has something to do by itself, ms. */
uint32_t rest_ms();

/** Tells port::wait that a socket has changed. */
void note_news();
/** Was there news since the last call? */
bool take_news();

/** An address is there and the cable is in. */
bool is_up();
/** How often that has changed. */
uint32_t changes();

inline bool is_any(const ip_addr_t& host) {
  return host.addr == IPADDR_ANY;
}
/** 127.0.0.0/8, or the interface's own address. */
bool is_own(const ip_addr_t& host);
/** What the configuration calls the interface. */
constexpr char NAME[] = "eth0";
/** The interface's address, or 127.0.0.1 for one of those: whence a packet to `host` comes. */
ip_addr_t source_for(const ip_addr_t& host);

/** False: not an address that this device can use. */
[[nodiscard]] bool to_lwip(const sockets::Address& address, ip_addr_t* out);
sockets::Address from_lwip(const ip_addr_t& host, uint16_t port);

struct Heap {
  uint32_t size, used, most; /* bytes */
};
/** lwIP's heap: what is being sent, and datagrams that wait. */
Heap heap();
/**
 * How much of the heap one socket may hold: as much as is free. So a socket that nobody reads
 * from leaves room for the others, however many there are of it.
 */
size_t fair_share(size_t held);

} // namespace network

#endif
