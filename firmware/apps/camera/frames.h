/* SPDX-License-Identifier: Apache-2.0
 *
 * The newest frame, for everybody who wants one. There is no queue: a frame is made when a viewer
 * waits for it, and whoever is slow gets the one that is newest when he is ready. Before it: the
 * frame source. After it: http_connection.cpp, which holds a frame while it goes out.
 *
 * Invariant: a slot with readers is not written to; FRAME_SLOTS of them, so that FRAME_SLOTS - 1
 * slow viewers keep nobody else waiting.
 */
#ifndef SEALEDTUNNEL_CAMERA_FRAMES_H
#define SEALEDTUNNEL_CAMERA_FRAMES_H

#include "camera_sizes.h"
#include "frame_source.h"

#include <stdint.h>

namespace camera {

struct Slot {
  Frame frame;
  uint32_t readers;
  uint8_t jpeg[FRAME_MOST];
};

class Frames {
public:
  /** Its memory is zeros until then. */
  void start();

  /** Goes on with a frame, or begins one where it `is_wanted` and the last is FRAME_MS old. Returns
   * in how many ms there is more to do. */
  uint32_t turn(uint32_t now_ms, Uptime uptime, bool is_wanted);

  /** Counts the frames that were made: a new one is there when this has changed. */
  uint32_t made() const { return made_; }
  /** In the last whole second. */
  uint32_t rate() const { return rate_; }
  /** Of the last frame; zeros before the first. */
  const Frame& last() const { return last_; }

  /** The newest frame, which stays as it is until `release`; nullptr: there is none now. */
  Slot* hold();
  static void release(Slot* slot) { slot->readers--; }

private:
  Slot* choose();
  void count_rate(uint32_t second);

  Slot slots_[FRAME_SLOTS];
  Slot* newest_;
  Slot* working_;
  Frame last_;
  uint32_t begun_ms_;
  uint32_t made_;
  uint32_t rate_;
  uint32_t rate_second_;
  uint32_t rate_made_;
};

} // namespace camera

#endif
