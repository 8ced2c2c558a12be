/* SPDX-License-Identifier: Apache-2.0
 *
 * sockets.h on non-blocking BSD sockets, with what Linux and ESP-IDF's lwIP have in common. Before
 * it: core/ and apps/. After it: the system; lookup_bsd.cpp asks for names.
 *
 * Invariant: a slot's descriptor is open exactly while its use is not Free.
 */
#include "sockets_bsd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

namespace {

using sockets::Address;
using sockets::NONE;
using sockets::State;

constexpr int BACKLOG = 8;
/** What close() reads away at most: unread bytes would make a reset of it. */
constexpr int DRAINED_READS = 64;
/** Datagrams that are too long, in a row. */
constexpr int DROPPED_MOST = 8;

enum class Use : uint8_t { Free, Connection, Listener, Datagrams };

struct Slot {
  int descriptor;
  Use use;
  State state;
  bool has_ended;   /* the other side has half-closed */
  bool awaits_in;   /* somebody has looked since the last news of something to take */
  bool awaits_out;  /* the last call found no room, or no connection yet */
  bool awaits_over; /* no error has been reported */
};

Slot slots[SOCKETS_MOST];

constexpr uint16_t WEB_PORT = 80;
constexpr uint8_t LOOPBACK[4] = {127, 0, 0, 1};
/** Where 127.0.0.1's port 80 is. */
uint16_t web_port = WEB_PORT;

Slot* slot_of(int32_t handle, Use use) {
  if (handle < 0 || handle >= SOCKETS_MOST || slots[handle].use != use) return nullptr;
  return &slots[handle];
}

State state_of(int error) {
  switch (error) {
  case ECONNREFUSED:
    return State::Refused;
  case EHOSTUNREACH:
  case ENETUNREACH:
  case ENETDOWN:
    return State::Unreachable;
  case ETIMEDOUT:
    return State::TimedOut;
  case ECONNRESET:
  case ECONNABORTED:
  case EPIPE:
    return State::Reset;
  default:
    return State::Failed;
  }
}

bool is_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == EINPROGRESS;
}

union AnyAddress {
  sockaddr any;
  sockaddr_in v4;
#if !defined(ESP_PLATFORM) || CONFIG_LWIP_IPV6
  sockaddr_in6 v6;
#endif
};

uint16_t port_of(const Address& address) {
  const bool is_web = address.port == WEB_PORT && memcmp(address.host, LOOPBACK, 4) == 0;
  return is_web ? web_port : address.port;
}

/** The system's form, and its length; 0 where it has none. */
socklen_t to_system(const Address& address, AnyAddress* to) {
  memset(to, 0, sizeof *to);
  if (address.host_bytes == 4) {
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons(port_of(address));
    memcpy(&to->v4.sin_addr, address.host, 4);
    return sizeof to->v4;
  }
#if !defined(ESP_PLATFORM) || CONFIG_LWIP_IPV6
  if (address.host_bytes != 16) return 0;
  to->v6.sin6_family = AF_INET6;
  to->v6.sin6_port = htons(address.port);
  memcpy(&to->v6.sin6_addr, address.host, 16);
  return sizeof to->v6;
#else
  return 0;
#endif
}

