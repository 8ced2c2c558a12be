/* SPDX-License-Identifier: Apache-2.0
 *
 * Registers of virtio devices on MMIO (virtio.h). Virtio 1.1, sections 3.1 (the order of a start)
 * and 4.2.2 (registers).
 */
#include "virtio.h"
#include "machine.h"

namespace virtio {

constexpr uintptr_t FIRST_SLOT = 0x10001000;
constexpr uint32_t SLOT_BYTES = 0x1000;
constexpr uint32_t SLOTS = 8;

constexpr uint32_t MAGIC = 0x000, VERSION = 0x004, KIND = 0x008;
constexpr uint32_t DEVICE_FEATURES_SELECT = 0x014, DRIVER_FEATURES = 0x020;
constexpr uint32_t DEVICE_FEATURES = 0x010, DRIVER_FEATURES_SELECT = 0x024;
constexpr uint32_t QUEUE_SELECT = 0x030, QUEUE_COUNT = 0x038, QUEUE_READY = 0x044;
constexpr uint32_t QUEUE_NOTIFY = 0x050, INTERRUPTS = 0x060, INTERRUPTS_END = 0x064;
constexpr uint32_t STATUS = 0x070;
constexpr uint32_t QUEUE_DESCRIPTORS = 0x080, QUEUE_AVAILABLE = 0x090, QUEUE_USED = 0x0a0;
constexpr uint32_t CONFIG = 0x100;

constexpr uint32_t MAGIC_VALUE = 0x74726976; /* "virt" */
constexpr uint32_t ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8;
constexpr uint32_t VERSION_1 = 1; /* bit 32 of the features */
constexpr uint32_t CONFIG_CHANGED = 2;

volatile uint32_t& Device::at(uint32_t offset) const {
  return *reinterpret_cast<volatile uint32_t*>(base_ + offset);
}

bool Device::open(uint32_t kind, uint32_t features) {
  for (uint32_t slot = 0; slot < SLOTS; slot++) {
    base_ = FIRST_SLOT + slot * SLOT_BYTES;
    irq_ = slot + 1;
    if (at(MAGIC) == MAGIC_VALUE && at(VERSION) == 2 && at(KIND) == kind) break;
    base_ = 0;
  }
  if (base_ == 0) return false;
  at(STATUS) = 0;
  at(STATUS) = ACKNOWLEDGE;
  at(STATUS) = ACKNOWLEDGE | DRIVER;
  at(DEVICE_FEATURES_SELECT) = 0;
  if ((at(DEVICE_FEATURES) & features) != features) return false;
  at(DRIVER_FEATURES_SELECT) = 0;
  at(DRIVER_FEATURES) = features;
  at(DRIVER_FEATURES_SELECT) = 1;
  at(DRIVER_FEATURES) = VERSION_1;
  at(STATUS) = ACKNOWLEDGE | DRIVER | FEATURES_OK;
  return (at(STATUS) & FEATURES_OK) != 0;
}

void Device::set_queue(uint32_t queue, const void* descriptors, const void* available,
                       const void* used, uint32_t count) {
  at(QUEUE_SELECT) = queue;
  at(QUEUE_COUNT) = count;
  const struct {
    uint32_t offset;
    const void* ring;
  } parts[] = {{QUEUE_DESCRIPTORS, descriptors}, {QUEUE_AVAILABLE, available}, {QUEUE_USED, used}};
  for (const auto& part : parts) {
    at(part.offset) = reinterpret_cast<uintptr_t>(part.ring);
    at(part.offset + 4) = 0;
  }
  at(QUEUE_READY) = 1;
}

void Device::begin() {
  at(STATUS) = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
  machine_enable_irq(irq_);
}

void Device::notify(uint32_t queue) {
  at(QUEUE_NOTIFY) = queue;
}

bool Device::acknowledge() {
  const uint32_t pending = at(INTERRUPTS);
  if (pending != 0) at(INTERRUPTS_END) = pending;
  return (pending & CONFIG_CHANGED) != 0;
}

uint8_t Device::config(uint32_t offset) const {
  return *reinterpret_cast<volatile uint8_t*>(base_ + CONFIG + offset);
}

} // namespace virtio
