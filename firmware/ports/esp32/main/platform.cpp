/* SPDX-License-Identifier: Apache-2.0
 *
 * port.h on ESP-IDF, but for the records and the console: time, chance, rest, restart, network; and
 * what sockets_bsd.cpp asks of a port. Before it: core/. After it: FreeRTOS, the task watchdog,
 * wifi.cpp.
 */
#include "platform.h"
#include "log.h"
#include "port.h"
#include "sockets_bsd.h"
#include "wifi.h"

#include "bootloader_random.h"
#include "esp_random.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#include <string.h>

namespace {

/** How long a key that is pressed or a change of the network waits: nothing wakes `select` for it.
 */
constexpr uint32_t LOOK_MS = 100;
constexpr uint32_t WATCHDOG_MS = 20000;
constexpr uint32_t ASIDE_STACK_BYTES = 4096;
/** Look-ups of names at once. */
constexpr int ASIDE_MOST = 4;
/** What a Binding calls the station. */
constexpr char INTERFACE[] = "wlan0";

struct Aside {
  void* (*work)(void* entry);
  void* entry;
  uint32_t is_taken;
};

Aside asides[ASIDE_MOST];
bool has_tried_radio;

void run_aside(void* argument) {
  Aside* aside = static_cast<Aside*>(argument);
  (void)aside->work(aside->entry);
  __atomic_store_n(&aside->is_taken, 0u, __ATOMIC_RELEASE);
  vTaskDelete(nullptr);
}

Aside* free_aside() {
  for (Aside& aside : asides) {
    if (__atomic_exchange_n(&aside.is_taken, 1u, __ATOMIC_ACQ_REL) == 0) return &aside;
  }
  return nullptr;
}

} // namespace

void platform_watch_task() {
  esp_task_wdt_config_t config = {};
  config.timeout_ms = WATCHDOG_MS;
  config.trigger_panic = true; // which restarts the device
  // The project's configuration may have started it already, with its own time.
  esp_err_t error = esp_task_wdt_reconfigure(&config);
  if (error == ESP_ERR_INVALID_STATE) error = esp_task_wdt_init(&config);
  if (error == ESP_OK) error = esp_task_wdt_add(nullptr);
  if (error == ESP_OK) return;
  LogLine(LogLevel::Warn).text("no watchdog: ").text(esp_err_to_name(error));
}

void platform_start_radio() {
  has_tried_radio = true;
  (void)wifi_start(); // it has said why not; the console still works
}

uint32_t port::now_ms() {
  return static_cast<uint32_t>(esp_timer_get_time() / 1000);
}

/** True chance has noise from the radio, or before it is on from the ADC. Not from both at once. */
port::Platform port::platform() {
  return {"ESP-IDF", CONFIG_IDF_TARGET};
}

bool port::entropy(uint8_t* to, size_t bytes) {
  if (wifi_has_radio()) {
    esp_fill_random(to, bytes);
    return true;
  }
  // The camera of an ESP32 uses what the ADC's noise needs: without a radio there is no chance.
  if (has_tried_radio) return false;
  bootloader_random_enable();
  esp_fill_random(to, bytes);
  bootloader_random_disable();
  return true;
}

void port::wait(uint32_t most_ms) {
  (void)esp_task_wdt_reset();
  wifi_turn(now_ms());
  sockets_wait(-1, most_ms < LOOK_MS ? most_ms : LOOK_MS);
}

void port::restart() {
  esp_restart();
}

port::Network port::network() {
  return wifi_network();
}

bool port_run_aside(void* (*work)(void* entry), void* entry) {
  Aside* aside = free_aside();
  if (aside == nullptr) return false;
  aside->work = work;
  aside->entry = entry;
  if (xTaskCreate(run_aside, "aside", ASIDE_STACK_BYTES, aside, tskIDLE_PRIORITY + 1, nullptr) ==
      pdPASS) {
    return true;
  }
  __atomic_store_n(&aside->is_taken, 0u, __ATOMIC_RELEASE);
  return false;
}

bool port_interface_has(const sockets::Address& host) {
  return wifi_has_address(host.host, host.host_bytes);
}

sockets::Interface port_interface_named(const char* name, sockets::Address* at) {
  if (strcmp(name, INTERFACE) != 0) return sockets::Interface::Unknown;
  if (!wifi_address(at->host)) return sockets::Interface::NoAddress;
  at->host_bytes = 4;
  return sockets::Interface::Found;
}
