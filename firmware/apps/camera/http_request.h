/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads one HTTP/1.1 request a byte at a time (RFC 9112, sections 2, 3 and 5) and keeps only what
 * the camera answers by: method, target, whether the connection stays. Before it:
 * http_connection.cpp gives the bytes. Strict where two readers could differ: no folded lines, no
 * lone CR, no blank before a colon, one Host, no body.
 *
 * Invariants: bytes read <= HEADER_MOST; nothing is kept behind TARGET_MOST and WORD_MOST.
 */
#ifndef SEALEDTUNNEL_CAMERA_HTTP_REQUEST_H
#define SEALEDTUNNEL_CAMERA_HTTP_REQUEST_H

#include "camera_sizes.h"

#include <stdint.h>

namespace camera {

enum class Verdict : uint8_t {
  Unfinished,
  Complete,
  BadLine,    /* no request line */
  BadVersion, /* not HTTP/1.x */
  BadField,   /* a header field that is none, or says two things */
  NoHost,
  HasBody,
  TooLong,
};

enum class Method : uint8_t { Get, Head, Other };

class HttpRequest {
public:
  void begin() { *this = HttpRequest(); }

  /** Takes the next byte; after anything but Unfinished only `begin` may follow. */
  [[nodiscard]] Verdict take(uint8_t byte);

  /** Has a byte come since `begin`? */
  bool has_begun() const { return read_ != 0; }
  Method method() const { return method_; }
  /** Is the target this path, whatever its query and authority? */
  bool asks_for(const char* path) const;
  /** Does the client keep the connection (RFC 9112, 9.3)? */
  bool keeps_open() const { return is_newer_ ? !says_close_ : says_keep_; }

private:
  enum class Part : uint8_t { Method, Target, Version, Name, Value };
  enum class Field : uint8_t { Other, Host, Connection, Length };

  Verdict take_method_byte(char c);
  Verdict take_target_byte(char c);
  Verdict take_name_byte(char c);
  Verdict take_name_end();
  Verdict take_value_byte(char c);
  Verdict take_value_word();
  Verdict take_line_end();
  Verdict take_version();
  void take_word_byte(char c);
  void begin_word(Part part);
  bool word_is(const char* word) const;
  /** What is wrong when a byte can't stand where it does. */
  Verdict misplaced() const { return part_ < Part::Name ? Verdict::BadLine : Verdict::BadField; }

  static constexpr uint32_t WORD_MOST = 20;

  uint16_t read_ = 0;
  uint8_t target_len_ = 0;
  uint8_t word_len_ = 0; /* WORD_MOST + 1: longer than any word that counts */
  Part part_ = Part::Method;
  Field field_ = Field::Other;
  Method method_ = Method::Other;
  bool is_after_cr_ = false;
  bool is_target_cut_ = false;
  bool is_newer_ = false; /* HTTP/1.1 and up, not 1.0 */
  bool has_host_ = false;
  bool has_body_ = false;
  bool says_close_ = false;
  bool says_keep_ = false;
  char target_[TARGET_MOST] = {};
  char word_[WORD_MOST] = {}; /* method, version, a field's name, a word of its value */
};

} // namespace camera

#endif
