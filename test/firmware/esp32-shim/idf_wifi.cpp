/* SPDX-License-Identifier: Apache-2.0
 *
 * Wi-Fi for the tests of the ESP32 port: one access point, which a test moves out of reach, and
 * which looks at name and password. Before it: wifi.cpp. After it: the handlers that wifi.cpp
 * registered, called on a thread of their own as the real driver does.
 */
#include "shim.h"

#include <pthread.h>
#include <string.h>

ShimWifi shim_wifi;
esp_event_base_t const WIFI_EVENT = "WIFI_EVENT";
esp_event_base_t const IP_EVENT = "IP_EVENT";

struct esp_netif {};

namespace {

constexpr uint32_t ADDRESS = 0x0500a8c0; // 192.168.0.5 as bytes in network order

esp_netif netif;
esp_event_handler_t on_wifi_event;
esp_event_handler_t on_ip_event;
bool is_started;
bool is_joined;
bool is_trying;
bool has_address;

struct Event {
  esp_event_handler_t handler;
  esp_event_base_t base;
  int32_t id;
  void* data;
};

void* deliver(void* argument) {
  const Event* event = static_cast<Event*>(argument);
  event->handler(nullptr, event->base, event->id, event->data);
  return nullptr;
}

void post(esp_event_handler_t handler, esp_event_base_t base, int32_t id, void* data) {
  Event event = {handler, base, id, data};
  pthread_t driver;
  if (pthread_create(&driver, nullptr, deliver, &event) == 0) pthread_join(driver, nullptr);
}

void disconnect(uint8_t reason) {
  wifi_event_sta_disconnected_t event = {reason};
  is_joined = is_trying = has_address = false;
  post(on_wifi_event, WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, &event);
}

bool is_text(const uint8_t* bytes, size_t most, const char* text) {
  return strlen(text) <= most && strncmp(reinterpret_cast<const char*>(bytes), text, most) == 0;
}

/** What the access point answers: 0, or a reason. */
uint8_t refusal() {
  const auto& sta = shim_wifi.config.sta;
  if (!shim_wifi.is_in_reach) return WIFI_REASON_NO_AP_FOUND;
  if (!is_text(sta.ssid, sizeof sta.ssid, shim_wifi.ssid)) return WIFI_REASON_NO_AP_FOUND;
  bool is_open = shim_wifi.password[0] == 0;
  if (is_open && sta.threshold.authmode != WIFI_AUTH_OPEN)
    return WIFI_REASON_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD;
  bool knows = is_text(sta.password, sizeof sta.password, shim_wifi.password);
  return knows ? 0 : static_cast<uint8_t>(WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT);
}

void count_try() {
  uint64_t pause = shim_now_ms - shim_wifi.last_try_ms;
  if (shim_wifi.tries > 0 && pause > shim_wifi.longest_ms) shim_wifi.longest_ms = pause;
  shim_wifi.last_try_ms = shim_now_ms;
  shim_wifi.tries++;
  if (is_trying || is_joined) shim_wifi.rejoined++;
}

} // namespace

void shim_wifi_lose(uint8_t reason) {
  disconnect(reason);
}

void shim_wifi_lose_address() {
  has_address = false;
  post(on_ip_event, IP_EVENT, IP_EVENT_STA_LOST_IP, nullptr);
}

esp_err_t esp_event_loop_create_default() {
  return ESP_OK;
}

esp_err_t esp_event_handler_register(esp_event_base_t base, int32_t, esp_event_handler_t handler,
                                     void*) {
  (base == WIFI_EVENT ? on_wifi_event : on_ip_event) = handler;
  return ESP_OK;
}

esp_err_t esp_netif_init() {
  return ESP_OK;
}

esp_netif_t* esp_netif_create_default_wifi_sta() {
  return &netif;
}

esp_err_t esp_netif_get_ip_info(esp_netif_t* of, esp_netif_ip_info_t* out) {
  if (of != &netif || !has_address) return ESP_FAIL;
  out->ip.addr = ADDRESS;
  return ESP_OK;
}

esp_err_t esp_wifi_init(const wifi_init_config_t*) {
  return shim_wifi.is_broken ? ESP_ERR_NO_MEM : ESP_OK;
}

esp_err_t esp_wifi_set_storage(wifi_storage_t storage) {
  return storage == WIFI_STORAGE_RAM ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_wifi_set_mode(wifi_mode_t mode) {
  return mode == WIFI_MODE_STA ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_wifi_set_config(wifi_interface_t, wifi_config_t* config) {
  shim_wifi.config = *config;
  return ESP_OK;
}

esp_err_t esp_wifi_set_ps(wifi_ps_type_t) {
  return ESP_OK;
}

esp_err_t esp_wifi_start() {
  is_started = true;
  return ESP_OK;
}

esp_err_t esp_wifi_connect() {
  if (!is_started) return ESP_ERR_INVALID_STATE;
  count_try();
  is_trying = true;
  uint8_t reason = refusal();
  if (reason != 0) {
    disconnect(reason);
    return ESP_OK;
  }
  if (!shim_wifi.has_dhcp) return ESP_OK;
  is_trying = false;
  is_joined = has_address = true;
  post(on_ip_event, IP_EVENT, IP_EVENT_STA_GOT_IP, nullptr);
  return ESP_OK;
}

esp_err_t esp_wifi_disconnect() {
  disconnect(WIFI_REASON_ASSOC_LEAVE);
  return ESP_OK;
}
