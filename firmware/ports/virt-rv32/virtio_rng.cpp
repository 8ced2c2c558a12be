/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the entropy device for up to 32 bytes at a time and waits for them (virtio_rng.h): it
 * answers in microseconds. What was handed out is wiped from the buffer.
 */
#include "virtio_rng.h"
#include "machine.h"
#include "virtio.h"

#include <string.h>

namespace virtio_rng {

constexpr uint32_t PIECE = 32;
constexpr uint64_t MOST_TICKS = 100 * MACHINE_TICKS_PER_MS;

static virtio::Device device;
static virtio::Queue<2> queue;
static uint8_t piece[PIECE];
static bool is_started;

bool start() {
  if (!device.open(virtio::ENTROPY, 0)) return false;
  queue.attach(device, 0);
  device.begin();
  is_started = true;
  return true;
}

/** Returns how many bytes of `piece` the device has filled; 0: none in time. */
static uint32_t ask(uint32_t bytes) {
  queue.descriptor(0) = {reinterpret_cast<uintptr_t>(piece), bytes, virtio::DEVICE_WRITES, 0};
  queue.offer(0);
  const uint64_t begun = machine_time();
  virtio::UsedElement used = {0, 0};
  while (!queue.take(&used)) {
    if (machine_time() - begun < MOST_TICKS) continue;
    is_started = false; /* the buffer is still the device's: it is never asked again */
    return 0;
  }
  device.acknowledge();
  return used.bytes <= bytes ? used.bytes : 0;
}

bool fill(uint8_t* to, size_t bytes) {
  while (bytes > 0) {
    const uint32_t wanted = bytes < PIECE ? static_cast<uint32_t>(bytes) : PIECE;
    const uint32_t filled = is_started ? ask(wanted) : 0;
    if (filled == 0) return false;
    memcpy(to, piece, filled);
    memset(piece, 0, PIECE);
    to += filled;
    bytes -= filled;
  }
  return true;
}

} // namespace virtio_rng
