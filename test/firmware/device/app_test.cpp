/* SPDX-License-Identifier: Apache-2.0
 *
 * The application of a device that has none, for tests: its line ends what the console's `status`
 * prints. Before it: device.cpp. After it: nothing.
 */
#include "app.h"

namespace {

constexpr uint32_t REST_MS = 60'000;
constexpr char LINE[] = "end";

} // namespace

const char* app::name() {
  return "status";
}

bool app::start() {
  return true;
}

uint32_t app::turn(uint32_t) {
  return REST_MS;
}

uint32_t app::status(char* to, uint32_t most) {
  uint32_t length = 0;
  while (LINE[length] != 0 && length + 1 < most) {
    to[length] = LINE[length];
    length += 1;
  }
  to[length] = 0;
  return length;
}
