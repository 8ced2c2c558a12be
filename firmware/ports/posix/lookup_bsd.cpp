/* SPDX-License-Identifier: Apache-2.0
 *
 * sockets::lookup: literal addresses at once, names by getaddrinfo on a thread of the port's, since
 * it blocks. Before it: core/. After it: the system's resolver.
 *
 * Invariant: an entry belongs to its thread from Asking until the thread has set Known or Unknown.
 */
#include "sockets_bsd.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

namespace {

using sockets::Address;
using sockets::Lookup;

/** Names under way at once; more wait. */
constexpr int ENTRIES = 4;
constexpr size_t NAME_MOST = 254;

enum Stage : uint32_t { Free, Asking, Known, Unknown };

struct Entry {
  uint32_t stage; /* a Stage, shared with the thread */
  char name[NAME_MOST];
  Address found;
};

Entry entries[ENTRIES];

uint32_t stage_of(const Entry& entry) {
  return __atomic_load_n(&entry.stage, __ATOMIC_ACQUIRE);
}

void set_stage(Entry* entry, Stage stage) {
  __atomic_store_n(&entry->stage, stage, __ATOMIC_RELEASE);
}

bool read_literal(const char* name, Address* found) {
  if (inet_pton(AF_INET, name, found->host) == 1) {
    found->host_bytes = 4;
    return true;
  }
#if !defined(ESP_PLATFORM) || CONFIG_LWIP_IPV6
  if (inet_pton(AF_INET6, name, found->host) == 1) {
    found->host_bytes = 16;
    return true;
  }
#endif
  return false;
}

bool take(const addrinfo& result, int family, Address* found) {
  if (result.ai_family != family) return false;
  if (family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(result.ai_addr);
    memcpy(found->host, &v4->sin_addr, 4);
    found->host_bytes = 4;
    return true;
  }
#if !defined(ESP_PLATFORM) || CONFIG_LWIP_IPV6
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(result.ai_addr);
  memcpy(found->host, &v6->sin6_addr, 16);
  found->host_bytes = 16;
  return true;
#else
  return false;
#endif
}

/** IPv4 first: what a small device surely has. */
bool take_any(const addrinfo* results, Address* found) {
  static const int FAMILIES[] = {AF_INET, AF_INET6};
  for (const int family : FAMILIES) {
    for (const addrinfo* one = results; one != nullptr; one = one->ai_next) {
      if (take(*one, family, found)) return true;
    }
  }
  return false;
}

/** On the thread. */
void* ask(void* of) {
  Entry* entry = static_cast<Entry*>(of);
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* results = nullptr;
  const bool is_known =
      getaddrinfo(entry->name, nullptr, &wanted, &results) == 0 && take_any(results, &entry->found);
  if (results != nullptr) freeaddrinfo(results);
  set_stage(entry, is_known ? Known : Unknown);
  return nullptr;
}

Entry* entry_of(const char* name) {
  for (Entry& entry : entries) {
    if (stage_of(entry) != Free && strcmp(entry.name, name) == 0) return &entry;
  }
  return nullptr;
}

/** One that nobody uses, or whose answer nobody has fetched. */
Entry* spare_entry() {
  for (Entry& entry : entries) {
    if (stage_of(entry) == Free) return &entry;
  }
  for (Entry& entry : entries) {
    if (stage_of(entry) != Asking) return &entry;
  }
  return nullptr;
}

Lookup begin(const char* name) {
  const size_t length = strlen(name);
  if (length == 0 || length >= NAME_MOST) return Lookup::Failed;
  Entry* entry = spare_entry();
  if (entry == nullptr) return Lookup::Pending;
  memset(&entry->found, 0, sizeof entry->found);
  memcpy(entry->name, name, length + 1);
  set_stage(entry, Asking);
  if (port_run_aside(ask, entry)) return Lookup::Pending;
  set_stage(entry, Free);
  return Lookup::Failed;
}

} // namespace

bool sockets::takes_ipv6() {
#if !defined(ESP_PLATFORM) || CONFIG_LWIP_IPV6
  return true;
#else
  return false;
#endif
}

Lookup sockets::lookup(const char* name, Address* found) {
  if (read_literal(name, found)) return Lookup::Found;
  Entry* entry = entry_of(name);
  if (entry == nullptr) return begin(name);
  const uint32_t stage = stage_of(*entry);
  if (stage == Asking) return Lookup::Pending;
  if (stage == Known) {
    memcpy(found->host, entry->found.host, sizeof found->host);
    found->host_bytes = entry->found.host_bytes;
  }
  set_stage(entry, Free);
  return stage == Known ? Lookup::Found : Lookup::Failed;
}
