/* SPDX-License-Identifier: Apache-2.0
 *
 * Text written into a bounded place: answers, status lines, what the synthetic camera shows. What
 * does not fit is left out. Before it: http_connection.cpp, camera.cpp,
 * scene.cpp.
 */
#ifndef SEALEDTUNNEL_CAMERA_TEXT_H
#define SEALEDTUNNEL_CAMERA_TEXT_H

#include <stdint.h>

namespace camera {

class Text {
public:
  /** Writes to `to`, at most `most` characters; there is no mark at the end. */
  Text(char* to, uint32_t most) : to_(to), most_(most) {}

  Text& add(const char* chars) {
    while (*chars != 0) put(*chars++);
    return *this;
  }

  /** In decimal, with zeros in front up to `digits`. */
  Text& add(uint32_t number, uint32_t digits = 1) {
    char reversed[10];
    uint32_t len = 0;
    for (; number != 0 || len == 0; number /= 10) {
      reversed[len++] = static_cast<char>('0' + number % 10);
    }
    for (uint32_t i = len; i < digits; i++) put('0');
    while (len != 0) put(reversed[--len]);
    return *this;
  }

  uint32_t len() const { return len_; }

private:
  void put(char c) {
    if (len_ < most_) to_[len_++] = c;
  }

  char* to_;
  uint32_t most_;
  uint32_t len_ = 0;
};

} // namespace camera

#endif
