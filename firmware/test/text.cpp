/* SPDX-License-Identifier: Apache-2.0
 *
 * See text.h: words, numbers and bytes of a transcript, and the comparison of what was found with
 * what was expected. Messages are those of test/transcripts/player.ts, to the letter.
 */
#include "text.h"

#include <string.h>

bool Text::operator==(const Text& other) const {
  return len == other.len && memcmp(data, other.data, len) == 0;
}

bool Text::is(const char* other) const {
  return *this == text_of(other);
}

Text text_of(const char* chars) {
  return {chars, strlen(chars)};
}

Text cut_at(Text* rest, char mark) {
  const void* found = memchr(rest->data, mark, rest->len);
  if (found == nullptr) {
    Text all = *rest;
    *rest = {rest->data + rest->len, 0};
    return all;
  }
  size_t len = (size_t)(static_cast<const char*>(found) - rest->data);
  Text part = {rest->data, len};
  *rest = {rest->data + len + 1, rest->len - len - 1};
  return part;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

Text trimmed(Text text) {
  while (text.len > 0 && is_blank(text.data[0])) text = {text.data + 1, text.len - 1};
  while (text.len > 0 && is_blank(text.data[text.len - 1])) text.len -= 1;
  return text;
}

bool parse_number(Text text, int32_t* out) {
  bool is_negative = text.len > 0 && text.data[0] == '-';
  size_t at = is_negative ? 1 : 0;
  constexpr size_t MOST_DIGITS = 10;
  if (text.len == at || text.len > at + MOST_DIGITS) return false;
  uint64_t value = 0;
  for (; at < text.len; at++) {
    char c = text.data[at];
    if (c < '0' || c > '9') return false;
    value = value * 10 + (uint64_t)(c - '0');
  }
  uint32_t low = (uint32_t)value;
  *out = (int32_t)(is_negative ? 0u - low : low);
  return true;
}

static int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool Hex::parse(Text text, Hex* out) {
  out->digits = {};
  if (text.is("-")) return true;
  if (text.len == 0 || text.len % 2 != 0) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (digit_value(text.data[i]) < 0) return false;
  }
  out->digits = text;
  return true;
}

uint8_t Hex::at(size_t index) const {
  const char* pair = digits.data + 2 * index;
  return (uint8_t)(digit_value(pair[0]) << 4 | digit_value(pair[1]));
}

struct Decimal {
  char chars[12];
  Text text;

  explicit Decimal(int64_t number) {
    bool is_negative = number < 0;
    uint64_t left = (uint64_t)(is_negative ? -number : number);
    size_t at = sizeof chars;
    do chars[--at] = (char)('0' + left % 10);
    while ((left /= 10) != 0);
    if (is_negative) chars[--at] = '-';
    text = {chars + at, sizeof chars - at};
  }
};

Message& Message::add(Text text) {
  size_t room = sizeof chars_ - 1 - len_;
  size_t len = text.len < room ? text.len : room;
  memcpy(chars_ + len_, text.data, len);
  len_ += len;
  return *this;
}

Message& Message::add(int32_t number) {
  return add(Decimal(number).text);
}

Message& Message::add_short(const char* head, size_t len) {
  if (len <= SHORT_CHARS) return add(Text{head, len});
  add(Text{head, SHOWN_CHARS}).add("\xe2\x80\xa6 (");
  return add(Decimal((int64_t)len).text).add(" characters)");
}

void Found::put_char(char c) {
  if (len_ < sizeof head_) head_[len_] = c;
  is_same_ = is_same_ && len_ < expected_.len && expected_.data[len_] == c;
  len_ += 1;
}

Found& Found::put(Text text) {
  for (size_t i = 0; i < text.len; i++) put_char(text.data[i]);
  return *this;
}

Found& Found::put(int32_t number) {
  return put(Decimal(number).text);
}

Found& Found::put(const uint8_t* bytes, size_t len) {
  static const char DIGITS[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    put_char(DIGITS[bytes[i] >> 4]);
    put_char(DIGITS[bytes[i] & 15]);
  }
  return *this;
}

void Found::explain(Message* message) const {
  message->add("expected ").add_short(expected_);
  message->add("\n   found ").add_short(head_, len_);
}
