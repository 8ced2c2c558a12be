/* SPDX-License-Identifier: Apache-2.0
 *
 * The request reader (http_request.h). A line's end is CR LF or LF alone (RFC 9112, 2.2); empty
 * lines before a request are passed over. Names of fields and words of Connection are compared
 * without regard to case.
 */
#include "http_request.h"

#include <string.h>

namespace camera {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/** RFC 9110, 5.6.2: what names of methods and fields are made of. */
bool is_token(char c) {
  const bool is_letter = lower(c) >= 'a' && lower(c) <= 'z';
  const bool is_digit = c >= '0' && c <= '9';
  return is_letter || is_digit || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != nullptr);
}

constexpr char SCHEME[] = "http://";
constexpr uint32_t SCHEME_LEN = sizeof SCHEME - 1;

} // namespace

Verdict HttpRequest::take(uint8_t byte) {
  if (++read_ > HEADER_MOST) return Verdict::TooLong;
  if (byte == '\n') return take_line_end();
  if (is_after_cr_) return misplaced();
  if (byte == '\r') {
    is_after_cr_ = true;
    return Verdict::Unfinished;
  }
  if ((byte < ' ' && byte != '\t') || byte == 0x7f) return misplaced();

  const char c = static_cast<char>(byte);
  switch (part_) {
  case Part::Method:
    return take_method_byte(c);
  case Part::Target:
    return take_target_byte(c);
  case Part::Version:
    take_word_byte(c);
    return Verdict::Unfinished;
  case Part::Name:
    return c == ':' ? take_name_end() : take_name_byte(c);
  case Part::Value:
    return take_value_byte(c);
  }
  return misplaced();
}

Verdict HttpRequest::take_method_byte(char c) {
  if (is_token(c)) {
    take_word_byte(c);
    return Verdict::Unfinished;
  }
  if (c != ' ' || word_len_ == 0) return Verdict::BadLine;
  method_ = word_is("GET") ? Method::Get : word_is("HEAD") ? Method::Head : Method::Other;
  part_ = Part::Target;
  return Verdict::Unfinished;
}

Verdict HttpRequest::take_target_byte(char c) {
  if (c == '\t') return Verdict::BadLine;
  if (c == ' ') {
    if (target_len_ == 0) return Verdict::BadLine;
    begin_word(Part::Version);
  } else if (target_len_ < TARGET_MOST) {
    target_[target_len_++] = c;
  } else {
    is_target_cut_ = true;
  }
  return Verdict::Unfinished;
}

Verdict HttpRequest::take_name_byte(char c) {
  if (!is_token(c)) return Verdict::BadField;
  take_word_byte(lower(c));
  return Verdict::Unfinished;
}

Verdict HttpRequest::take_name_end() {
  if (word_len_ == 0) return Verdict::BadField;
  field_ = Field::Other;
  if (word_is("connection")) field_ = Field::Connection;
  if (word_is("content-length")) field_ = Field::Length;
  if (word_is("transfer-encoding")) has_body_ = true;
  if (word_is("host")) {
    if (has_host_) return Verdict::BadField;
    has_host_ = true;
  }
  begin_word(Part::Value);
  return Verdict::Unfinished;
}

Verdict HttpRequest::take_value_byte(char c) {
  if (c == ',') return take_value_word();
  if (c != ' ' && c != '\t') take_word_byte(lower(c));
  return Verdict::Unfinished;
}

/** A word of a list, or the whole of a value. */
Verdict HttpRequest::take_value_word() {
  if (field_ == Field::Connection) {
    says_close_ |= word_is("close");
    says_keep_ |= word_is("keep-alive");
  }
  if (field_ == Field::Length) {
    if (word_len_ == 0) return Verdict::BadField;
    for (uint32_t i = 0; i < word_len_ && i < WORD_MOST; i++) {
      if (word_[i] < '0' || word_[i] > '9') return Verdict::BadField;
      has_body_ |= word_[i] != '0';
    }
  }
  begin_word(Part::Value);
  return Verdict::Unfinished;
}

Verdict HttpRequest::take_line_end() {
  is_after_cr_ = false;
  if (part_ == Part::Method && word_len_ == 0) return Verdict::Unfinished;
  if (part_ == Part::Version) return take_version();
  if (part_ == Part::Value) {
    const Verdict verdict = take_value_word();
    begin_word(Part::Name);
    return verdict;
  }
  if (part_ != Part::Name || word_len_ != 0) return misplaced();
  if (has_body_) return Verdict::HasBody;
  return is_newer_ && !has_host_ ? Verdict::NoHost : Verdict::Complete;
}

Verdict HttpRequest::take_version() {
  if (word_len_ < 6 || memcmp(word_, "HTTP/", 5) != 0) return Verdict::BadLine;
  if (word_len_ != 8 || memcmp(word_, "HTTP/1.", 7) != 0) return Verdict::BadVersion;
  if (word_[7] < '0' || word_[7] > '9') return Verdict::BadVersion;
  is_newer_ = word_[7] != '0';
  begin_word(Part::Name);
  return Verdict::Unfinished;
}

void HttpRequest::take_word_byte(char c) {
  if (word_len_ < WORD_MOST) word_[word_len_] = c;
  if (word_len_ <= WORD_MOST) word_len_++;
}

void HttpRequest::begin_word(Part part) {
  part_ = part;
  word_len_ = 0;
}

bool HttpRequest::word_is(const char* word) const {
  return word_len_ <= WORD_MOST && strlen(word) == word_len_ && memcmp(word_, word, word_len_) == 0;
}

bool HttpRequest::asks_for(const char* path) const {
  const char* at = target_;
  const char* end = target_ + target_len_;
  if (target_len_ > SCHEME_LEN && memcmp(target_, SCHEME, SCHEME_LEN) == 0) {
    at += SCHEME_LEN;
    while (at < end && *at != '/') at++;
  }
  while (at < end && *at == *path && *path != 0) at++, path++;
  if (*path != 0) return false;
  return at < end ? *at == '?' : !is_target_cut_;
}

} // namespace camera
