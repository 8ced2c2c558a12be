/* SPDX-License-Identifier: Apache-2.0
 *
 * The rest of idf.h for the tests of the ESP32 port: clock, chance, heap, watchdog, tasks
 * (threads), serial line (standard output). Before it: platform.cpp, main.cpp, serial_line.cpp.
 * After it: the machine that runs the test.
 */
#include "shim.h"

#include "sockets_bsd.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t shim_now_ms = 1000;
ShimMachine shim_machine = {300 * 1024, 0, 0, 0, {}, 0, 0, false, false};

namespace {

struct Task {
  pthread_t thread;
  TaskFunction_t work;
  void* argument;
  bool is_there;
};

Task task;
bool has_watchdog;
bool has_serial;

void* run_task(void*) {
  task.work(task.argument);
  return nullptr;
}

/** Seeded, so that each run is the same. */
uint32_t next_random() {
  static uint32_t state = 0x2545f491;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

} // namespace

bool shim_join_task() {
  if (!task.is_there) return false;
  task.is_there = false;
  return pthread_join(task.thread, nullptr) == 0;
}

const char* esp_err_to_name(esp_err_t code) {
  return code == ESP_ERR_NVS_NEW_VERSION_FOUND ? "ESP_ERR_NVS_NEW_VERSION_FOUND" : "ESP_FAIL";
}

uint32_t esp_random() {
  return next_random();
}

void esp_fill_random(void* to, size_t bytes) {
  shim_machine.has_noise = shim_machine.adc_noise > 0;
  for (size_t i = 0; i < bytes; i++) static_cast<uint8_t*>(to)[i] = next_random() >> 24 & 0xff;
}

void bootloader_random_enable() {
  shim_machine.adc_noise++;
  shim_machine.adc_uses++;
}

void bootloader_random_disable() {
  shim_machine.adc_noise--;
}

void esp_restart() {
  puts("restarted");
  exit(0);
}

int64_t esp_timer_get_time() {
  return static_cast<int64_t>(shim_now_ms) * 1000;
}

size_t heap_caps_get_free_size(uint32_t caps) {
  return (caps & MALLOC_CAP_SPIRAM) != 0 ? shim_machine.psram_free : shim_machine.internal_free;
}

void* heap_caps_malloc(size_t bytes, uint32_t caps) {
  if (heap_caps_get_free_size(caps) < bytes) return nullptr;
  printf("memory %zu of %s\n", bytes, (caps & MALLOC_CAP_SPIRAM) != 0 ? "PSRAM" : "internal RAM");
  return malloc(bytes);
}

esp_err_t esp_task_wdt_init(const esp_task_wdt_config_t* config) {
  has_watchdog = true;
  shim_machine.watchdog = *config;
  return ESP_OK;
}

esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t* config) {
  return has_watchdog ? esp_task_wdt_init(config) : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_task_wdt_add(TaskHandle_t) {
  shim_machine.watched++;
  return has_watchdog ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_task_wdt_reset() {
  shim_machine.fed++;
  return ESP_OK;
}

BaseType_t xTaskCreate(TaskFunction_t work, const char*, uint32_t, void* argument, UBaseType_t,
                       TaskHandle_t*) {
  if (shim_machine.refuses_tasks) return 0;
  shim_join_task();
  task = {{}, work, argument, true};
  return pthread_create(&task.thread, nullptr, run_task, nullptr) == 0 ? pdPASS : 0;
}

void vTaskDelete(TaskHandle_t) {}

esp_err_t uart_driver_install(int, int, int, int, void*, int) {
  has_serial = true;
  return ESP_OK;
}

int uart_read_bytes(int, void*, uint32_t, uint32_t) {
  return 0;
}

int uart_write_bytes(int, const void* from, size_t bytes) {
  return static_cast<int>(fwrite(from, 1, bytes, stdout));
}

/** A line that was not taken yet has no room. */
esp_err_t uart_get_tx_buffer_free_size(int, size_t* out) {
  *out = 256;
  return has_serial ? ESP_OK : ESP_FAIL;
}

/** No socket ever has news. */
void sockets_wait(int, uint32_t most_ms) {
  shim_now_ms += most_ms;
}
