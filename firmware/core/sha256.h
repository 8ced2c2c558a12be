/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4), small rather than fast: once a start, over the core's file. Before it:
 * core.cpp, and firmware/test/bytes_app.cpp. No part of the protocol, whose hash is BLAKE2s.
 */
#ifndef SEALEDTUNNEL_SHA256_H
#define SEALEDTUNNEL_SHA256_H

#include <stddef.h>
#include <stdint.h>

constexpr size_t SHA256_BYTES = 32;

/** Of bytes that come in pieces of any length. */
class Sha256 {
public:
  void add(const uint8_t* from, size_t bytes);
  /** Writes the hash, 32 bytes, to `hash`. Then only a fresh one is of use. */
  void finish(uint8_t* hash);

private:
  static constexpr size_t BLOCK = 64;

  /** FIPS 180-4, 5.3.3. */
  uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t block_[BLOCK] = {};
  uint64_t bytes_ = 0;
};

/** Writes the hash of `bytes` bytes, 32 bytes, to `hash`. */
void sha256(const uint8_t* from, size_t bytes, uint8_t* hash);

#endif
