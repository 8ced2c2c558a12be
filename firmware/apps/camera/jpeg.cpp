/* SPDX-License-Identifier: Apache-2.0
 *
 * Baseline JPEG (jpeg.h): segments, discrete cosine transform, quantisation, Huffman codes. Tables
 * are those of ITU-T T.81 Annex K, as lists; the codes are made from them by the compiler (Annex
 * C), so they lie in flash.
 */
#include "jpeg.h"

namespace camera {

/** The code of each symbol. */
struct HuffmanCodes {
  uint16_t code[256] = {};
  uint8_t bits[256] = {};
};

namespace {

/** Figure A.6: the place of the k-th coefficient in a block. */
constexpr uint8_t ZIGZAG[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/** Tables K.1 and K.2, row by row. */
constexpr uint8_t STEPS[2][64] = {
    {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
     14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
     18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
     49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99},
    {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99,
     99, 99, 47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99},
};

/** How many codes there are of each length from 1 to 16, and what they stand for. */
struct HuffmanList {
  uint8_t counts[16];
  uint8_t symbols[162];
};

/** Tables K.3 and K.4. */
constexpr HuffmanList DC_LISTS[2] = {
    {{0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
    {{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
};

/** Tables K.5 and K.6. */
constexpr HuffmanList AC_LISTS[2] = {
    {{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125},
     {0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61,
      0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52,
      0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25,
      0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45,
      0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64,
      0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
      0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
      0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6,
      0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3,
      0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8,
      0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa}},
    {{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119},
     {0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61,
      0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33,
      0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18,
      0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44,
      0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63,
      0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
      0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97,
      0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4,
      0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca,
      0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7,
      0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa}},
};

/** Annex C: codes of one length count up, and the next length begins behind them. */
constexpr HuffmanCodes codes_of(const HuffmanList& list) {
  HuffmanCodes codes;
  uint32_t code = 0;
  uint32_t at = 0;
  for (uint32_t bits = 1; bits <= 16; bits++, code <<= 1) {
    for (uint32_t i = 0; i < list.counts[bits - 1]; i++, at++, code++) {
      codes.code[list.symbols[at]] = static_cast<uint16_t>(code);
      codes.bits[list.symbols[at]] = static_cast<uint8_t>(bits);
    }
  }
  return codes;
}

constexpr HuffmanCodes DC_CODES[2] = {codes_of(DC_LISTS[0]), codes_of(DC_LISTS[1])};
constexpr HuffmanCodes AC_CODES[2] = {codes_of(AC_LISTS[0]), codes_of(AC_LISTS[1])};
constexpr uint8_t END_OF_BLOCK = 0x00;
constexpr uint8_t SIXTEEN_ZEROS = 0xf0;

/** Both colour components share tables. */
constexpr int32_t table_of(int32_t component) {
  return component == 0 ? 0 : 1;
}

/** Half the cosine of k pi / 16, in 1/8,192. */
constexpr int32_t C1 = 4017, C2 = 3784, C3 = 3406, C4 = 2896, C5 = 2276, C6 = 1567, C7 = 799;

/** Right by `shift`, rounded. */
constexpr int32_t scaled(int32_t value, int32_t shift) {
  return (value + (1 << (shift - 1))) >> shift;
}

/** The transform of A.3.3 in one dimension, over values that lie `stride` apart. */
template<int32_t stride, int32_t shift> void transform(int16_t* v) {
  const int32_t s0 = v[0] + v[7 * stride], d0 = v[0] - v[7 * stride];
  const int32_t s1 = v[stride] + v[6 * stride], d1 = v[stride] - v[6 * stride];
  const int32_t s2 = v[2 * stride] + v[5 * stride], d2 = v[2 * stride] - v[5 * stride];
  const int32_t s3 = v[3 * stride] + v[4 * stride], d3 = v[3 * stride] - v[4 * stride];
  const auto put = [v](int32_t k, int32_t sum) {
    v[k * stride] = static_cast<int16_t>(scaled(sum, shift));
  };
  put(0, (s0 + s1 + s2 + s3) * C4);
  put(4, (s0 - s1 - s2 + s3) * C4);
  put(2, (s0 - s3) * C2 + (s1 - s2) * C6);
  put(6, (s0 - s3) * C6 - (s1 - s2) * C2);
  put(1, d0 * C1 + d1 * C3 + d2 * C5 + d3 * C7);
  put(3, d0 * C3 - d1 * C7 - d2 * C1 - d3 * C5);
  put(5, d0 * C5 - d1 * C1 + d2 * C7 + d3 * C3);
  put(7, d0 * C7 - d1 * C5 + d2 * C3 - d3 * C1);
}

/** Rows are left in 1/16, then columns in 1/UNIT: at most 8,192, so products stay in 32 bits. */
constexpr int32_t ROW_SHIFT = 13 - 4;
constexpr int32_t COLUMN_SHIFT = 13 + 4 - 3;
constexpr int32_t UNIT = 8;

/** How many steps a coefficient in 1/UNIT is, rounded: 1 at half a step. */
int32_t quantised(int32_t value, int32_t step) {
  const int32_t half = step * (UNIT / 2);
  return (value < 0 ? value - half : value + half) / (step * UNIT);
}

/** How many bits a value above 0 has. */
uint32_t bits_of(uint32_t value) {
  uint32_t bits = 0;
  for (; value != 0; value >>= 1) bits++;
  return bits;
}

/** The length field of a segment with `bytes` behind it. */
constexpr uint16_t length_with(uint32_t bytes) {
  return static_cast<uint16_t>(2 + bytes);
}

constexpr uint16_t START = 0xffd8, JFIF = 0xffe0, QUANTISATION = 0xffdb, BASELINE = 0xffc0;
constexpr uint16_t HUFFMAN = 0xffc4, SCAN = 0xffda, END = 0xffd9;
constexpr uint32_t DC_SYMBOLS = 12, AC_SYMBOLS = 162;

} // namespace

void JpegEncoder::begin(uint8_t* to, uint32_t most, uint16_t width, uint16_t height,
                        uint8_t quality) {
  to_ = to;
  most_ = most;
  len_ = 0;
  bits_ = 0;
  bit_count_ = 0;
  for (int16_t& dc : last_dc_) dc = 0;
  set_tables(quality);
  put_word(START);
  constexpr uint8_t jfif[] = {'J', 'F', 'I', 'F', 0, 1, 2, 0, 0, 1, 0, 1, 0, 0};
  put_word(JFIF);
  put_word(length_with(sizeof jfif));
  for (uint8_t byte : jfif) put_byte(byte);
  put_tables();
  put_frame(width, height);
  put_scan();
}

void JpegEncoder::put(const Tile& tile) {
  for (int32_t half = 0; half < 2; half++) {
    const uint8_t* rows = tile.y + half * 8 * TILE_SIDE;
    put_block(rows, TILE_SIDE, 0);
    put_block(rows + 8, TILE_SIDE, 0);
  }
  put_block(tile.cb, TILE_HALF, 1);
  put_block(tile.cr, TILE_HALF, 2);
}

uint32_t JpegEncoder::end() {
  if (bit_count_ > 0) put_bits(0x7f, 8 - bit_count_); /* filled up with ones, F.1.2.3 */
  put_word(END);
  return len_ <= most_ ? len_ : 0;
}

/** 50 is Annex K itself, 100 a step of 1 everywhere, 1 fifty times Annex K. */
void JpegEncoder::set_tables(uint8_t quality) {
  const uint32_t percent = quality < 50 ? 5000u / quality : 200u - 2u * quality;
  for (int32_t table = 0; table < 2; table++) {
    for (int32_t k = 0; k < 64; k++) {
      uint32_t step = (STEPS[table][ZIGZAG[k]] * percent + 50) / 100;
      step = step < 1 ? 1 : step > 255 ? 255 : step;
      steps_[table][k] = static_cast<uint8_t>(step);
    }
  }
}

void JpegEncoder::put_tables() {
  put_word(QUANTISATION);
  put_word(length_with(2 * 65));
  for (uint8_t table = 0; table < 2; table++) {
    put_byte(table);
    for (uint8_t step : steps_[table]) put_byte(step);
  }
  put_word(HUFFMAN);
  put_word(length_with(2 * (17 + DC_SYMBOLS) + 2 * (17 + AC_SYMBOLS)));
  const auto put_list = [this](uint8_t name, const HuffmanList& list, uint32_t symbols) {
    put_byte(name);
    for (uint8_t count : list.counts) put_byte(count);
    for (uint32_t i = 0; i < symbols; i++) put_byte(list.symbols[i]);
  };
  for (uint8_t table = 0; table < 2; table++) {
    put_list(table, DC_LISTS[table], DC_SYMBOLS);
    put_list(static_cast<uint8_t>(0x10 | table), AC_LISTS[table], AC_SYMBOLS);
  }
}

/** Components 1 to 3: Y with 2x2 blocks a tile, Cb and Cr with one (B.2.2). */
void JpegEncoder::put_frame(uint16_t width, uint16_t height) {
  constexpr uint8_t components[] = {3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1};
  put_word(BASELINE);
  put_word(length_with(5 + sizeof components));
  put_byte(8);
  put_word(height);
  put_word(width);
  for (uint8_t byte : components) put_byte(byte);
}

void JpegEncoder::put_scan() {
  constexpr uint8_t components[] = {3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0};
  put_word(SCAN);
  put_word(length_with(sizeof components));
  for (uint8_t byte : components) put_byte(byte);
}

void JpegEncoder::put_block(const uint8_t* pixels, int32_t row_bytes, int32_t component) {
  int16_t values[64];
  for (int32_t row = 0; row < 8; row++, pixels += row_bytes) {
    int16_t* v = values + row * 8;
    for (int32_t i = 0; i < 8; i++) v[i] = static_cast<int16_t>(pixels[i] - 128);
    transform<1, ROW_SHIFT>(v);
  }
  for (int32_t column = 0; column < 8; column++) transform<8, COLUMN_SHIFT>(values + column);
  put_coefficients(values, component);
}

/** F.1.2: the difference to the last DC, then runs of zeros with the value behind each. */
void JpegEncoder::put_coefficients(const int16_t* values, int32_t component) {
  const int32_t table = table_of(component);
  const int32_t dc = quantised(values[0], steps_[table][0]);
  const int32_t difference = dc - last_dc_[component];
  last_dc_[component] = static_cast<int16_t>(dc);
  put_coded(DC_CODES[table], 0, difference);

  const HuffmanCodes& codes = AC_CODES[table];
  uint32_t zeros = 0;
  for (int32_t k = 1; k < 64; k++) {
    const int32_t value = values[ZIGZAG[k]];
    const int32_t half = steps_[table][k] * (UNIT / 2);
    if (value < half && value > -half) { /* as most are: nothing is divided */
      zeros++;
      continue;
    }
    for (; zeros >= 16; zeros -= 16) put_bits(codes.code[SIXTEEN_ZEROS], codes.bits[SIXTEEN_ZEROS]);
    put_coded(codes, zeros, quantised(value, steps_[table][k]));
    zeros = 0;
  }
  if (zeros > 0) put_bits(codes.code[END_OF_BLOCK], codes.bits[END_OF_BLOCK]);
}

/** The code of zeros before a value and of its size, then its lowest bits; below 0 of it less 1. */
void JpegEncoder::put_coded(const HuffmanCodes& codes, uint32_t zeros, int32_t value) {
  const uint32_t size = bits_of(static_cast<uint32_t>(value < 0 ? -value : value));
  const uint32_t symbol = zeros << 4 | size;
  put_bits(codes.code[symbol], codes.bits[symbol]);
  put_bits(static_cast<uint32_t>(value < 0 ? value - 1 : value), size);
}

/** At most 16 bits; a byte of ones is followed by a zero byte (F.1.2.3). */
void JpegEncoder::put_bits(uint32_t bits, uint32_t count) {
  bits_ = bits_ << count | (bits & ((1u << count) - 1));
  bit_count_ += count;
  while (bit_count_ >= 8) {
    bit_count_ -= 8;
    const uint8_t byte = static_cast<uint8_t>(bits_ >> bit_count_);
    put_byte(byte);
    if (byte == 0xff) put_byte(0);
  }
}

void JpegEncoder::put_byte(uint8_t byte) {
  if (len_ < most_) to_[len_] = byte;
  if (len_ <= most_) len_++;
}

void JpegEncoder::put_word(uint16_t word) {
  put_byte(static_cast<uint8_t>(word >> 8));
  put_byte(static_cast<uint8_t>(word));
}

} // namespace camera
