/* SPDX-License-Identifier: Apache-2.0
 *
 * The interface of network.h. When the cable comes back, every connection sends at once what was
 * not acknowledged, instead of waiting for its own timer; DHCP asks for the same address again.
 */
#include "network.h"
#include "port.h"
#include "virtio_net.h"

#include "lwip/dhcp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

#include <string.h>

/** lwIP's clock. */
extern "C" uint32_t sys_now(void) {
  return port::now_ms();
}

namespace network {

/** What is left of the heap for headers and answers that no socket asks for. */
constexpr size_t HEAP_RESERVE = 1024;

static netif interface;
static bool has_news, was_up;
static uint32_t change_count;

bool start() {
  lwip_init();
  if (netif_add_noaddr(&interface, nullptr, virtio_net::start, ethernet_input) == nullptr) {
    return false;
  }
  netif_set_default(&interface);
  netif_set_up(&interface);
  return dhcp_start(&interface) == ERR_OK;
}

/** What was lost without a cable says nothing of the peer: it does not count as a try. */
static void resend_all() {
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    pcb->nrtx = 0;
    if (pcb->unacked != nullptr) tcp_rexmit_rto(pcb);
  }
}

static void follow_link() {
  virtio_net::acknowledge();
  const bool has_link = virtio_net::has_link();
  if (has_link == (netif_is_link_up(&interface) != 0)) return;
  if (!has_link) return netif_set_link_down(&interface);
  netif_set_link_up(&interface);
  resend_all();
}

/** What was written in a turn goes out together: a record alone would fill a segment and begin
 * another. */
static void send_written() {
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    if (pcb->unsent != nullptr) tcp_output(pcb);
  }
}

void poll() {
  send_written();
  follow_link();
  virtio_net::poll(&interface);
  sys_check_timeouts();
  if (is_up() == was_up) return;
  was_up = !was_up;
  change_count++;
  note_news();
}

uint32_t rest_ms() {
  return sys_timeouts_sleeptime();
}

void note_news() {
  has_news = true;
}

bool take_news() {
  const bool had_news = has_news;
  has_news = false;
  return had_news;
}

bool is_up() {
  return netif_is_link_up(&interface) && !is_any(*netif_ip4_addr(&interface));
}

uint32_t changes() {
  return change_count;
}

bool is_own(const ip_addr_t& host) {
  if (ip_addr_isloopback(&host)) return true;
  return !is_any(host) && host.addr == netif_ip4_addr(&interface)->addr;
}

ip_addr_t source_for(const ip_addr_t& host) {
  return ip_addr_isloopback(&host) ? host : *netif_ip4_addr(&interface);
}

bool to_lwip(const sockets::Address& address, ip_addr_t* out) {
  if (address.host_bytes != sizeof out->addr) return false;
  memcpy(&out->addr, address.host, sizeof out->addr);
  return true;
}

sockets::Address from_lwip(const ip_addr_t& host, uint16_t port) {
  sockets::Address address = {};
  memcpy(address.host, &host.addr, sizeof host.addr);
  address.host_bytes = sizeof host.addr;
  address.port = port;
  return address;
}

Heap heap() {
  return {lwip_stats.mem.avail, lwip_stats.mem.used, lwip_stats.mem.max};
}

size_t fair_share(size_t held) {
  const size_t used = lwip_stats.mem.used + HEAP_RESERVE;
  if (used >= lwip_stats.mem.avail) return 0;
  const size_t free = lwip_stats.mem.avail - used;
  return free > held ? free - held : 0;
}

} // namespace network
