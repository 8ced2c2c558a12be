/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP of core/sockets.h on lwIP's raw interface, and the common entry points: calls that concern
 * the device itself go to pipes.cpp. UDP is datagrams_lwip.cpp, names are names_lwip.cpp.
 *
 * Flow: a received segment is copied to the connection's ring at once; lwIP's window is what the
 * ring has left, since only read bytes are told to tcp_recved. What is written is copied to lwIP's
 * heap, at most a fair share of it for each connection (network.h).
 */
#include "network.h"
#include "socket_table.h"

#include "lwip/tcp.h"

#include <string.h>

using socket_table::Kind;
using socket_table::Socket;
using sockets::Address;
using sockets::State;

namespace {

/** lwIP has let go of the connection, or is made to. */
void forget_pcb(Socket* socket) {
  tcp_pcb* pcb = socket->pcb;
  socket->pcb = nullptr;
  if (pcb == nullptr) return;
  tcp_arg(pcb, nullptr);
  tcp_recv(pcb, nullptr);
  tcp_sent(pcb, nullptr);
  tcp_err(pcb, nullptr);
}

State state_after(State before, err_t error) {
  if (error == ERR_CLSD) return before; /* both sides had ended it */
  if (before == State::Connecting) return error == ERR_RST ? State::Refused : State::TimedOut;
  return error == ERR_RST ? State::Reset : State::TimedOut;
}

void on_error(void* argument, err_t error) {
  Socket* socket = static_cast<Socket*>(argument);
  socket->pcb = nullptr; /* lwIP has freed it */
  socket->state = state_after(socket->state, error);
  socket->has_their_end = true;
  network::note_news();
}

err_t on_received(void* argument, tcp_pcb*, pbuf* segment, err_t) {
  Socket* socket = static_cast<Socket*>(argument);
  network::note_news();
  if (segment == nullptr) {
    socket->has_their_end = true;
    return ERR_OK;
  }
  for (const pbuf* p = segment; p != nullptr; p = p->next) {
    socket->ring.put(static_cast<const uint8_t*>(p->payload), p->len);
  }
  pbuf_free(segment);
  return ERR_OK;
}

err_t on_sent(void*, tcp_pcb*, uint16_t) {
  network::note_news();
  return ERR_OK;
}

err_t on_connected(void* argument, tcp_pcb*, err_t) {
  static_cast<Socket*>(argument)->state = State::Open;
  network::note_news();
  return ERR_OK;
}

void adopt_pcb(Socket* socket, tcp_pcb* pcb) {
  socket->pcb = pcb;
  tcp_arg(pcb, socket);
  tcp_recv(pcb, on_received);
  tcp_sent(pcb, on_sent);
  tcp_err(pcb, on_error);
  tcp_nagle_disable(pcb);
}

/** Any error: the connection is turned away by a reset. */
err_t on_accepted(void* argument, tcp_pcb* pcb, err_t error) {
  Socket* listener = static_cast<Socket*>(argument);
  const int32_t handle = socket_table::handle_of(listener);
  if (error != ERR_OK || !socket_table::has_backlog_room(handle)) return ERR_MEM;
  Socket* socket = socket_table::take(Kind::Connection);
  if (socket == nullptr) return ERR_MEM;
  if (!socket->ring.allocate(TCP_WND)) {
    socket_table::release(socket);
    return ERR_MEM;
  }
  socket->state = State::Open;
  socket->is_awaiting_accept = true;
  socket->listener = static_cast<int8_t>(handle);
  socket->from = network::from_lwip(pcb->remote_ip, pcb->remote_port);
  adopt_pcb(socket, pcb);
  network::note_news();
  return ERR_OK;
}

/** Begins a connection to another host. */
void connect(Socket* socket, const ip_addr_t& host, uint16_t port) {
  tcp_pcb* pcb = socket->ring.allocate(TCP_WND) ? tcp_new() : nullptr;
  if (pcb == nullptr) {
    socket->state = State::Failed;
    return;
  }
  adopt_pcb(socket, pcb);
  const err_t error = tcp_connect(pcb, &host, port, on_connected);
  if (error == ERR_OK) return;
  forget_pcb(socket);
  tcp_abort(pcb);
  socket->state = error == ERR_RTE ? State::Unreachable : State::Failed;
}

/** Lets lwIP finish by itself what was begun. */
void close_connection(Socket* socket) {
  tcp_pcb* pcb = socket->pcb;
  forget_pcb(socket);
  if (pcb == nullptr) return;
  /* Bytes that nobody has read would make it a reset, which loses what was written. */
  if (socket->ring.used() > 0) tcp_recved(pcb, socket->ring.used());
  if (tcp_close(pcb) != ERR_OK) tcp_abort(pcb);
}

void abort_connection(Socket* socket) {
  tcp_pcb* pcb = socket->pcb;
  forget_pcb(socket);
  if (pcb != nullptr) tcp_abort(pcb);
}

void close_listener(Socket* socket) {
  const int32_t handle = socket_table::handle_of(socket);
  while (Socket* waiting = socket_table::first_waiting(handle)) {
    waiting->is_awaiting_accept = false;
    sockets::reset(socket_table::handle_of(waiting));
  }
  if (socket->pcb == nullptr) return;
  tcp_arg(socket->pcb, nullptr);
  tcp_accept(socket->pcb, nullptr);
  (void)tcp_close(socket->pcb); /* always succeeds for a listener */
}

/** lwIP's listener, for those who come from outside. */
bool listen_outside(Socket* socket) {
  tcp_pcb* pcb = tcp_new();
  if (pcb == nullptr) return false;
  /* A dialled hop goes before those who come: it may take a place from them. */
  tcp_setprio(pcb, TCP_PRIO_MIN);
  if (tcp_bind(pcb, &socket->host, socket->port) != ERR_OK) {
    (void)tcp_close(pcb);
    return false;
  }
  tcp_pcb* listening = tcp_listen_with_backlog(pcb, socket_table::BACKLOG);
  if (listening == nullptr) {
    (void)tcp_close(pcb);
    return false;
  }
  socket->pcb = listening;
  tcp_arg(listening, socket);
  tcp_accept(listening, on_accepted);
  return true;
}

} // namespace

