/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a Mapping may point and a Binding may listen, and addresses as texts. The twin of
 * host/net/ip.ts and host/stlink/addresses.ts. Before it: configuration.cpp, each dial, each
 * listen. After it: sockets.h. Pure, but that `listening_at` and `refusal_of` ask it.
 */
#ifndef SEALEDTUNNEL_ADDRESSES_H
#define SEALEDTUNNEL_ADDRESSES_H

#include "sizes.h"
#include "sockets.h"
#include "writer.h"

/** Other: public, multicast or reserved. An IPv4 address inside IPv6 counts as itself. */
enum class AddressKind : uint8_t { Loopback, Private, Any, Other };

AddressKind kind_of(const sockets::Address& address);

/**
 * Does the address lie in a network, whose first `bits` count? `network` has 4 or 16 bytes. An IPv4
 * address inside IPv6 counts as itself.
 */
bool is_in_network(const sockets::Address& address, const uint8_t* network, uint32_t bytes,
                   uint32_t bits);

/** A name or an address, NUL-terminated, as sockets::lookup takes it; "localhost" as 127.0.0.1. */
struct HostName {
  char text[sizes::HOST_NAME];
};

/** Copies a name. False: it is empty or too long, or holds a NUL. */
[[nodiscard]] bool take_name(const uint8_t* from, size_t bytes, HostName* name);

/** Why an address that is written so is of no use on this device; nullptr where it may be of use.
 */
const char* refusal_of(const HostName& name);

/** Cuts `host:port` or `[v6]:port`. False: it is neither. */
[[nodiscard]] bool take_host_port(const uint8_t* from, size_t bytes, HostName* name,
                                  uint16_t* port);

enum class Listening : uint8_t {
  At,
  NotYet, /* its interface has no address now */
  Public, /* it may not listen there */
  Unknown /* neither an address nor an interface of this device */
};

/** Where a Binding's text says that it listens; `at->port` stays. */
[[nodiscard]] Listening listening_at(const uint8_t* text, size_t bytes, sockets::Address* at);

/** Is that an interface's name? Its address may come late, and change. */
bool names_interface(const uint8_t* text, size_t bytes);

/** `192.168.0.1 port 80`. */
void write_address(Writer& to, const sockets::Address& address);

bool is_same_address(const sockets::Address& one, const sockets::Address& other);

#endif
