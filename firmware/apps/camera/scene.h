/* SPDX-License-Identifier: Apache-2.0
 *
 * What the synthetic camera sees: a gradient, a bar that passes, a disc that bounces, the time
 * since the device started and the picture's number. Drawn a tile at a time, in any order, so that
 * no picture is ever whole in memory. Before it: synthetic_camera.cpp. After it: jpeg.cpp.
 *
 * Invariant: a tile depends on the scene and the tile's place alone.
 */
#ifndef SEALEDTUNNEL_CAMERA_SCENE_H
#define SEALEDTUNNEL_CAMERA_SCENE_H

#include "frame_source.h"
#include "jpeg.h"

#include <stdint.h>

namespace camera {

class Scene {
public:
  /** The picture of this moment: a new one each FRAME_MS. */
  void set(Uptime now);

  /** What of it lies at (left, top), both multiples of 16. */
  void draw(int32_t left, int32_t top, Tile* tile) const;

  uint32_t number() const { return number_; }

private:
  uint32_t number_;
  int32_t bar_left_;
  int32_t disc_x_, disc_y_;
  char clock_[16]; /* hours:minutes:seconds */
  uint32_t clock_len_;
  char counter_[10]; /* number_ */
  uint32_t counter_len_;
};

} // namespace camera

#endif
