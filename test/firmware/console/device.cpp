// SPDX-License-Identifier: Apache-2.0
// A device that is its console alone, on the posix port. Before it: ports/posix/main.cpp. After it:
// firmware/core/console.cpp; console.test.ts types, and looks into the flash's file.

#include "device.h"

#include "arena.h"
#include "console.h"
#include "port.h"
#include "writer.h"

namespace {

/** Said in a status: what the arena holds for the console, which is nothing between two lines. */
uint32_t in_use() {
  arena_stats stats;
  arena_get_stats(&stats);
  return stats.in_use;
}

} // namespace

uint32_t device_status(char* to, uint32_t most) {
  return Writer(to, most).text("memory in use: ").number(in_use()).text("\n").length();
}

bool device_rotate() {
  return false;
}

void device_begin_anew() {
  port::console_write("begun anew\n", 11);
}

void device_run() {
  port::console_write("ready\n", 6);
  for (;;) {
    console_turn();
    port::wait(1000);
  }
}
