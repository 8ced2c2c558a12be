/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of sockets and their rings (socket_table.h).
 */
#include "socket_table.h"
#include "arena.h"
#include "network.h"

#include "lwip/mem.h"

#include <string.h>

namespace socket_table {

static Socket table[COUNT];

bool Ring::allocate(uint16_t size) {
  bytes_ = static_cast<uint8_t*>(arena_calloc(1, size));
  size_ = bytes_ != nullptr ? size : uint16_t{0};
  first_ = used_ = 0;
  is_for_good_ = true;
  return bytes_ != nullptr;
}

void Ring::free() {
  arena_free(bytes_);
  *this = Ring();
}

static uint16_t least(size_t a, size_t b) {
  return static_cast<uint16_t>(a < b ? a : b);
}

uint16_t Ring::put(const uint8_t* from, size_t bytes) {
  if (bytes_ == nullptr) bytes_ = static_cast<uint8_t*>(arena_calloc(1, size_));
  if (bytes_ == nullptr) return 0;
  const uint16_t total = least(bytes, room());
  const size_t start = static_cast<size_t>(first_) + used_;
  const size_t at = start < size_ ? start : start - size_;
  const uint16_t until_end = least(total, size_ - at);
  memcpy(bytes_ + at, from, until_end);
  memcpy(bytes_, from + until_end, static_cast<size_t>(total - until_end));
  used_ = static_cast<uint16_t>(used_ + total);
  return total;
}

uint16_t Ring::take(uint8_t* to, size_t most) {
  if (bytes_ == nullptr) return 0;
  const uint16_t total = least(most, used_);
  const uint16_t until_end = least(total, static_cast<size_t>(size_ - first_));
  memcpy(to, bytes_ + first_, until_end);
  memcpy(to + until_end, bytes_, static_cast<size_t>(total - until_end));
  used_ = static_cast<uint16_t>(used_ - total);
  const uint16_t next = static_cast<uint16_t>(first_ + total);
  first_ = next < size_ ? next : static_cast<uint16_t>(next - size_);
  if (used_ > 0 || is_for_good_) return total;
  arena_free(bytes_);
  bytes_ = nullptr;
  first_ = 0;
  return total;
}

Socket* find(int32_t handle) {
  if (handle < 0 || handle >= COUNT || table[handle].kind == Kind::Free) return nullptr;
  return &table[handle];
}

int32_t handle_of(const Socket* socket) {
  return static_cast<int32_t>(socket - table);
}

Socket* take(Kind kind) {
  for (Socket& socket : table) {
    if (socket.kind != Kind::Free) continue;
    socket = Socket();
    socket.kind = kind;
    return &socket;
  }
  return nullptr;
}

void release(Socket* socket) {
  socket->ring.free();
  for (Datagram *datagram = socket->first_datagram, *next; datagram != nullptr; datagram = next) {
    next = datagram->next;
    mem_free(datagram);
  }
  *socket = Socket();
}

Socket* first_waiting(int32_t listener) {
  for (Socket& socket : table) {
    if (socket.is_awaiting_accept && socket.listener == listener) return &socket;
  }
  return nullptr;
}

Socket* find_local(Kind kind, const ip_addr_t& host, uint16_t port) {
  for (Socket& socket : table) {
    if (socket.kind != kind || socket.port != port) continue;
    if (network::is_any(socket.host) || socket.host.addr == host.addr) return &socket;
  }
  return nullptr;
}

bool has_backlog_room(int32_t listener) {
  int32_t waiting = 0;
  for (const Socket& socket : table) {
    if (socket.is_awaiting_accept && socket.listener == listener) waiting++;
  }
  return waiting < BACKLOG;
}

} // namespace socket_table
