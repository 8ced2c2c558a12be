/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's sockets: a table that sockets_lwip.cpp (TCP), pipes.cpp (connections within the
 * device) and datagrams_lwip.cpp (UDP) share. Before them: core/sockets.h. After them: lwIP and
 * network.h.
 *
 * Invariants: an entry belongs to one of them by its kind; a connection's ring is there as long as
 * bytes may come or lie in it, a pipe's while some lie in it; `pcb` is null once lwIP has let go of
 * the connection.
 */
#ifndef SEALEDTUNNEL_VIRT_SOCKET_TABLE_H
#define SEALEDTUNNEL_VIRT_SOCKET_TABLE_H

#include "sockets.h"

#include "lwip/ip_addr.h"

#include <stddef.h>
#include <stdint.h>

struct tcp_pcb;
struct udp_pcb;

namespace socket_table {

/** Bytes that were received and not read yet. */
class Ring {
public:
  /** For good: lwIP has told the other side of the room. False: the arena is full. */
  [[nodiscard]] bool allocate(uint16_t size);
  /** Memory from the first byte put in until the last is taken; an arena that is full: no room. */
  void allocate_on_demand(uint16_t size) { size_ = size; }
  void free();
  [[nodiscard]] uint16_t used() const { return used_; }
  [[nodiscard]] uint16_t room() const { return static_cast<uint16_t>(size_ - used_); }
  /** Puts in what there is room for; returns how much that was. */
  uint16_t put(const uint8_t* from, size_t bytes);
  /** Takes out at most `most` bytes; returns how many. */
  uint16_t take(uint8_t* to, size_t most);

private:
  uint8_t* bytes_ = nullptr;
  uint16_t size_ = 0, first_ = 0, used_ = 0;
  bool is_for_good_ = false;
};

/** One that waits to be read, in lwIP's heap. */
struct Datagram {
  Datagram* next;
  sockets::Address from;
  uint16_t bytes;
  uint8_t* payload() { return reinterpret_cast<uint8_t*>(this + 1); }
};

enum class Kind : uint8_t { Free, Listener, Connection, Pipe, Datagrams };

struct Socket {
  Kind kind = Kind::Free;
  sockets::State state = sockets::State::Connecting;
  bool is_awaiting_accept = false;
  bool has_their_end = false;      /* no byte comes any more */
  bool has_our_end = false;        /* none goes */
  int8_t listener = sockets::NONE; /* that it came to, until it is accepted */
  int8_t other = sockets::NONE;    /* a pipe's other end */
  uint16_t port = 0;               /* the listener's own, or the socket's */
  ip_addr_t host = {};             /* the same */
  sockets::Address from = {};      /* who has connected */
  union {
    tcp_pcb* pcb = nullptr;
    udp_pcb* datagram_pcb;
  };
  Ring ring;
  Datagram* first_datagram = nullptr;
  uint16_t datagram_bytes = 0; /* of all that wait, with their heads */
};

/** Two hops; five streams with both their ends in the device; listeners; datagrams; and one more.
 */
constexpr int32_t COUNT = 24;
/** Connections that wait to be accepted by one listener; more are turned away. */
constexpr int32_t BACKLOG = 4;

/** The socket of a handle, or null where it is not one. */
Socket* find(int32_t handle);
int32_t handle_of(const Socket* socket);
/** A free one as `kind`, or null. */
Socket* take(Kind kind);
/** Gives its memory back, and the handle. */
void release(Socket* socket);
/** The first that waits for this listener, or null. */
Socket* first_waiting(int32_t listener);
/** The one of this kind that a packet to an own address reaches, or null. */
Socket* find_local(Kind kind, const ip_addr_t& host, uint16_t port);
[[nodiscard]] bool has_backlog_room(int32_t listener);

} // namespace socket_table

/** Connections within the device: two rings, no packets. The rest of their calls is in sockets.h.
 */
namespace pipes {

/** Never lwIP's: `to` is the device's own. Refused where nobody listens. */
int32_t dial(const ip_addr_t& to, uint16_t port);
int32_t read(socket_table::Socket* socket, uint8_t* to, size_t most);
int32_t write(socket_table::Socket* socket, const uint8_t* from, size_t bytes);
void end(socket_table::Socket* socket);
void close(socket_table::Socket* socket);
void reset(socket_table::Socket* socket);

} // namespace pipes

namespace datagrams {

void close(socket_table::Socket* socket);

} // namespace datagrams

#endif