void from_system(const AnyAddress& from, Address* to) {
  memset(to, 0, sizeof *to);
  if (from.any.sa_family == AF_INET) {
    to->host_bytes = 4;
    to->port = ntohs(from.v4.sin_port);
    memcpy(to->host, &from.v4.sin_addr, 4);
    return;
  }
#if !defined(ESP_PLATFORM) || CONFIG_LWIP_IPV6
  static const uint8_t V4_INSIDE[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const uint8_t* host = reinterpret_cast<const uint8_t*>(&from.v6.sin6_addr);
  const bool is_v4 = memcmp(host, V4_INSIDE, sizeof V4_INSIDE) == 0;
  to->host_bytes = is_v4 ? 4 : 16;
  to->port = ntohs(from.v6.sin6_port);
  memcpy(to->host, is_v4 ? host + 12 : host, to->host_bytes);
#endif
}

void set_option(int descriptor, int level, int name, int value) {
  // What a system lacks is done without.
  (void)setsockopt(descriptor, level, name, &value, sizeof value);
}

/** A handle for a new descriptor, or NONE, and it is closed. */
int32_t keep(int descriptor, Use use, State state) {
  for (int32_t i = 0; descriptor >= 0 && i < SOCKETS_MOST; i++) {
    if (slots[i].use != Use::Free) continue;
    const int flags = fcntl(descriptor, F_GETFL, 0);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) break;
#ifdef FD_CLOEXEC
    (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
#endif
    if (use == Use::Connection) set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    slots[i] = {descriptor, use, state, false, true, false, true};
    return i;
  }
  if (descriptor >= 0) ::close(descriptor);
  return NONE;
}

bool has_free_slot() {
  for (const Slot& slot : slots) {
    if (slot.use == Use::Free) return true;
  }
  return false;
}

void give_back(Slot* slot) {
  ::close(slot->descriptor);
  slot->use = Use::Free;
  // A listener that found no free handle has news now.
  for (Slot& other : slots) {
    if (other.use == Use::Listener) other.awaits_in = true;
  }
}

int32_t bound(const Address& at, int type, Use use) {
  AnyAddress system;
  const socklen_t length = to_system(at, &system);
  if (length == 0) return NONE;
  const int32_t handle = keep(socket(system.any.sa_family, type, 0), use, State::Open);
  if (handle == NONE) return NONE;
  Slot* slot = &slots[handle];
  // A port of connections that have just ended is free; one that is listened on is not.
  if (use == Use::Listener) set_option(slot->descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
#ifdef IPV6_V6ONLY
  if (at.host_bytes == 16) set_option(slot->descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0);
#endif
  const bool is_good = bind(slot->descriptor, &system.any, length) == 0 &&
                       (use != Use::Listener || ::listen(slot->descriptor, BACKLOG) == 0);
  if (is_good) return handle;
  give_back(slot);
  return NONE;
}

/** What came of a connection that was begun. */
void look_at_connecting(Slot* slot) {
  pollfd asked = {slot->descriptor, POLLOUT, 0};
  if (poll(&asked, 1, 0) <= 0 || asked.revents == 0) return;
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(slot->descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  slot->state = error == 0 ? State::Open : state_of(error);
}

bool is_open(Slot* slot) {
  if (slot != nullptr && slot->state == State::Connecting) look_at_connecting(slot);
  return slot != nullptr && slot->state == State::Open;
}

/** After a call that failed: 0 when it is to be tried again, else OVER. */
int32_t failed(Slot* slot, int error) {
  if (is_later(error)) return 0;
  slot->state = state_of(error);
  return sockets::OVER;
}

} // namespace

int32_t sockets::dial(const Address& to) {
  AnyAddress system;
  const socklen_t length = to_system(to, &system);
  if (length == 0) return NONE;
  const int descriptor = socket(system.any.sa_family, SOCK_STREAM, 0);
  const int32_t handle = keep(descriptor, Use::Connection, State::Connecting);
  if (handle == NONE) return NONE;
  Slot* slot = &slots[handle];
  slot->awaits_out = true;
  if (connect(slot->descriptor, &system.any, length) == 0)
    slot->state = State::Open;
  else if (!is_later(errno))
    slot->state = state_of(errno);
  return handle;
}

void sockets_move_port_80(uint16_t port) {
  web_port = port;
}

int32_t sockets::listen(const Address& at) {
  return bound(at, SOCK_STREAM, Use::Listener);
}

int32_t sockets::accept(int32_t listener, Address* from) {
  Slot* slot = slot_of(listener, Use::Listener);
  if (slot == nullptr || !has_free_slot()) return NONE;
  AnyAddress system;
  socklen_t length = sizeof system;
  memset(&system, 0, sizeof system);
  const int descriptor = ::accept(slot->descriptor, &system.any, &length);
  slot->awaits_in = true;
  if (descriptor < 0) return NONE;
  from_system(system, from);
  return keep(descriptor, Use::Connection, State::Open);
}

State sockets::state(int32_t socket) {
  Slot* slot = slot_of(socket, Use::Connection);
  if (slot == nullptr) return State::Failed;
  (void)is_open(slot);
  return slot->state;
}

int32_t sockets::read(int32_t socket, uint8_t* to, size_t most) {
  Slot* slot = slot_of(socket, Use::Connection);
  if (!is_open(slot)) return slot != nullptr && slot->state == State::Connecting ? 0 : OVER;
  if (slot->has_ended) return ENDED;
  if (most == 0) return 0;
  const ssize_t got = recv(slot->descriptor, to, most > INT32_MAX ? INT32_MAX : most, 0);
  slot->awaits_in = true;
  if (got > 0) return static_cast<int32_t>(got);
  if (got < 0) return failed(slot, errno);
  slot->has_ended = true;
  return ENDED;
}

int32_t sockets::write(int32_t socket, const uint8_t* from, size_t bytes) {
  Slot* slot = slot_of(socket, Use::Connection);
  if (!is_open(slot)) return slot != nullptr && slot->state == State::Connecting ? 0 : OVER;
  if (bytes == 0) return 0;
  const size_t most = bytes > INT32_MAX ? INT32_MAX : bytes;
  const ssize_t taken = ::send(slot->descriptor, from, most, MSG_NOSIGNAL);
  slot->awaits_out = taken < 0 || static_cast<size_t>(taken) < bytes;
  if (taken < 0) return failed(slot, errno);
  return static_cast<int32_t>(taken);
}

void sockets::end(int32_t socket) {
  Slot* slot = slot_of(socket, Use::Connection);
  if (is_open(slot)) (void)shutdown(slot->descriptor, SHUT_WR);
}

void sockets::close(int32_t socket) {
  if (socket < 0 || socket >= SOCKETS_MOST || slots[socket].use == Use::Free) return;
  Slot* slot = &slots[socket];
  uint8_t unread[512];
  if (slot->use == Use::Connection && is_open(slot)) {
    (void)shutdown(slot->descriptor, SHUT_WR);
    for (int i = 0; i < DRAINED_READS; i++) {
      if (recv(slot->descriptor, unread, sizeof unread, 0) <= 0) break;
    }
  }
  give_back(slot);
}

void sockets::reset(int32_t socket) {
  Slot* slot = slot_of(socket, Use::Connection);
  if (slot == nullptr) return;
  const linger at_once = {1, 0};
  (void)setsockopt(slot->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  give_back(slot);
}

int32_t sockets::open_datagrams(const Address& at) {
  return bound(at, SOCK_DGRAM, Use::Datagrams);
}

int32_t sockets::receive(int32_t socket, uint8_t* to, size_t most, Address* from) {
  Slot* slot = slot_of(socket, Use::Datagrams);
  for (int i = 0; slot != nullptr && i < DROPPED_MOST; i++) {
    AnyAddress system;
    memset(&system, 0, sizeof system);
    iovec part = {to, most};
    msghdr message = {};
    message.msg_name = &system;
    message.msg_namelen = sizeof system;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t got = recvmsg(slot->descriptor, &message, 0);
    slot->awaits_in = true;
    if (got < 0) return NONE;
    if ((message.msg_flags & MSG_TRUNC) != 0) continue;
    from_system(system, from);
    return static_cast<int32_t>(got);
  }
  return NONE;
}

bool sockets::send(int32_t socket, const uint8_t* from, size_t bytes, const Address& to) {
  Slot* slot = slot_of(socket, Use::Datagrams);
  AnyAddress system;
  const socklen_t length = to_system(to, &system);
  if (slot == nullptr || length == 0) return false;
  const ssize_t sent = sendto(slot->descriptor, from, bytes, MSG_NOSIGNAL, &system.any, length);
  if (sent < 0 && is_later(errno)) slot->awaits_out = true;
  return sent >= 0 && static_cast<size_t>(sent) == bytes;
}

bool sockets::is_own(const Address& host) {
  static const uint8_t LOOPBACK_V6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (host.host_bytes == 4 && host.host[0] == 127) return true;
  if (host.host_bytes == 16 && memcmp(host.host, LOOPBACK_V6, 16) == 0) return true;
  return port_interface_has(host);
}

sockets::Interface sockets::interface_named(const char* name, Address* at) {
  return port_interface_named(name, at);
}

void sockets_wait(int console, uint32_t most_ms) {
  pollfd asked[SOCKETS_MOST + 1];
  for (int32_t i = 0; i < SOCKETS_MOST; i++) {
    const Slot& slot = slots[i];
    const bool takes_in = slot.awaits_in && !slot.has_ended;
    const bool is_asked =
        slot.use != Use::Free && (takes_in || slot.awaits_out || slot.awaits_over);
    const int events = (takes_in ? POLLIN : 0) | (slot.awaits_out ? POLLOUT : 0);
    asked[i] = {is_asked ? slot.descriptor : -1, static_cast<short>(events), 0};
  }
  asked[SOCKETS_MOST] = {console, POLLIN, 0};
  const int timeout_ms = most_ms > INT32_MAX ? INT32_MAX : static_cast<int>(most_ms);
  if (poll(asked, SOCKETS_MOST + 1, timeout_ms) <= 0) return;
  for (int32_t i = 0; i < SOCKETS_MOST; i++) {
    const int shown = asked[i].revents;
    if ((shown & (POLLIN | POLLERR | POLLHUP)) != 0) slots[i].awaits_in = false;
    if ((shown & (POLLOUT | POLLERR | POLLHUP)) != 0) slots[i].awaits_out = false;
    if ((shown & (POLLERR | POLLHUP)) != 0) slots[i].awaits_over = false;
  }
}
