/* SPDX-License-Identifier: Apache-2.0
 *
 * Draws the synthetic camera's picture (scene.h), from behind to the front: gradient, bar, disc,
 * texts. Everything but the gradient is made of spans, parts of a row in one colour; a span that
 * lies outside the tile costs next to nothing.
 */
#include "scene.h"

#include "camera_sizes.h"
#include "font.h"
#include "text.h"

namespace camera {

namespace {

constexpr int32_t WIDTH = CAMERA_WIDTH;
constexpr int32_t HEIGHT = CAMERA_HEIGHT;

/** In Y, Cb and Cr. */
struct Colour {
  uint8_t y, cb, cr;
};

constexpr Colour BAR = {205, 118, 122};
constexpr Colour DISC = {150, 88, 186};
constexpr Colour PAPER = {24, 128, 128};
constexpr Colour INK = {235, 128, 128};

constexpr int32_t BAR_WIDTH = WIDTH / 20;
constexpr int32_t RADIUS = HEIGHT / 8;
/** Pixels of a dot of the font. */
constexpr int32_t DOT = WIDTH / 80;
constexpr int32_t CELL_WIDTH = (GLYPH_WIDTH + 1) * DOT;
constexpr int32_t LINE_HEIGHT = (GLYPH_HEIGHT + 2) * DOT;
/** The counter ends at the lower edge. */
constexpr int32_t COUNTER_TOP = HEIGHT - LINE_HEIGHT;

int32_t larger(int32_t a, int32_t b) {
  return a > b ? a : b;
}
int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}

/** There and back between 0 and `most`, a step each time. */
int32_t bounced(uint32_t steps, int32_t most) {
  const int32_t at = static_cast<int32_t>(steps % static_cast<uint32_t>(2 * most));
  return at < most ? at : 2 * most - at;
}

/** A tile while it is drawn: takes coordinates of the picture. */
struct Canvas {
  int32_t left, top;
  Tile* tile;

  bool has_rows(int32_t from, int32_t to) const { return to > top && from < top + TILE_SIDE; }
  bool has_columns(int32_t from, int32_t to) const { return to > left && from < left + TILE_SIDE; }

  /** Colours row `y` from `from` up to `to`; the half-size planes take the even pixels. */
  void span(int32_t y, int32_t from, int32_t to, Colour colour) const {
    const int32_t row = y - top;
    const int32_t begin = larger(from - left, 0);
    const int32_t end = smaller(to - left, TILE_SIDE);
    if (row < 0 || row >= TILE_SIDE || begin >= end) return;
    for (int32_t x = begin; x < end; x++) tile->y[row * TILE_SIDE + x] = colour.y;
    if (row % 2 != 0) return;
    const int32_t half_row = row / 2 * TILE_HALF;
    for (int32_t x = (begin + 1) / 2; x < (end + 1) / 2; x++) {
      tile->cb[half_row + x] = colour.cb;
      tile->cr[half_row + x] = colour.cr;
    }
  }

  void rectangle(int32_t x, int32_t y, int32_t width, int32_t height, Colour colour) const {
    if (!has_columns(x, x + width)) return;
    const int32_t end = smaller(y + height, top + TILE_SIDE);
    for (int32_t row = larger(y, top); row < end; row++) span(row, x, x + width, colour);
  }
};

void draw_gradient(const Canvas& canvas) {
  Tile* tile = canvas.tile;
  for (int32_t row = 0; row < TILE_SIDE; row++) {
    const int32_t dark = 60 + (canvas.top + row) * 40 / HEIGHT;
    for (int32_t x = 0; x < TILE_SIDE; x++) {
      tile->y[row * TILE_SIDE + x] = static_cast<uint8_t>(dark + (canvas.left + x) * 64 / WIDTH);
    }
  }
  for (int32_t row = 0; row < TILE_HALF; row++) {
    const int32_t cr = 104 + (canvas.top + 2 * row) * 24 / HEIGHT;
    for (int32_t x = 0; x < TILE_HALF; x++) {
      const int32_t cb = 160 - (canvas.left + 2 * x) * 24 / WIDTH;
      tile->cb[row * TILE_HALF + x] = static_cast<uint8_t>(cb);
      tile->cr[row * TILE_HALF + x] = static_cast<uint8_t>(cr);
    }
  }
}

void draw_disc(const Canvas& canvas, int32_t centre_x, int32_t centre_y) {
  if (!canvas.has_columns(centre_x - RADIUS, centre_x + RADIUS + 1)) return;
  const int32_t end = smaller(centre_y + RADIUS + 1, canvas.top + TILE_SIDE);
  for (int32_t y = larger(centre_y - RADIUS, canvas.top); y < end; y++) {
    const int32_t down = y - centre_y;
    int32_t half = 0;
    while ((half + 1) * (half + 1) + down * down <= RADIUS * RADIUS) half++;
    canvas.span(y, centre_x - half, centre_x + half + 1, DISC);
  }
}

void draw_glyph(const Canvas& canvas, char c, int32_t x, int32_t y) {
  const uint8_t* rows = glyph_of(c);
  for (int32_t row = 0; row < GLYPH_HEIGHT; row++) {
    for (int32_t column = 0; column < GLYPH_WIDTH; column++) {
      const bool is_ink = (rows[row] >> (GLYPH_WIDTH - 1 - column) & 1) != 0;
      if (is_ink) canvas.rectangle(x + column * DOT, y + row * DOT, DOT, DOT, INK);
    }
  }
}

/** Characters on paper, from the left edge. */
void draw_line(const Canvas& canvas, const char* chars, uint32_t len, int32_t y) {
  if (!canvas.has_rows(y, y + LINE_HEIGHT)) return;
  const int32_t width = static_cast<int32_t>(len) * CELL_WIDTH + DOT;
  canvas.rectangle(0, y, width, LINE_HEIGHT, PAPER);
  for (uint32_t i = 0; i < len; i++) {
    const int32_t x = DOT + static_cast<int32_t>(i) * CELL_WIDTH;
    if (canvas.has_columns(x, x + CELL_WIDTH)) draw_glyph(canvas, chars[i], x, y + DOT);
  }
}

} // namespace

void Scene::set(Uptime now) {
  number_ = now.seconds * (1000 / FRAME_MS) + now.ms / FRAME_MS;
  bar_left_ = static_cast<int32_t>(number_ * 3 % (WIDTH + BAR_WIDTH)) - BAR_WIDTH;
  disc_x_ = RADIUS + bounced(number_ * 4, WIDTH - 2 * RADIUS);
  disc_y_ = RADIUS + bounced(number_ * 3, HEIGHT - 2 * RADIUS);
  Text clock(clock_, sizeof clock_);
  clock.add(now.seconds / 3600, 2).add(":").add(now.seconds / 60 % 60, 2).add(":");
  clock_len_ = clock.add(now.seconds % 60, 2).len();
  counter_len_ = Text(counter_, sizeof counter_).add(number_).len();
}

void Scene::draw(int32_t left, int32_t top, Tile* tile) const {
  const Canvas canvas = {left, top, tile};
  draw_gradient(canvas);
  canvas.rectangle(bar_left_, 0, BAR_WIDTH, HEIGHT + TILE_SIDE, BAR);
  draw_disc(canvas, disc_x_, disc_y_);
  draw_line(canvas, clock_, clock_len_, 0);
  draw_line(canvas, counter_, counter_len_, COUNTER_TOP);
}

} // namespace camera
