/* SPDX-License-Identifier: Apache-2.0
 *
 * core/port.h on the virt machine: time, chance, rest and console. Records are flash_store.cpp.
 * The watchdog runs whenever the device does not rest: its timer's interrupt resets the machine.
 */
#include "port_virt.h"
#include "arena.h"
#include "machine.h"
#include "network.h"
#include "port.h"
#include "virtio_rng.h"

#include <string.h>

extern "C" uint8_t ram_end[], data_start[];

namespace {

constexpr uint32_t WATCHDOG_MS = 10 * 1000;

void say(const char* text) {
  port::console_write(text, strlen(text));
}

[[noreturn]] void give_up(const char* why) {
  say(why);
  machine_off();
}

void feed_watchdog() {
  machine_watch_until(machine_time() + uint64_t{WATCHDOG_MS} * MACHINE_TICKS_PER_MS);
}

} // namespace

void port_start() {
  machine_start();
  stack_paint();
  arena_init(image_end, static_cast<size_t>(ram_end - image_end));
  if (!virtio_rng::start()) {
    give_up("no entropy device: keys can't be made; start QEMU with -device virtio-rng-device\n");
  }
  if (!network::start()) {
    give_up("no network device: start QEMU with -device virtio-net-device and with "
            "-global virtio-mmio.force-legacy=false\n");
  }
  feed_watchdog();
}

PortMemory port_memory() {
  arena_stats arena;
  arena_get_stats(&arena);
  const network::Heap heap = network::heap();
  return {static_cast<uint32_t>(image_end - data_start),
          static_cast<uint32_t>(stack_top - stack_bottom),
          stack_high_water(),
          heap.size,
          heap.most,
          arena.size,
          arena.top};
}

/** lwIP's: ports, sequence numbers and DNS ids that others can't guess. */
extern "C" uint32_t chance32(void) {
  static uint32_t pool[8];
  static uint32_t left;
  if (left == 0) {
    if (!port::entropy(reinterpret_cast<uint8_t*>(pool), sizeof pool)) port::restart();
    left = sizeof pool / sizeof pool[0];
  }
  return pool[--left];
}

/** From start_flash.S: code, data or stack went where nothing is. */
extern "C" [[noreturn]] void machine_fault(uint32_t cause, uint32_t pc, uint32_t address) {
  static const char DIGITS[] = "0123456789abcdef";
  const uint32_t values[] = {cause, pc, address};
  say("\nfault: cause, at, address");
  for (uint32_t value : values) {
    serial_write(' ');
    for (int shift = 28; shift >= 0; shift -= 4)
      serial_write(static_cast<uint8_t>(DIGITS[value >> shift & 15]));
  }
  say("; starting anew\n");
  machine_restart();
}

/** From start_flash.S: port::wait was not reached for WATCHDOG_MS. */
extern "C" [[noreturn]] void machine_watchdog(void) {
  say("\nwatchdog: nothing moved for 10 s; starting anew\n");
  machine_restart();
}

namespace port {

uint32_t now_ms() {
  return static_cast<uint32_t>(machine_time() / MACHINE_TICKS_PER_MS);
}

Platform platform() {
  return {"virt-rv32", "QEMU virt"};
}

bool entropy(uint8_t* to, size_t bytes) {
  return virtio_rng::fill(to, bytes);
}

static uint32_t until(uint32_t deadline_ms) {
  const int32_t left = static_cast<int32_t>(deadline_ms - now_ms());
  return left > 0 ? static_cast<uint32_t>(left) : 0;
}

void wait(uint32_t most_ms) {
  const uint32_t begun_ms = now_ms();
  /* Longer ones than a day come back early, which wait may. */
  const uint32_t deadline_ms = begun_ms + (most_ms < 86'400'000 ? most_ms : 86'400'000);
  for (;;) {
    network::poll();
    if (network::take_news() || serial_has_data() || until(deadline_ms) == 0) break;
    const uint32_t rest_ms = network::rest_ms();
    const uint32_t left_ms = until(deadline_ms);
    const uint32_t sleep_ms = rest_ms < left_ms ? rest_ms : left_ms;
    machine_sleep_until(machine_time() + uint64_t{sleep_ms} * MACHINE_TICKS_PER_MS);
    machine_end_interrupts();
  }
  feed_watchdog();
}

void restart() {
  machine_restart();
}

int console_read() {
  return serial_has_data() ? serial_read() : -1;
}

void console_write(const char* text, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) serial_write(static_cast<uint8_t>(text[i]));
}

Network network() {
  return {network::is_up(), network::changes()};
}

} // namespace port
