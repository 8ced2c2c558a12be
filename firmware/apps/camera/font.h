/* SPDX-License-Identifier: Apache-2.0
 *
 * Digits and the colon, 5 dots wide and 7 high. Each row is 5 bits, the leftmost the highest.
 * Before it: scene.cpp, the only place that reads it.
 */
#ifndef SEALEDTUNNEL_CAMERA_FONT_H
#define SEALEDTUNNEL_CAMERA_FONT_H

#include <stdint.h>

namespace camera {

constexpr int32_t GLYPH_WIDTH = 5;
constexpr int32_t GLYPH_HEIGHT = 7;

/** '0' to '9', then ':'. */
constexpr uint8_t GLYPHS[11][GLYPH_HEIGHT] = {
    {0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110},
    {0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110},
    {0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111},
    {0b11111, 0b00010, 0b00100, 0b00110, 0b00001, 0b10001, 0b01110},
    {0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010},
    {0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110},
    {0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110},
    {0b11111, 0b00001, 0b00010, 0b00100, 0b00100, 0b01000, 0b01000},
    {0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110},
    {0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100},
    {0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000},
};

/** The rows of a digit; of anything else those of the colon. */
constexpr const uint8_t* glyph_of(char c) {
  return c >= '0' && c <= '9' ? GLYPHS[c - '0'] : GLYPHS[10];
}

} // namespace camera

#endif
