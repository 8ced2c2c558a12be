/* SPDX-License-Identifier: Apache-2.0
 *
 * Characters of a transcript: lines, words, numbers, bytes in hex (PROTOCOL section 15). Nothing is
 * copied and nothing allocated. Found compares what came out with what a line expects while it is
 * written, and keeps its beginning for a message. After: core_machine.cpp, transcript.cpp.
 */
#ifndef SEALEDTUNNEL_TEST_TEXT_H
#define SEALEDTUNNEL_TEST_TEXT_H

#include <stddef.h>
#include <stdint.h>

/** Characters that lie elsewhere, without an end mark. */
struct Text {
  const char* data = "";
  size_t len = 0;

  bool operator==(const Text& other) const;
  bool is(const char* other) const;
};

/** A C string as a Text. */
Text text_of(const char* chars);

/** Everything before the first `mark`, which goes too; all where there is none. */
Text cut_at(Text* rest, char mark);

/** Without blanks at both ends. */
Text trimmed(Text text);

/** A decimal number of 32 bits, with or without a sign; false where it is none. */
bool parse_number(Text text, int32_t* out);

/** Bytes as two lower-case digits each; `-` is none. */
struct Hex {
  Text digits;

  /** False unless all of it is bytes in hex. */
  static bool parse(Text text, Hex* out);
  size_t size() const { return digits.len / 2; }
  uint8_t at(size_t index) const;
};

/** What a message shows of a long text, and up to which length it shows all. */
constexpr size_t SHOWN_CHARS = 160;
constexpr size_t SHORT_CHARS = 200;

/** A message for a person; what does not fit is left out. */
class Message {
public:
  Message& add(const char* chars) { return add(text_of(chars)); }
  Message& add(Text text);
  Message& add(int32_t number);
  /** At most SHORT_CHARS of a text of `len` characters, of which `head` is the beginning. */
  Message& add_short(const char* head, size_t len);
  Message& add_short(Text text) { return add_short(text.data, text.len); }
  const char* c_str() const { return chars_; }

private:
  char chars_[768] = {};
  size_t len_ = 0;
};

/** Text that is written piece by piece and compared with what was expected. */
class Found {
public:
  explicit Found(Text expected) : expected_(expected) {}
  Found& put(Text text);
  Found& put(int32_t number);
  /** In hex; nothing for no bytes: see put_no_bytes. */
  Found& put(const uint8_t* bytes, size_t len);
  /** The `-` that stands for no bytes. */
  Found& put_no_bytes() { return put(text_of("-")); }
  bool is_expected() const { return is_same_ && len_ == expected_.len; }
  /** `expected … found …`. */
  void explain(Message* message) const;

private:
  void put_char(char c);

  Text expected_;
  char head_[SHORT_CHARS] = {};
  size_t len_ = 0;
  bool is_same_ = true;
};

#endif