namespace sockets {

int32_t dial(const Address& to) {
  ip_addr_t host;
  if (!network::to_lwip(to, &host)) return NONE;
  if (network::is_own(host)) return pipes::dial(host, to.port);
  Socket* socket = socket_table::take(Kind::Connection);
  if (socket == nullptr) return NONE;
  connect(socket, host, to.port);
  return socket_table::handle_of(socket);
}

int32_t listen(const Address& at) {
  ip_addr_t host;
  if (!network::to_lwip(at, &host)) return NONE;
  if (socket_table::find_local(Kind::Listener, host, at.port) != nullptr) return NONE;
  Socket* socket = socket_table::take(Kind::Listener);
  if (socket == nullptr) return NONE;
  socket->state = State::Open;
  socket->host = host;
  socket->port = at.port;
  if (ip_addr_isloopback(&host) || listen_outside(socket)) return socket_table::handle_of(socket);
  socket_table::release(socket);
  return NONE;
}

int32_t accept(int32_t listener, Address* from) {
  Socket* socket = socket_table::first_waiting(listener);
  if (socket == nullptr) return NONE;
  socket->is_awaiting_accept = false;
  *from = socket->from;
  return socket_table::handle_of(socket);
}

State state(int32_t handle) {
  const Socket* socket = socket_table::find(handle);
  return socket != nullptr ? socket->state : State::Failed;
}

int32_t read(int32_t handle, uint8_t* to, size_t most) {
  Socket* socket = socket_table::find(handle);
  if (socket == nullptr) return OVER;
  if (socket->kind == Kind::Pipe) return pipes::read(socket, to, most);
  const uint16_t taken = socket->ring.take(to, most);
  if (taken > 0 && socket->pcb != nullptr) tcp_recved(socket->pcb, taken);
  if (taken > 0 || most == 0) return taken;
  if (socket->state > State::Open) return OVER;
  return socket->has_their_end ? ENDED : 0;
}

int32_t write(int32_t handle, const uint8_t* from, size_t bytes) {
  Socket* socket = socket_table::find(handle);
  if (socket == nullptr) return OVER;
  if (socket->kind == Kind::Pipe) return pipes::write(socket, from, bytes);
  if (socket->state == State::Connecting) return 0;
  tcp_pcb* pcb = socket->pcb;
  if (pcb == nullptr || socket->state != State::Open || socket->has_our_end) return OVER;
  size_t room = network::fair_share(static_cast<size_t>(TCP_SND_BUF - tcp_sndbuf(pcb)));
  if (room > tcp_sndbuf(pcb)) room = tcp_sndbuf(pcb);
  const uint16_t taken = static_cast<uint16_t>(bytes < room ? bytes : room);
  if (taken == 0 || tcp_write(pcb, from, taken, TCP_WRITE_FLAG_COPY) != ERR_OK) return 0;
  return taken; /* sent at the end of the turn (network::poll) */
}

void end(int32_t handle) {
  Socket* socket = socket_table::find(handle);
  if (socket == nullptr || socket->has_our_end) return;
  if (socket->kind == Kind::Pipe) return pipes::end(socket);
  socket->has_our_end = true;
  if (socket->pcb != nullptr) tcp_shutdown(socket->pcb, 0, 1);
}

void close(int32_t handle) {
  Socket* socket = socket_table::find(handle);
  if (socket == nullptr) return;
  if (socket->kind == Kind::Pipe) return pipes::close(socket);
  if (socket->kind == Kind::Connection) close_connection(socket);
  if (socket->kind == Kind::Listener) close_listener(socket);
  if (socket->kind == Kind::Datagrams) datagrams::close(socket);
  socket_table::release(socket);
}

void reset(int32_t handle) {
  Socket* socket = socket_table::find(handle);
  if (socket == nullptr) return;
  if (socket->kind == Kind::Pipe) return pipes::reset(socket);
  if (socket->kind != Kind::Connection) return close(handle);
  abort_connection(socket);
  socket_table::release(socket);
}

bool is_own(const Address& host) {
  static const uint8_t LOOPBACK_6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (host.host_bytes == sizeof LOOPBACK_6) {
    return memcmp(host.host, LOOPBACK_6, sizeof LOOPBACK_6) == 0;
  }
  ip_addr_t address;
  return network::to_lwip(host, &address) && network::is_own(address);
}

Interface interface_named(const char* name, Address* at) {
  if (strcmp(name, network::NAME) != 0) return Interface::Unknown;
  if (!network::is_up()) return Interface::NoAddress;
  const Address own = network::from_lwip(network::source_for(*IP_ADDR_ANY), at->port);
  *at = own;
  return Interface::Found;
}

} // namespace sockets
