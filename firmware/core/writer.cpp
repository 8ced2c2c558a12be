/* SPDX-License-Identifier: Apache-2.0
 *
 * See writer.h. Before it: log.h, the status lines. After it: memory of the caller. There is no
 * printf on a device: it costs more flash than all of this.
 */
#include "writer.h"

Writer::Writer(char* to, uint32_t most) : to_(to), most_(most) {
  if (most_ > 0) to_[0] = 0;
}

void Writer::put(char c) {
  if (length_ + 1 >= most_) return;
  to_[length_++] = c;
  to_[length_] = 0;
}

Writer& Writer::text(const char* text) {
  while (*text != 0) put(*text++);
  return *this;
}

Writer& Writer::foreign(const uint8_t* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    put(from[i] >= 0x20 && from[i] < 0x7f ? static_cast<char>(from[i]) : '?');
  }
  return *this;
}

Writer& Writer::number(uint32_t number) {
  char digits[10];
  uint32_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count > 0) put(digits[--count]);
  return *this;
}

Writer& Writer::signed_number(int32_t number) {
  if (number >= 0) return this->number(static_cast<uint32_t>(number));
  put('-');
  return this->number(0u - static_cast<uint32_t>(number));
}

Writer& Writer::hex(const uint8_t* from, size_t bytes) {
  static const char DIGITS[] = "0123456789abcdef";
  for (size_t i = 0; i < bytes; i++) {
    put(DIGITS[from[i] >> 4]);
    put(DIGITS[from[i] & 15]);
  }
  return *this;
}

Writer& Writer::seconds(uint32_t ms) {
  uint32_t rest = ms % 1000;
  number(ms / 1000).text(rest < 10 ? ".00" : rest < 100 ? ".0" : ".");
  return number(rest);
}
