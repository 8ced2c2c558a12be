/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame source of devices without a camera (frame_source.h): a scene, drawn and encoded a row
 * of tiles a call. Its quality moves so that frames use most of their room and fit. Before it:
 * frames.cpp. After it: scene.cpp, jpeg.cpp.
 */
#include "camera_sizes.h"
#include "frame_source.h"
#include "jpeg.h"
#include "scene.h"

namespace camera {

namespace {

constexpr Source SYNTHETIC = {"synthetic", CAMERA_WIDTH, CAMERA_HEIGHT};
constexpr uint8_t FIRST_QUALITY = 70;
constexpr uint8_t BEST_QUALITY = 92;
constexpr int32_t NONE = -1;

struct Synthetic {
  Scene scene;
  JpegEncoder encoder;
  int32_t top; /* of the next row of tiles; NONE: no frame is under way */
  uint8_t quality;
};

static_assert(sizeof(void*) > 4 || sizeof(Synthetic) <= SOURCE_MOST, "RAM");

Synthetic self;

void begin(Uptime now, uint8_t* to, uint32_t most) {
  self.scene.set(now);
  self.encoder.begin(to, most, SYNTHETIC.width, SYNTHETIC.height, self.quality);
  self.top = 0;
}

void put_row() {
  Tile tile;
  for (int32_t left = 0; left < SYNTHETIC.width; left += TILE_SIDE) {
    self.scene.draw(left, self.top, &tile);
    self.encoder.put(tile);
  }
  self.top += TILE_SIDE;
}

/** A quarter down when it did not fit, a step down when it nearly did not, a step up below 7/8. */
uint8_t next_quality(uint8_t quality, uint32_t bytes, uint32_t most) {
  if (bytes == 0) return static_cast<uint8_t>(quality - quality / 4 - (quality > 1 && quality < 4));
  if (bytes > most - most / 16) return static_cast<uint8_t>(quality > 1 ? quality - 1 : 1);
  const bool has_room = bytes < most - most / 8 && quality < BEST_QUALITY;
  return static_cast<uint8_t>(has_room ? quality + 1 : quality);
}

} // namespace

const Source& frame_source() {
  return SYNTHETIC;
}

bool frame_start() {
  self.top = NONE;
  self.quality = FIRST_QUALITY;
  return true;
}

Capture frame_next(Uptime now, uint8_t* to, uint32_t most, Frame* made) {
  if (self.top == NONE) begin(now, to, most);
  put_row();
  if (self.top < SYNTHETIC.height) return Capture::Working;
  self.top = NONE;
  *made = {self.encoder.end(), self.scene.number(), self.quality};
  self.quality = next_quality(self.quality, made->bytes, most);
  return made->bytes != 0 ? Capture::Made : Capture::Failed;
}

} // namespace camera
