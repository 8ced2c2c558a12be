/* SPDX-License-Identifier: Apache-2.0
 *
 * Small parts of firmware/core by themselves: a line of words on standard input, a line of what
 * they make of it. Before it: parts.test.ts. After it: sizes.h, sha256.cpp, addresses.cpp.
 *
 *   sizes               the core's sizes, in their order
 *   sha256 HEX|-        the hash
 *   kind HEX            loopback, private, any or other: 4 or 16 bytes
 *   within HEX HEX BITS yes or no: an address in a network
 *   place TEXT          name and port of host:port, or refused
 */
#include "addresses.h"
#include "sha256.h"
#include "sizes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

constexpr size_t LINE_MOST = 1 << 20;
char line[LINE_MOST];
uint8_t bytes[LINE_MOST / 2];

size_t read_hex(const char* text) {
  size_t count = 0;
  if (*text == '-') return 0;
  for (; text[0] > ' ' && text[1] != 0; text += 2) {
    char pair[3] = {text[0], text[1], 0};
    bytes[count++] = static_cast<uint8_t>(strtoul(pair, nullptr, 16));
  }
  return count;
}

void print_sizes() {
  for (uint32_t size : sizes::DEVICE) printf("%u ", size);
  printf("\n");
}

void print_hash(const char* text) {
  uint8_t hash[SHA256_BYTES];
  sha256(bytes, read_hex(text), hash);
  for (uint8_t byte : hash) printf("%02x", byte);
  printf("\n");
}

void print_kind(const char* text) {
  static const char* const NAMES[] = {"loopback", "private", "any", "other"};
  sockets::Address address = {};
  address.host_bytes = static_cast<uint8_t>(read_hex(text));
  memcpy(address.host, bytes, address.host_bytes);
  printf("%s\n", NAMES[static_cast<int>(kind_of(address))]);
}

void print_within(const char* text) {
  sockets::Address address = {};
  address.host_bytes = static_cast<uint8_t>(read_hex(text));
  memcpy(address.host, bytes, address.host_bytes);
  const char* network = strchr(text, ' ') + 1;
  uint32_t count = static_cast<uint32_t>(read_hex(network));
  uint32_t bits = static_cast<uint32_t>(strtoul(strchr(network, ' '), nullptr, 10));
  printf("%s\n", is_in_network(address, bytes, count, bits) ? "yes" : "no");
}

void print_place(const char* text) {
  HostName name;
  uint16_t port = 0;
  const uint8_t* from = reinterpret_cast<const uint8_t*>(text);
  if (take_host_port(from, strlen(text), &name, &port))
    printf("%s %u\n", name.text, port);
  else
    printf("refused\n");
}

void print_listening(const char* text) {
  static const char* const WORDS[] = {"", "not yet", "public", "unknown"};
  sockets::Address at = {};
  at.port = 80;
  Listening listening = listening_at(reinterpret_cast<const uint8_t*>(text), strlen(text), &at);
  char place[64] = {};
  Writer written(place, sizeof place - 1);
  if (listening == Listening::At) write_address(written, at);
  printf("%s%s\n", WORDS[static_cast<int>(listening)], place);
}

} // namespace

bool sockets::takes_ipv6() {
  return true;
}

/** Of literal addresses 10.0.0.1 alone. */
sockets::Lookup sockets::lookup(const char* name, Address* found) {
  if (strcmp(name, "10.0.0.1") != 0) return Lookup::Failed;
  *found = {{10, 0, 0, 1}, 4, 0};
  return Lookup::Found;
}

/** A device with two interfaces that have an address, and one that has none. */
sockets::Interface sockets::interface_named(const char* name, Address* at) {
  if (strcmp(name, "usb0") == 0) return Interface::NoAddress;
  bool is_inside = strcmp(name, "eth0") == 0;
  if (!is_inside && strcmp(name, "wan0") != 0) return Interface::Unknown;
  *at = is_inside ? Address{{192, 168, 0, 5}, 4, 0} : Address{{9, 9, 9, 9}, 4, 0};
  return Interface::Found;
}

int main() {
  while (fgets(line, sizeof line, stdin) != nullptr) {
    line[strcspn(line, "\n")] = 0;
    char* rest = strchr(line, ' ');
    const char* text = rest != nullptr ? rest + 1 : "";
    if (rest != nullptr) *rest = 0;
    if (strcmp(line, "sizes") == 0)
      print_sizes();
    else if (strcmp(line, "sha256") == 0)
      print_hash(text);
    else if (strcmp(line, "kind") == 0)
      print_kind(text);
    else if (strcmp(line, "within") == 0)
      print_within(text);
    else if (strcmp(line, "listen") == 0)
      print_listening(text);
    else
      print_place(text);
    fflush(stdout);
  }
}
