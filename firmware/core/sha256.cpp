/* SPDX-License-Identifier: Apache-2.0
 *
 * See sha256.h. The constants are the first 32 bits of the fractional parts of the cube roots
 * (K) and square roots (the first state) of the first primes: FIPS 180-4, 4.2.2 and 5.3.3.
 */
#include "sha256.h"

#include <string.h>

namespace {

constexpr uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t rotate(uint32_t x, uint32_t bits) {
  return (x >> bits) | (x << (32 - bits));
}

uint32_t word_at(const uint8_t* from) {
  return (static_cast<uint32_t>(from[0]) << 24) | (static_cast<uint32_t>(from[1]) << 16) |
         (static_cast<uint32_t>(from[2]) << 8) | from[3];
}

/** 6.2.2, the message schedule in a ring of 16 words. */
void compress(uint32_t* state, const uint8_t* block) {
  uint32_t w[16];
  uint32_t s[8];
  memcpy(s, state, sizeof s);
  for (uint32_t t = 0; t < 64; t++) {
    uint32_t& now = w[t & 15];
    if (t < 16) {
      now = word_at(block + 4 * t);
    } else {
      uint32_t x = w[(t - 15) & 15], y = w[(t - 2) & 15];
      now += (rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3)) + w[(t - 7) & 15] +
             (rotate(y, 17) ^ rotate(y, 19) ^ (y >> 10));
    }
    uint32_t a = s[0], e = s[4];
    uint32_t one = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                   ((e & s[5]) ^ (~e & s[6])) + K[t] + now;
    uint32_t two =
        (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof s[0]);
    s[4] += one;
    s[0] = one + two;
  }
  for (uint32_t i = 0; i < 8; i++) state[i] += s[i];
}

void put_word(uint8_t* to, uint32_t word) {
  for (uint32_t i = 0; i < 4; i++) to[i] = static_cast<uint8_t>(word >> (24 - 8 * i));
}

} // namespace

void Sha256::add(const uint8_t* from, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const size_t at = bytes_ % BLOCK;
    const size_t count = BLOCK - at < bytes - done ? BLOCK - at : bytes - done;
    memcpy(block_ + at, from + done, count);
    bytes_ += count;
    done += count;
    if (bytes_ % BLOCK == 0) compress(state_, block_);
  }
}

/** 5.1.1: a one, zeros, and the length in bits at the end of a block. */
void Sha256::finish(uint8_t* hash) {
  static const uint8_t PADDING[BLOCK] = {0x80};
  const uint64_t bits = bytes_ << 3;
  const size_t used = (bytes_ + 8) % BLOCK;
  add(PADDING, BLOCK - used);
  uint8_t length[8];
  put_word(length, static_cast<uint32_t>(bits >> 32));
  put_word(length + 4, static_cast<uint32_t>(bits));
  add(length, sizeof length);
  for (size_t i = 0; i < 8; i++) put_word(hash + 4 * i, state_[i]);
}

void sha256(const uint8_t* from, size_t bytes, uint8_t* hash) {
  Sha256 whole;
  whole.add(from, bytes);
  whole.finish(hash);
}
