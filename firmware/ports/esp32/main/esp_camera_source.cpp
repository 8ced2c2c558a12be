/* SPDX-License-Identifier: Apache-2.0
 *
 * frame_source.h on boards with a camera: the sensor makes the JPEG, esp_camera's driver fills two
 * buffers in PSRAM, the newest is copied out. Before it: apps/camera/frames.cpp. After it:
 * Espressif's component esp32-camera; the pins are the board's (boards/BOARD/board.h).
 */
#include "frame_source.h"

#include "board.h"
#include "log.h"

#include "esp_camera.h"

#include <string.h>

namespace {

/** The sensor's own scale: 0 is best, 63 is smallest. */
constexpr int QUALITY_FIRST = 12;
constexpr int QUALITY_WORST = 60;
constexpr int QUALITY_STEP = 6;
constexpr int XCLK_HZ = 20000000;

uint32_t pictures;
int quality = QUALITY_FIRST;

camera_config_t configuration() {
  camera_config_t config = {};
  config.pin_pwdn = BOARD_CAMERA_PWDN;
  config.pin_reset = BOARD_CAMERA_RESET;
  config.pin_xclk = BOARD_CAMERA_XCLK;
  config.pin_sccb_sda = BOARD_CAMERA_SIOD;
  config.pin_sccb_scl = BOARD_CAMERA_SIOC;
  config.pin_d7 = BOARD_CAMERA_Y9;
  config.pin_d6 = BOARD_CAMERA_Y8;
  config.pin_d5 = BOARD_CAMERA_Y7;
  config.pin_d4 = BOARD_CAMERA_Y6;
  config.pin_d3 = BOARD_CAMERA_Y5;
  config.pin_d2 = BOARD_CAMERA_Y4;
  config.pin_d1 = BOARD_CAMERA_Y3;
  config.pin_d0 = BOARD_CAMERA_Y2;
  config.pin_vsync = BOARD_CAMERA_VSYNC;
  config.pin_href = BOARD_CAMERA_HREF;
  config.pin_pclk = BOARD_CAMERA_PCLK;
  config.xclk_freq_hz = XCLK_HZ;
  config.pixel_format = PIXFORMAT_JPEG;
  config.frame_size = FRAMESIZE_QVGA;
  config.jpeg_quality = QUALITY_FIRST;
  config.fb_count = 2;
  config.fb_location = CAMERA_FB_IN_PSRAM;
  config.grab_mode = CAMERA_GRAB_LATEST;
  return config;
}

void lower_quality() {
  sensor_t* sensor = esp_camera_sensor_get();
  if (sensor == nullptr || quality + QUALITY_STEP > QUALITY_WORST) return;
  quality += QUALITY_STEP;
  (void)sensor->set_quality(sensor, quality);
}

} // namespace

const camera::Source& camera::frame_source() {
  static const Source SOURCE = {BOARD_CAMERA_NAME, 320, 240};
  return SOURCE;
}

bool camera::frame_start() {
  camera_config_t config = configuration();
  esp_err_t error = esp_camera_init(&config);
  if (error == ESP_OK) return true;
  LogLine(LogLevel::Error)
      .text("no camera answers (")
      .text(esp_err_to_name(error))
      .text("): is its ribbon seated, and the power supply strong enough?");
  return false;
}

camera::Capture camera::frame_next(Uptime, uint8_t* to, uint32_t most, Frame* made) {
  if (!esp_camera_available_frames()) return Capture::Working; // esp_camera_fb_get would block
  camera_fb_t* picture = esp_camera_fb_get();
  if (picture == nullptr) return Capture::Failed;
  bool fits = picture->len > 0 && picture->len <= most;
  pictures++;
  if (fits) {
    memcpy(to, picture->buf, picture->len);
    uint8_t percent = static_cast<uint8_t>(100 - quality * 99 / 63);
    *made = {static_cast<uint32_t>(picture->len), pictures, percent};
  }
  esp_camera_fb_return(picture);
  if (!fits) lower_quality();
  return fits ? Capture::Made : Capture::Failed;
}
