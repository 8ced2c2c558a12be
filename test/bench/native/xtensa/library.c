/* SPDX-License-Identifier: Apache-2.0
 *
 * What wasm3 wants of a C library and of the compiler's own, beside mem.c: Debian's compiler for
 * Xtensa has no C library, and its libgcc lacks multiplication and division. Plain, not fast: how
 * long a call takes is not measured here. A real chip multiplies in hardware. Before it: wasm3 and
 * player.c.
 */
#include <stdint.h>
#include <string.h>

size_t strlen(const char* text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

int strcmp(const char* a, const char* b) {
  while (*a != 0 && *a == *b) a++, b++;
  return (unsigned char)*a - (unsigned char)*b;
}

int memcmp(const void* a, const void* b, size_t bytes) {
  const uint8_t *x = a, *y = b;
  for (; bytes > 0; bytes--, x++, y++) {
    if (*x != *y) return *x - *y;
  }
  return 0;
}

static uint64_t join(uint32_t high, uint32_t low) {
  return (uint64_t)high << 32 | low;
}

/** Four products of 16 bits. */
uint64_t __umulsidi3(uint32_t a, uint32_t b) {
  const uint32_t a0 = a & 0xffff, a1 = a >> 16, b0 = b & 0xffff, b1 = b >> 16;
  const uint32_t low = a0 * b0;
  const uint32_t middle = a1 * b0 + (low >> 16);
  const uint32_t other = a0 * b1 + (middle & 0xffff);
  return join(a1 * b1 + (middle >> 16) + (other >> 16), other << 16 | (low & 0xffff));
}

uint64_t __muldi3(uint64_t a, uint64_t b) {
  const uint32_t a0 = (uint32_t)a, a1 = (uint32_t)(a >> 32);
  const uint32_t b0 = (uint32_t)b, b1 = (uint32_t)(b >> 32);
  return __umulsidi3(a0, b0) + join(a0 * b1 + a1 * b0, 0);
}

/** Bit by bit; what is divided by 0 wasm3 has trapped. */
static uint64_t divide(uint64_t a, uint64_t b, uint64_t* rest) {
  uint64_t quotient = 0, left = 0;
  for (int i = 0; i < 64; i++) {
    left = left << 1 | a >> 63;
    a <<= 1;
    quotient <<= 1;
    if (left < b) continue;
    left -= b;
    quotient |= 1;
  }
  *rest = left;
  return quotient;
}

uint64_t __udivdi3(uint64_t a, uint64_t b) {
  uint64_t rest;
  return divide(a, b, &rest);
}

uint64_t __umoddi3(uint64_t a, uint64_t b) {
  uint64_t rest;
  divide(a, b, &rest);
  return rest;
}

static uint64_t magnitude(int64_t a) {
  return a < 0 ? -(uint64_t)a : (uint64_t)a;
}

int64_t __divdi3(int64_t a, int64_t b) {
  const uint64_t quotient = __udivdi3(magnitude(a), magnitude(b));
  return (int64_t)((a < 0) == (b < 0) ? quotient : -quotient);
}

int64_t __moddi3(int64_t a, int64_t b) {
  const uint64_t rest = __umoddi3(magnitude(a), magnitude(b));
  return (int64_t)(a < 0 ? -rest : rest);
}

uint32_t __udivsi3(uint32_t a, uint32_t b) {
  return (uint32_t)__udivdi3(a, b);
}

uint32_t __umodsi3(uint32_t a, uint32_t b) {
  return (uint32_t)__umoddi3(a, b);
}

int32_t __divsi3(int32_t a, int32_t b) {
  return (int32_t)__divdi3(a, b);
}

int32_t __modsi3(int32_t a, int32_t b) {
  return (int32_t)__moddi3(a, b);
}
