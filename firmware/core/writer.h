/* SPDX-License-Identifier: Apache-2.0
 *
 * Text into memory of the caller: lines of the log, of the console and of the status. Before it:
 * whoever has something to tell. After it: log.cpp, console.cpp. What has no room is left out.
 *
 * Invariant: length() < most, and the text ends with NUL, where there is room for anything at all.
 */
#ifndef SEALEDTUNNEL_WRITER_H
#define SEALEDTUNNEL_WRITER_H

#include <stddef.h>
#include <stdint.h>

class Writer {
public:
  Writer(char* to, uint32_t most);

  Writer& text(const char* text);
  /** Bytes that somebody else chose: what is no printable ASCII becomes `?`. */
  Writer& foreign(const uint8_t* from, size_t bytes);
  Writer& number(uint32_t number);
  Writer& signed_number(int32_t number);
  /** Two digits for each byte. */
  Writer& hex(const uint8_t* from, size_t bytes);
  /** Seconds with three places. */
  Writer& seconds(uint32_t ms);

  /** For those that write themselves: `to()`, at most `room()` bytes with a NUL, then `took`. */
  char* to() { return to_ + length_; }
  uint32_t room() const { return most_ - length_; }
  void took(uint32_t bytes) { length_ += bytes; }

  uint32_t length() const { return length_; }

private:
  void put(char c);

  char* to_;
  uint32_t most_;
  uint32_t length_ = 0;
};

#endif
