/* SPDX-License-Identifier: Apache-2.0
 *
 * The posix port for tests of the device: a network that goes down and up by signals (SIGUSR1,
 * SIGUSR2) and is down at first where TEST_NO_NETWORK is set, and a source of entropy that fails as
 * often as TEST_NO_ENTROPY says. Before it: the
 * device. After it: ports/posix/port_posix.cpp, which is all the rest.
 */
#define network system_network
#define entropy system_entropy
#include "port_posix.cpp"
#undef network
#undef entropy

#include <signal.h>
#include <stdlib.h>

namespace port {
Network network();
bool entropy(uint8_t* to, size_t bytes);
} // namespace port

namespace {

volatile sig_atomic_t is_down;
volatile sig_atomic_t changes;
bool has_started;
int failures = -1;

void switch_network(int number) {
  is_down = number == SIGUSR1;
  changes = changes + 1;
}

} // namespace

port::Network port::network() {
  if (!has_started) is_down = getenv("TEST_NO_NETWORK") != nullptr;
  has_started = true;
  signal(SIGUSR1, switch_network);
  signal(SIGUSR2, switch_network);
  return {is_down == 0, static_cast<uint32_t>(changes)};
}

bool port::entropy(uint8_t* to, size_t bytes) {
  if (failures < 0) {
    const char* text = getenv("TEST_NO_ENTROPY");
    failures = text != nullptr ? atoi(text) : 0;
  }
  if (failures > 0) {
    failures -= 1;
    return false;
  }
  return system_entropy(to, bytes);
}
