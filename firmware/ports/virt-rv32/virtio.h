/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtio devices on the machine's bus: finding one, and its queues. Virtio 1.1, sections 2.6 (split
 * queues) and 4.2 (MMIO), without the legacy layout. Before it: virtio_net.cpp and virtio_rng.cpp.
 *
 * Physical addresses are pointers here. The driver polls: interrupts only end a sleep.
 */
#ifndef SEALEDTUNNEL_VIRT_VIRTIO_H
#define SEALEDTUNNEL_VIRT_VIRTIO_H

#include <stddef.h>
#include <stdint.h>

namespace virtio {

constexpr uint32_t NETWORK = 1;
constexpr uint32_t ENTROPY = 4;

struct Descriptor {
  uint64_t address;
  uint32_t bytes;
  uint16_t flags;
  uint16_t next;
};
constexpr uint16_t HAS_NEXT = 1;
constexpr uint16_t DEVICE_WRITES = 2;

struct UsedElement {
  uint32_t head;  /* the chain's first descriptor */
  uint32_t bytes; /* that the device has written */
};

/** The three rings of a queue as the device reads them; `COUNT` is a power of two. */
template<uint16_t COUNT> struct Rings {
  alignas(16) Descriptor descriptors[COUNT];
  struct {
    uint16_t flags, index, ring[COUNT];
  } available;
  alignas(4) struct {
    uint16_t flags, index;
    UsedElement ring[COUNT];
  } used;
};

/** A device on the bus, by its registers. */
class Device {
public:
  /**
   * Finds the first of this kind, resets it and agrees on `features` (bits 0 to 31) besides
   * VERSION_1. False: there is none, or it agrees to less.
   */
  [[nodiscard]] bool open(uint32_t kind, uint32_t features);
  void set_queue(uint32_t queue, const void* descriptors, const void* available, const void* used,
                 uint32_t count);
  /** After the queues: the device may begin, and may wake the machine. */
  void begin();
  void notify(uint32_t queue);
  /** Answers an interrupt. True: the configuration has changed. */
  bool acknowledge();
  [[nodiscard]] uint8_t config(uint32_t offset) const;

private:
  volatile uint32_t& at(uint32_t offset) const;
  uintptr_t base_ = 0;
  uint32_t irq_ = 0;
};

/** The driver's side of one queue. */
template<uint16_t COUNT> class Queue {
public:
  void attach(Device& device, uint32_t queue) {
    device_ = &device;
    queue_ = queue;
    device.set_queue(queue, rings_.descriptors, &rings_.available, &rings_.used, COUNT);
  }

  Descriptor& descriptor(uint32_t index) { return rings_.descriptors[index % COUNT]; }

  /** Hands a chain to the device. */
  void offer(uint16_t head) {
    rings_.available.ring[rings_.available.index % COUNT] = head;
    __asm__ volatile("fence rw, rw" ::: "memory");
    volatile uint16_t* index = &rings_.available.index;
    *index = static_cast<uint16_t>(*index + 1);
    __asm__ volatile("fence rw, rw" ::: "memory");
    if ((static_cast<volatile uint16_t&>(rings_.used.flags) & 1) == 0) device_->notify(queue_);
  }

  /** The next chain that the device is done with. False: there is none. */
  bool take(UsedElement* out) {
    if (static_cast<volatile uint16_t&>(rings_.used.index) == seen_) return false;
    __asm__ volatile("fence rw, rw" ::: "memory");
    *out = rings_.used.ring[seen_++ % COUNT];
    return true;
  }

private:
  Rings<COUNT> rings_ = {};
  Device* device_ = nullptr;
  uint32_t queue_ = 0;
  uint16_t seen_ = 0;
};

} // namespace virtio

#endif
