/* SPDX-License-Identifier: Apache-2.0
 *
 * Where frames come from: one implementation is linked in. synthetic_camera.cpp draws and encodes
 * them on the device; ports/esp32 takes them from esp_camera. After it: frames.cpp, the only
 * caller, which asks for a frame when a viewer waits for one.
 */
#ifndef SEALEDTUNNEL_CAMERA_FRAME_SOURCE_H
#define SEALEDTUNNEL_CAMERA_FRAME_SOURCE_H

#include <stdint.h>

namespace camera {

/** Time since the app began; it does not wrap as a clock of 32 bits in milliseconds does. */
struct Uptime {
  uint32_t seconds;
  uint32_t ms; /* below 1,000 */
};

struct Frame {
  uint32_t bytes;  /* of JPEG, above 0 */
  uint32_t number; /* of pictures since the camera began, also of those that nobody took */
  uint8_t quality; /* 1 (small) to 100; 0: not known */
};

struct Source {
  const char* name; /* letters and blanks */
  uint16_t width;
  uint16_t height;
};

/** What the camera is; the same after each start. */
const Source& frame_source();

/** Begins. False, and a line on the console: there is no camera. */
[[nodiscard]] bool frame_start();

enum class Capture : uint8_t {
  Working, /* call again, with the same place */
  Made,    /* `to` and `made` are filled */
  Failed,  /* there is none this time, or it was longer than `most`; call again to begin another */
};

/**
 * Goes on with the newest picture as JPEG, at most `most` bytes at `to`, some milliseconds at most
 * a call. A source whose frames do not fit lowers its quality for the next.
 */
[[nodiscard]] Capture frame_next(Uptime now, uint8_t* to, uint32_t most, Frame* made);

} // namespace camera

#endif
