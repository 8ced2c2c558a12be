/* SPDX-License-Identifier: Apache-2.0
 *
 * memcpy, memmove and memset by words: picolibc's are byte loops, and both the core's memory.copy
 * and the interpreter's function entry come down to these. Built with -fno-tree-loop-distribute-
 * patterns, or the compiler would turn the loops into calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((may_alias)) word;

#define MISALIGNED(p) ((uintptr_t)(p)&3u)

/* Whole words to an aligned `d` from an `s` that is not: each is made of two aligned loads. */
static size_t copy_shifted(uint8_t* d, const uint8_t* s, size_t n) {
  const unsigned shift = 8 * MISALIGNED(s);
  const word* from4 = (const word*)((uintptr_t)s & ~(uintptr_t)3);
  word low = *from4++;
  size_t done = 0;
  for (; n - done >= 4; done += 4) {
    word high = *from4++;
    *(word*)(d + done) = low >> shift | high << (32 - shift);
    low = high;
  }
  return done;
}

void* memcpy(void* restrict to, const void* restrict from, size_t n) {
  uint8_t* d = to;
  const uint8_t* s = from;
  if (n >= 16 && MISALIGNED((uintptr_t)d ^ (uintptr_t)s) != 0) {
    while (MISALIGNED(d)) *d++ = *s++, n--;
    size_t done = copy_shifted(d, s, n);
    d += done, s += done, n -= done;
  } else if (n >= 8 && MISALIGNED((uintptr_t)d ^ (uintptr_t)s) == 0) {
    while (MISALIGNED(d)) *d++ = *s++, n--;
    for (; n >= 16; n -= 16, d += 16, s += 16) {
      const word* from4 = (const word*)s;
      word a = from4[0], b = from4[1], c = from4[2], e = from4[3];
      word* to4 = (word*)d;
      to4[0] = a, to4[1] = b, to4[2] = c, to4[3] = e;
    }
    for (; n >= 4; n -= 4, d += 4, s += 4) *(word*)d = *(const word*)s;
  }
  while (n-- != 0) *d++ = *s++;
  return to;
}

void* memmove(void* to, const void* from, size_t n) {
  uint8_t* d = to;
  const uint8_t* s = from;
  if ((uintptr_t)d - (uintptr_t)s >= n) return memcpy(to, from, n); /* forwards is safe */
  d += n, s += n;
  if (n >= 8 && MISALIGNED((uintptr_t)d ^ (uintptr_t)s) == 0) {
    while (MISALIGNED(d)) *--d = *--s, n--;
    for (; n >= 4; n -= 4) d -= 4, s -= 4, *(word*)d = *(const word*)s;
  }
  while (n-- != 0) *--d = *--s;
  return to;
}

void* memset(void* to, int value, size_t n) {
  uint8_t* d = to;
  if (n >= 8) {
    word pattern = (uint8_t)value * 0x01010101u;
    while (MISALIGNED(d)) *d++ = (uint8_t)value, n--;
    for (; n >= 16; n -= 16, d += 16) {
      word* to4 = (word*)d;
      to4[0] = pattern, to4[1] = pattern, to4[2] = pattern, to4[3] = pattern;
    }
    for (; n >= 4; n -= 4, d += 4) *(word*)d = pattern;
  }
  while (n-- != 0) *d++ = (uint8_t)value;
  return to;
}
