/* SPDX-License-Identifier: Apache-2.0
 *
 * A baseline JPEG encoder (ITU-T T.81, JFIF 1.02): colour at half resolution (4:2:0), the Huffman
 * tables of Annex K, integers only, a tile of 16x16 pixels at a time. Before it:
 * synthetic_camera.cpp draws the tiles, from left to right and from the top. After it: a viewer's
 * decoder.
 *
 * Invariant: never a byte behind `most`; what did not fit gives no picture at all.
 */
#ifndef SEALEDTUNNEL_CAMERA_JPEG_H
#define SEALEDTUNNEL_CAMERA_JPEG_H

#include <stdint.h>

namespace camera {

constexpr int32_t TILE_SIDE = 16;
constexpr int32_t TILE_HALF = TILE_SIDE / 2;

/** A square of a picture in the colours of JFIF, rows from the top. */
struct Tile {
  uint8_t y[TILE_SIDE * TILE_SIDE];
  uint8_t cb[TILE_HALF * TILE_HALF];
  uint8_t cr[TILE_HALF * TILE_HALF];
};

struct HuffmanCodes;

class JpegEncoder {
public:
  /** Begins a picture at `to`; `quality` from 1 to 100 scales the tables of Annex K.1. */
  void begin(uint8_t* to, uint32_t most, uint16_t width, uint16_t height, uint8_t quality);

  /** The next tile; those at the right and lower edge are whole, too. */
  void put(const Tile& tile);

  /** Ends the picture. Returns its bytes, 0: it did not fit. */
  [[nodiscard]] uint32_t end();

private:
  void set_tables(uint8_t quality);
  void put_tables();
  void put_frame(uint16_t width, uint16_t height);
  void put_scan();
  void put_block(const uint8_t* pixels, int32_t row_bytes, int32_t component);
  void put_coefficients(const int16_t* values, int32_t component);
  void put_coded(const HuffmanCodes& codes, uint32_t zeros, int32_t value);
  void put_bits(uint32_t bits, uint32_t count);
  void put_byte(uint8_t byte);
  void put_word(uint16_t word);

  uint8_t* to_;
  uint32_t most_;
  uint32_t len_;         /* above most_: it did not fit */
  uint32_t bits_;        /* not written yet, in the lowest bit_count_ */
  uint32_t bit_count_;   /* below 8 */
  int16_t last_dc_[3];   /* of Y, Cb, Cr */
  uint8_t steps_[2][64]; /* quantisation: Y; Cb and Cr. In zigzag order */
};

} // namespace camera

#endif
