/* SPDX-License-Identifier: Apache-2.0
 *
 * Where ESP-IDF hands over: memory, console, records, radio, then the device's own task, for ever.
 * Before it: the bootloader. After it: core/device.cpp.
 *
 * Invariant: nothing of the firmware's own allocates outside of the arena that is taken here.
 */
#include "arena.h"
#include "device.h"
#include "log.h"
#include "platform.h"
#include "port.h"
#include "records.h"

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs_flash.h"
#include "sdkconfig.h"

namespace {

#ifdef SEALED_AOT
constexpr size_t ARENA_BYTES = 80 * 1024;
#else
constexpr size_t ARENA_BYTES = 160 * 1024;
#endif
/** For Wi-Fi and lwIP, measured by others at 50 to 70 KB, and ESP-IDF's tasks. */
constexpr size_t INTERNAL_REST = 96 * 1024;
/** Xtensa compilers make no tail calls: the interpreter then goes deep (NOTES.md). */
#if CONFIG_IDF_TARGET_ARCH_XTENSA && !defined(SEALED_AOT)
constexpr uint32_t STACK_BYTES = 28 * 1024;
#else
constexpr uint32_t STACK_BYTES = 12 * 1024;
#endif
constexpr UBaseType_t PRIORITY = 5;

/** The chip's own memory where Wi-Fi still fits beside it, since PSRAM is several times slower. */
void* take_memory() {
  constexpr uint32_t INTERNAL = MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT;
  if (heap_caps_get_free_size(INTERNAL) >= ARENA_BYTES + INTERNAL_REST) {
    void* internal = heap_caps_malloc(ARENA_BYTES, INTERNAL);
    if (internal != nullptr) return internal;
  }
  return heap_caps_malloc(ARENA_BYTES, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT);
}

/** Of Wi-Fi's calibration alone: the device's records have a partition of their own. */
void start_system_records() {
  if (nvs_flash_init() == ESP_OK) return;
  if (nvs_flash_erase() == ESP_OK && nvs_flash_init() == ESP_OK) return;
  LogLine(LogLevel::Warn)
      .text("the partition \"nvs\" can't be used: Wi-Fi calibrates at each start");
}

void run(void*) {
  platform_watch_task();
  device_run();
}

} // namespace

extern "C" void app_main() {
  platform_start_console();
  void* memory = take_memory();
  if (memory == nullptr) {
    LogLine(LogLevel::Error)
        .text("no memory for the arena: this board needs PSRAM, or the aot build");
    return;
  }
  arena_init(memory, ARENA_BYTES);
  start_system_records();
  (void)records_start(); // it has said why not
  platform_start_radio();
  if (xTaskCreate(run, "device", STACK_BYTES, nullptr, PRIORITY, nullptr) == pdPASS) return;
  LogLine(LogLevel::Error).text("no memory for the device's task: this board is too small");
}
