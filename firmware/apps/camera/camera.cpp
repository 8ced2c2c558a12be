/* SPDX-License-Identifier: Apache-2.0
 *
 * The camera as the device's application (app.h): a web server on the loopback, with a page, single
 * pictures and a stream. Before it: device.cpp. After it: http_connection.cpp for each connection,
 * frames.cpp for the pictures.
 *
 * One block of the arena holds everything; a connection beyond CONNECTIONS takes the place of one
 * that is kept alive without need, or is told that there is none.
 */
#include "app.h"

#include "arena.h"
#include "camera_sizes.h"
#include "http_connection.h"
#include "port.h"
#include "sockets.h"
#include "text.h"

namespace app {

namespace {

using camera::Connection;
using camera::CONNECTIONS;
using camera::Text;

struct Camera {
  camera::Frames frames;
  Connection connections[CONNECTIONS];
  Connection refused; /* hears that there is no place */
  camera::Uptime uptime;
  uint32_t last_ms;
  int32_t listener;
};
static_assert(sizeof(void*) > 4 || CAMERA_WIDTH > 160 || sizeof(Camera) <= camera::APP_MOST, "RAM");

Camera* self;

void say(const char* line) {
  port::console_write(line, static_cast<size_t>(__builtin_strlen(line)));
}

void pass_time(uint32_t now_ms) {
  const uint32_t ms = self->uptime.ms + (now_ms - self->last_ms);
  self->uptime = {self->uptime.seconds + ms / 1000, ms % 1000};
  self->last_ms = now_ms;
}

uint32_t count_viewers() {
  uint32_t viewers = 0;
  for (const Connection& connection : self->connections) viewers += connection.is_viewer();
  return viewers;
}

bool is_frame_wanted() {
  for (const Connection& connection : self->connections) {
    if (connection.wants_frame()) return true;
  }
  return false;
}

/** A free place, or that of the one which is idle the longest. */
Connection* find_place(uint32_t now_ms) {
  Connection* spare = nullptr;
  uint32_t spare_ms = camera::SPARE_MS - 1;
  for (Connection& connection : self->connections) {
    if (connection.is_free()) return &connection;
    if (connection.idle_ms(now_ms) <= spare_ms) continue;
    spare = &connection;
    spare_ms = connection.idle_ms(now_ms);
  }
  if (spare != nullptr) spare->close();
  return spare;
}

void accept_all(uint32_t now_ms) {
  for (uint32_t i = 0; i <= CONNECTIONS; i++) {
    sockets::Address from;
    const int32_t socket = sockets::accept(self->listener, &from);
    if (socket == sockets::NONE) return;
    Connection* place = find_place(now_ms);
    if (place != nullptr) {
      place->open(socket, now_ms);
    } else if (self->refused.is_free()) {
      self->refused.open_to_refuse(socket, now_ms);
    } else {
      sockets::reset(socket);
    }
  }
}

uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

} // namespace

const char* name() {
  return "camera";
}

bool start() {
  self = static_cast<Camera*>(arena_calloc(1, sizeof(Camera)));
  if (self == nullptr) {
    say("camera: the arena has no room for it; make the arena larger\n");
    return false;
  }
  const sockets::Address loopback = {{127, 0, 0, 1}, 4, camera::PORT};
  self->listener = sockets::listen(loopback);
  if (self->listener == sockets::NONE) {
    say("camera: its port on the loopback is in use or not allowed: free it, or choose another one "
        "where the platform lets you\n");
    return false;
  }
  self->last_ms = port::now_ms();
  self->frames.start();
  return camera::frame_start();
}

uint32_t turn(uint32_t now_ms) {
  pass_time(now_ms);
  accept_all(now_ms);
  uint32_t rest_ms = self->refused.turn(now_ms, {});
  for (Connection& connection : self->connections) {
    const camera::Desk desk = {&self->frames, self->uptime, count_viewers()};
    rest_ms = smaller(rest_ms, connection.turn(now_ms, desk));
  }
  return smaller(rest_ms, self->frames.turn(now_ms, self->uptime, is_frame_wanted()));
}

uint32_t status(char* to, uint32_t most) {
  const camera::Source& source = camera::frame_source();
  const camera::Frame& last = self->frames.last();
  Text text(to, most);
  text.add(source.name).add(" ").add(source.width).add("x").add(source.height);
  text.add(", frame ").add(last.number).add(" of ").add(last.bytes).add(" bytes, ");
  text.add(self->frames.rate()).add(" a second, ").add(count_viewers()).add(" viewers");
  return text.len();
}

} // namespace app
