/* SPDX-License-Identifier: Apache-2.0
 *
 * What the camera app takes and bounds: picture, frame, connections, patience. Before it: the
 * build, whose flags may set the macros. After it: every file of this folder.
 *
 * RAM: APP_MOST and SOURCE_MOST, checked where they are taken, for pointers of 32 bits.
 */
#ifndef SEALEDTUNNEL_CAMERA_SIZES_H
#define SEALEDTUNNEL_CAMERA_SIZES_H

#include <stdint.h>

/** The synthetic picture; 320 and 240 on devices with more RAM. */
#ifndef CAMERA_WIDTH
#define CAMERA_WIDTH 160
#define CAMERA_HEIGHT 120
#endif

namespace camera {

/** Where it listens, on the device's loopback. */
constexpr uint16_t PORT = 80;

/**
 * The most bytes of a frame. At 160x120 it fits a TCP send buffer of three segments, so that a
 * viewer who is only a little slow holds no slot.
 */
constexpr uint32_t FRAME_MOST = CAMERA_WIDTH > 160 ? 8192 : 3840;
/** Two: one that a slow viewer still takes, one that moves on for the others. */
constexpr uint32_t FRAME_SLOTS = 2;
/** Ten frames a second at most. */
constexpr uint32_t FRAME_MS = 100;

/** Served at once. One more is told so. */
constexpr uint32_t CONNECTIONS = 3;
/** Streams at once: a connection is left for the page, the status and single pictures. */
constexpr uint32_t STREAMS = CONNECTIONS - 1;

/** A request line with its header fields. */
constexpr uint32_t HEADER_MOST = 1024;
/** What of a request's target is kept: enough for the longest here behind `http://authority`. */
constexpr uint32_t TARGET_MOST = 64;
/** Read at a time. */
constexpr uint32_t INPUT_MOST = 64;
/** The head of an answer, or of a part of a stream. */
constexpr uint32_t HEAD_MOST = 160;
/** The body of /status.json. */
constexpr uint32_t STATUS_MOST = 160;

/** From a request's first byte to its last. */
constexpr uint32_t REQUEST_MS = 5000;
/** Between two requests of a connection. */
constexpr uint32_t IDLE_MS = 15000;
/** Since its last request, until it has to make room for a new connection. */
constexpr uint32_t SPARE_MS = 500;
/** An answer, or a frame of a stream, from its first byte to its last. */
constexpr uint32_t SEND_MS = 15000;
/** For a picture that was asked for, until the camera is taken to be silent. */
constexpr uint32_t PICTURE_MS = 3000;
/** For the other side to close, behind the last answer. */
constexpr uint32_t LINGER_MS = 1000;

/** RAM at 160x120: from the arena, and of the frame source. 10 KiB. */
constexpr uint32_t APP_MOST = 9920;
constexpr uint32_t SOURCE_MOST = 320;

} // namespace camera

#endif
