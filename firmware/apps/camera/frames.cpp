/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots of frames (frames.h): which is written, which is the newest, how many a second.
 */
#include "frames.h"

namespace camera {

void Frames::start() {
  begun_ms_ = 0u - FRAME_MS;
}

uint32_t Frames::turn(uint32_t now_ms, Uptime uptime, bool is_wanted) {
  count_rate(uptime.seconds);
  if (working_ == nullptr) {
    const uint32_t age_ms = now_ms - begun_ms_;
    if (!is_wanted) return IDLE_MS;
    if (age_ms < FRAME_MS) return FRAME_MS - age_ms;
    working_ = choose();
    if (working_ == nullptr) return FRAME_MS;
    if (working_ == newest_) newest_ = nullptr;
    begun_ms_ = now_ms;
  }
  Frame frame = {};
  const Capture capture = frame_next(uptime, working_->jpeg, FRAME_MOST, &frame);
  if (capture == Capture::Working) return 0;
  if (capture == Capture::Made) {
    working_->frame = last_ = frame;
    newest_ = working_;
    made_++;
  }
  working_ = nullptr;
  return 0;
}

Slot* Frames::hold() {
  if (newest_ != nullptr) newest_->readers++;
  return newest_;
}

/** The newest is given up only where there is no other: somebody may want it meanwhile. */
Slot* Frames::choose() {
  Slot* chosen = nullptr;
  for (Slot& slot : slots_) {
    if (slot.readers == 0 && (chosen == nullptr || chosen == newest_)) chosen = &slot;
  }
  return chosen;
}

void Frames::count_rate(uint32_t second) {
  if (second == rate_second_) return;
  rate_ = second == rate_second_ + 1 ? made_ - rate_made_ : 0;
  rate_second_ = second;
  rate_made_ = made_;
}

} // namespace camera
