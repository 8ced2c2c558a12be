/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4), small rather than fast: once a start, over the core's file. Before it:
 * core.cpp. No part of the protocol, whose hash is BLAKE2s.
 */
#ifndef SEALEDTUNNEL_SHA256_H
#define SEALEDTUNNEL_SHA256_H

#include <stddef.h>
#include <stdint.h>

constexpr size_t SHA256_BYTES = 32;

/** Writes the hash of `bytes` bytes, 32 bytes, to `hash`. */
void sha256(const uint8_t* from, size_t bytes, uint8_t* hash);

#endif
