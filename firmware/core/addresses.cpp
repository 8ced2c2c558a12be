/* SPDX-License-Identifier: Apache-2.0
 *
 * See addresses.h. Private means RFC 1918, RFC 4193, RFC 6598 and link-local (RFC 3927, 4291).
 */
#include "addresses.h"

#include <string.h>

namespace {

constexpr sockets::Address LOOPBACK = {{127, 0, 0, 1}, 4, 0};
constexpr sockets::Address EVERY = {{0, 0, 0, 0}, 4, 0};
constexpr uint8_t ZEROS[16] = {};
/** ::ffff:0:0/96, an IPv4 address inside IPv6. */
constexpr uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

AddressKind kind_of_v4(const uint8_t* host) {
  if (memcmp(host, ZEROS, 4) == 0) return AddressKind::Any;
  if (host[0] == 127) return AddressKind::Loopback;
  bool is_private = host[0] == 10 || (host[0] == 172 && (host[1] & 0xf0) == 16) ||
                    (host[0] == 192 && host[1] == 168) || (host[0] == 100 && (host[1] >> 6) == 1) ||
                    (host[0] == 169 && host[1] == 254);
  return is_private ? AddressKind::Private : AddressKind::Other;
}

AddressKind kind_of_v6(const uint8_t* host) {
  if (memcmp(host, MAPPED, sizeof MAPPED) == 0) return kind_of_v4(host + 12);
  if (memcmp(host, ZEROS, 15) == 0 && host[15] <= 1) {
    return host[15] == 1 ? AddressKind::Loopback : AddressKind::Any;
  }
  bool is_private = (host[0] & 0xfe) == 0xfc || (host[0] == 0xfe && (host[1] & 0xc0) == 0x80);
  return is_private ? AddressKind::Private : AddressKind::Other;
}

bool has_prefix(const uint8_t* host, const uint8_t* network, uint32_t bits) {
  uint32_t whole = bits / 8;
  if (memcmp(host, network, whole) != 0) return false;
  uint32_t left = bits % 8;
  return left == 0 || (host[whole] ^ network[whole]) >> (8 - left) == 0;
}

bool is_text(const uint8_t* from, size_t bytes, const char* text) {
  return bytes == strlen(text) && memcmp(from, text, bytes) == 0;
}

/** A port of 1 to 65,535 in digits. */
bool take_port(const uint8_t* from, size_t bytes, uint16_t* port) {
  uint32_t number = 0;
  if (bytes == 0 || bytes > 5) return false;
  for (size_t i = 0; i < bytes; i++) {
    if (from[i] < '0' || from[i] > '9') return false;
    number = number * 10 + (from[i] - '0');
  }
  *port = static_cast<uint16_t>(number);
  return number > 0 && number <= 65'535;
}

/** Digits and dots, or something with a colon. */
bool is_literal(const uint8_t* text, size_t bytes) {
  bool is_v4 = true;
  for (size_t i = 0; i < bytes; i++) {
    if (text[i] == ':') return true;
    if (text[i] != '.' && (text[i] < '0' || text[i] > '9')) is_v4 = false;
  }
  return is_v4;
}

} // namespace

AddressKind kind_of(const sockets::Address& address) {
  return address.host_bytes == 4 ? kind_of_v4(address.host) : kind_of_v6(address.host);
}

bool is_in_network(const sockets::Address& address, const uint8_t* network, uint32_t bytes,
                   uint32_t bits) {
  uint8_t host[16];
  memcpy(host, MAPPED, sizeof MAPPED);
  if (address.host_bytes == 4)
    memcpy(host + sizeof MAPPED, address.host, 4);
  else
    memcpy(host, address.host, sizeof host);
  if (bytes == 16) return has_prefix(host, network, bits);
  bool is_v4 = memcmp(host, MAPPED, sizeof MAPPED) == 0;
  return is_v4 && has_prefix(host + sizeof MAPPED, network, bits);
}

bool take_name(const uint8_t* from, size_t bytes, HostName* name) {
  if (is_text(from, bytes, "localhost"))
    return take_name(reinterpret_cast<const uint8_t*>("127.0.0.1"), 9, name);
  if (bytes == 0 || bytes >= sizeof name->text || memchr(from, 0, bytes) != nullptr) return false;
  memcpy(name->text, from, bytes);
  name->text[bytes] = 0;
  return true;
}

const char* refusal_of(const HostName& name) {
  bool is_v6 = strchr(name.text, ':') != nullptr;
  if (!is_v6 || sockets::takes_ipv6()) return nullptr;
  return "its address is of IPv6, and this device has IPv4 alone; configure one of IPv4";
}

bool take_host_port(const uint8_t* from, size_t bytes, HostName* name, uint16_t* port) {
  size_t colon = bytes;
  while (colon > 0 && from[colon - 1] != ':') colon--;
  if (colon == 0 || !take_port(from + colon, bytes - colon, port)) return false;
  size_t host = colon - 1;
  bool is_bracketed = host >= 2 && from[0] == '[' && from[host - 1] == ']';
  return is_bracketed ? take_name(from + 1, host - 2, name) : take_name(from, host, name);
}

bool names_interface(const uint8_t* text, size_t bytes) {
  return bytes > 0 && !is_literal(text, bytes) && !is_text(text, bytes, "localhost") &&
         !is_text(text, bytes, "all");
}

Listening listening_at(const uint8_t* text, size_t bytes, sockets::Address* at) {
  uint16_t port = at->port;
  HostName name;
  if (bytes == 0 || is_text(text, bytes, "localhost")) {
    *at = LOOPBACK;
  } else if (is_text(text, bytes, "all")) {
    *at = EVERY;
  } else if (!take_name(text, bytes, &name)) {
    return Listening::Unknown;
  } else if (names_interface(text, bytes)) {
    sockets::Interface found = sockets::interface_named(name.text, at);
    if (found == sockets::Interface::Unknown) return Listening::Unknown;
    if (found == sockets::Interface::NoAddress) return Listening::NotYet;
  } else if (sockets::lookup(name.text, at) != sockets::Lookup::Found) {
    return Listening::Unknown;
  }
  at->port = port;
  return kind_of(*at) != AddressKind::Other ? Listening::At : Listening::Public;
}

void write_address(Writer& to, const sockets::Address& address) {
  const uint8_t* host = address.host;
  bool is_v4 = address.host_bytes == 4;
  for (uint32_t i = 0; is_v4 && i < 4; i++) to.text(i == 0 ? "" : ".").number(host[i]);
  for (uint32_t i = 0; !is_v4 && i < 16; i += 2) to.text(i == 0 ? "" : ":").hex(host + i, 2);
  to.text(" port ").number(address.port);
}

bool is_same_address(const sockets::Address& one, const sockets::Address& other) {
  return one.port == other.port && one.host_bytes == other.host_bytes &&
         memcmp(one.host, other.host, one.host_bytes == 4 ? 4 : 16) == 0;
}
