/* SPDX-License-Identifier: Apache-2.0
 *
 * The pins of the ESP32-S3-EYE's camera, from its schematic; -1: not connected. After it:
 * firmware/ports/esp32/main/esp_camera_source.cpp.
 */
#ifndef SEALEDTUNNEL_BOARD_H
#define SEALEDTUNNEL_BOARD_H

#define BOARD_CAMERA_NAME "OV2640"
#define BOARD_CAMERA_PWDN -1
#define BOARD_CAMERA_RESET -1
#define BOARD_CAMERA_XCLK 15
#define BOARD_CAMERA_SIOD 4
#define BOARD_CAMERA_SIOC 5
#define BOARD_CAMERA_Y9 16
#define BOARD_CAMERA_Y8 17
#define BOARD_CAMERA_Y7 18
#define BOARD_CAMERA_Y6 12
#define BOARD_CAMERA_Y5 10
#define BOARD_CAMERA_Y4 8
#define BOARD_CAMERA_Y3 9
#define BOARD_CAMERA_Y2 11
#define BOARD_CAMERA_VSYNC 6
#define BOARD_CAMERA_HREF 7
#define BOARD_CAMERA_PCLK 13

#endif
