/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections within the device (socket_table.h): the tunnel's streams to the device's own
 * application. Each end has a ring of its own, and the other end writes straight into it: no
 * packets, no acknowledgements, and none of lwIP's heap, which a stalled viewer could fill. A ring
 * takes memory only while bytes lie in it.
 */
#include "network.h"
#include "socket_table.h"

using socket_table::Kind;
using socket_table::Socket;
using sockets::State;

namespace pipes {

/** A record of the core's at once (host/core/sizes.ts, maxRecordBytes), 8-aligned. */
constexpr uint16_t RING_BYTES = 1464;

static Socket* other_end(const Socket* socket) {
  return socket_table::find(socket->other);
}

static void join(Socket* a, Socket* b) {
  a->other = static_cast<int8_t>(socket_table::handle_of(b));
  b->other = static_cast<int8_t>(socket_table::handle_of(a));
  a->state = b->state = State::Open;
}

/** Gives the listener its end, or null: no socket or place is left. */
static Socket* reach(Socket* listener, Socket* dialler, const ip_addr_t& to) {
  const int32_t handle = socket_table::handle_of(listener);
  if (!socket_table::has_backlog_room(handle)) return nullptr;
  Socket* accepted = socket_table::take(Kind::Pipe);
  if (accepted == nullptr) return nullptr;
  accepted->ring.allocate_on_demand(RING_BYTES);
  dialler->ring.allocate_on_demand(RING_BYTES);
  accepted->is_awaiting_accept = true;
  accepted->listener = static_cast<int8_t>(handle);
  accepted->from = network::from_lwip(network::source_for(to), 0);
  return accepted;
}

int32_t dial(const ip_addr_t& to, uint16_t port) {
  Socket* dialler = socket_table::take(Kind::Pipe);
  if (dialler == nullptr) return sockets::NONE;
  Socket* listener = socket_table::find_local(Kind::Listener, to, port);
  Socket* accepted = listener != nullptr ? reach(listener, dialler, to) : nullptr;
  dialler->state = listener == nullptr ? State::Refused : State::Failed;
  if (accepted != nullptr) join(dialler, accepted);
  network::note_news();
  return socket_table::handle_of(dialler);
}

int32_t read(Socket* socket, uint8_t* to, size_t most) {
  const uint16_t taken = socket->ring.take(to, most);
  if (taken > 0) network::note_news(); /* there is room for the other end */
  if (taken > 0 || most == 0) return taken;
  if (socket->state != State::Open) return sockets::OVER;
  return socket->has_their_end ? sockets::ENDED : 0;
}

int32_t write(Socket* socket, const uint8_t* from, size_t bytes) {
  Socket* other = other_end(socket);
  if (socket->state != State::Open || socket->has_our_end || other == nullptr) return sockets::OVER;
  const uint16_t taken = other->ring.put(from, bytes);
  if (taken > 0) network::note_news();
  return taken;
}

void end(Socket* socket) {
  Socket* other = other_end(socket);
  socket->has_our_end = true;
  if (other != nullptr) other->has_their_end = true;
  network::note_news();
}

/** What was written already lies in the other end's ring, and stays readable. */
static void part(Socket* socket, State state_of_other) {
  Socket* other = other_end(socket);
  if (other != nullptr) {
    other->other = sockets::NONE;
    other->has_their_end = true;
    other->state = state_of_other;
  }
  network::note_news();
  socket_table::release(socket);
}

void close(Socket* socket) {
  part(socket, State::Open);
}

void reset(Socket* socket) {
  Socket* other = other_end(socket);
  if (other != nullptr) other->ring.free();
  part(socket, State::Reset);
}

} // namespace pipes
