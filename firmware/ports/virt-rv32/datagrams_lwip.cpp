/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP of core/sockets.h on lwIP's raw interface. What comes waits in lwIP's heap, a fair share of
 * it for each socket (network.h); beyond that it is dropped, as UDP may. A datagram to the device
 * itself goes from one socket to the other and never sees lwIP.
 */
#include "network.h"
#include "socket_table.h"

#include "lwip/mem.h"
#include "lwip/udp.h"

#include <string.h>

using socket_table::Datagram;
using socket_table::Kind;
using socket_table::Socket;
using sockets::Address;
using sockets::State;

namespace {

/** What fits one packet: lwIP does not fragment here. */
constexpr size_t DATAGRAM_MOST = 1472;

/** A place at the end of the socket's queue, or null: it has its share of the heap already. */
Datagram* enqueue(Socket* socket, const Address& from, uint16_t bytes) {
  const size_t cost = sizeof(Datagram) + bytes;
  if (cost > network::fair_share(socket->datagram_bytes)) return nullptr;
  Datagram* datagram = static_cast<Datagram*>(mem_malloc(static_cast<mem_size_t>(cost)));
  if (datagram == nullptr) return nullptr;
  *datagram = {nullptr, from, bytes};
  Datagram** last = &socket->first_datagram;
  while (*last != nullptr) last = &(*last)->next;
  *last = datagram;
  socket->datagram_bytes = static_cast<uint16_t>(socket->datagram_bytes + cost);
  network::note_news();
  return datagram;
}

void on_received(void* argument, udp_pcb*, pbuf* packet, const ip_addr_t* host, uint16_t port) {
  Socket* socket = static_cast<Socket*>(argument);
  Datagram* datagram = enqueue(socket, network::from_lwip(*host, port), packet->tot_len);
  if (datagram != nullptr) pbuf_copy_partial(packet, datagram->payload(), packet->tot_len, 0);
  pbuf_free(packet);
}

bool send_within(const Socket* socket, const uint8_t* from, size_t bytes, const ip_addr_t& host,
                 uint16_t port) {
  Socket* target = socket_table::find_local(Kind::Datagrams, host, port);
  if (target == nullptr) return true; /* lost, like one to a port that nobody has */
  const Address sender = network::from_lwip(network::source_for(host), socket->port);
  Datagram* datagram = enqueue(target, sender, static_cast<uint16_t>(bytes));
  if (datagram != nullptr) memcpy(datagram->payload(), from, bytes);
  return datagram != nullptr;
}

bool send_outside(const Socket* socket, const uint8_t* from, size_t bytes, const ip_addr_t& host,
                  uint16_t port) {
  pbuf* packet = pbuf_alloc(PBUF_TRANSPORT, static_cast<uint16_t>(bytes), PBUF_RAM);
  if (packet == nullptr) return false;
  pbuf_take(packet, from, static_cast<uint16_t>(bytes));
  const err_t error = udp_sendto(socket->datagram_pcb, packet, &host, port);
  pbuf_free(packet);
  return error == ERR_OK;
}

} // namespace

void datagrams::close(Socket* socket) {
  udp_remove(socket->datagram_pcb);
}

namespace sockets {

int32_t open_datagrams(const Address& at) {
  ip_addr_t host;
  if (!network::to_lwip(at, &host)) return NONE;
  Socket* socket = socket_table::take(Kind::Datagrams);
  if (socket == nullptr) return NONE;
  udp_pcb* pcb = udp_new();
  if (pcb == nullptr || udp_bind(pcb, &host, at.port) != ERR_OK) {
    if (pcb != nullptr) udp_remove(pcb);
    socket_table::release(socket);
    return NONE;
  }
  udp_recv(pcb, on_received, socket);
  socket->datagram_pcb = pcb;
  socket->state = State::Open;
  socket->host = host;
  socket->port = pcb->local_port;
  return socket_table::handle_of(socket);
}

int32_t receive(int32_t handle, uint8_t* to, size_t most, Address* from) {
  Socket* socket = socket_table::find(handle);
  if (socket == nullptr || socket->kind != Kind::Datagrams) return NONE;
  while (Datagram* datagram = socket->first_datagram) {
    const uint16_t bytes = datagram->bytes;
    if (bytes <= most) memcpy(to, datagram->payload(), bytes);
    *from = datagram->from;
    socket->first_datagram = datagram->next;
    const size_t cost = sizeof(Datagram) + bytes;
    socket->datagram_bytes = static_cast<uint16_t>(socket->datagram_bytes - cost);
    mem_free(datagram);
    if (bytes <= most) return bytes;
  }
  return NONE;
}

bool send(int32_t handle, const uint8_t* from, size_t bytes, const Address& to) {
  const Socket* socket = socket_table::find(handle);
  ip_addr_t host;
  if (socket == nullptr || socket->kind != Kind::Datagrams || bytes > DATAGRAM_MOST) return false;
  if (!network::to_lwip(to, &host)) return false;
  if (network::is_own(host)) return send_within(socket, from, bytes, host, to.port);
  return send_outside(socket, from, bytes, host, to.port);
}

} // namespace sockets
