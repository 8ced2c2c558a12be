/* SPDX-License-Identifier: Apache-2.0
 *
 * The pins of the AI-Thinker ESP32-CAM's camera socket, from its schematic; -1: not connected.
 * After it: firmware/ports/esp32/main/esp_camera_source.cpp.
 */
#ifndef SEALEDTUNNEL_BOARD_H
#define SEALEDTUNNEL_BOARD_H

#define BOARD_CAMERA_NAME "OV2640"
#define BOARD_CAMERA_PWDN 32
#define BOARD_CAMERA_RESET -1
#define BOARD_CAMERA_XCLK 0
#define BOARD_CAMERA_SIOD 26
#define BOARD_CAMERA_SIOC 27
#define BOARD_CAMERA_Y9 35
#define BOARD_CAMERA_Y8 34
#define BOARD_CAMERA_Y7 39
#define BOARD_CAMERA_Y6 36
#define BOARD_CAMERA_Y5 21
#define BOARD_CAMERA_Y4 19
#define BOARD_CAMERA_Y3 18
#define BOARD_CAMERA_Y2 5
#define BOARD_CAMERA_VSYNC 25
#define BOARD_CAMERA_HREF 23
#define BOARD_CAMERA_PCLK 22

#endif
