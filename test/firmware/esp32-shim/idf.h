/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ESP32 port uses of ESP-IDF, declared for a desktop: names and meanings as Espressif's
 * documentation has them, written for these tests, and no more than the port needs (npm run
 * check:esp32 holds the port against the real headers). Before it: firmware/ports/esp32. After it:
 * idf.cpp. esp32.test.ts puts this under the name of each header that the port includes.
 */
#ifndef SEALEDTUNNEL_SHIM_IDF_H
#define SEALEDTUNNEL_SHIM_IDF_H

#include <stddef.h>
#include <stdint.h>

/* sdkconfig.h */
#define CONFIG_IDF_TARGET "esp32"

/* esp_err.h */
typedef int esp_err_t;
#define ESP_OK 0
#define ESP_FAIL (-1)
#define ESP_ERR_NO_MEM 0x101
#define ESP_ERR_INVALID_STATE 0x103
#define ESP_ERR_NVS_NOT_FOUND 0x1102
#define ESP_ERR_NVS_INVALID_LENGTH 0x110c
#define ESP_ERR_NVS_NEW_VERSION_FOUND 0x1110
const char* esp_err_to_name(esp_err_t code);

/* nvs.h, nvs_flash.h */
typedef uint32_t nvs_handle_t;
typedef enum { NVS_READONLY, NVS_READWRITE } nvs_open_mode_t;
esp_err_t nvs_flash_init();
esp_err_t nvs_flash_erase();
esp_err_t nvs_flash_init_partition(const char* partition);
esp_err_t nvs_flash_deinit_partition(const char* partition);
esp_err_t nvs_flash_erase_partition(const char* partition);
esp_err_t nvs_open_from_partition(const char* partition, const char* space, nvs_open_mode_t mode,
                                  nvs_handle_t* out);
void nvs_close(nvs_handle_t handle);
esp_err_t nvs_get_blob(nvs_handle_t handle, const char* key, void* out, size_t* length);
esp_err_t nvs_set_blob(nvs_handle_t handle, const char* key, const void* value, size_t length);
esp_err_t nvs_erase_key(nvs_handle_t handle, const char* key);
esp_err_t nvs_commit(nvs_handle_t handle);

/* esp_event.h */
typedef const char* esp_event_base_t;
typedef void (*esp_event_handler_t)(void* arg, esp_event_base_t base, int32_t id, void* data);
extern esp_event_base_t const WIFI_EVENT;
extern esp_event_base_t const IP_EVENT;
#define ESP_EVENT_ANY_ID (-1)
enum { WIFI_EVENT_STA_START = 2, WIFI_EVENT_STA_DISCONNECTED = 5 };
enum { IP_EVENT_STA_GOT_IP = 0, IP_EVENT_STA_LOST_IP = 1 };
esp_err_t esp_event_loop_create_default();
esp_err_t esp_event_handler_register(esp_event_base_t base, int32_t id, esp_event_handler_t handler,
                                     void* arg);

/* esp_netif.h */
typedef struct esp_netif esp_netif_t;
typedef struct {
  uint32_t addr;
} esp_ip4_addr_t;
typedef struct {
  esp_ip4_addr_t ip, netmask, gw;
} esp_netif_ip_info_t;
esp_err_t esp_netif_init();
esp_netif_t* esp_netif_create_default_wifi_sta();
esp_err_t esp_netif_get_ip_info(esp_netif_t* netif, esp_netif_ip_info_t* out);

/* esp_wifi.h */
typedef struct {
  int unused;
} wifi_init_config_t;
#define WIFI_INIT_CONFIG_DEFAULT()                                                                 \
  { 0 }
typedef enum { WIFI_STORAGE_FLASH, WIFI_STORAGE_RAM } wifi_storage_t;
typedef enum { WIFI_MODE_NULL, WIFI_MODE_STA } wifi_mode_t;
typedef enum { WIFI_IF_STA } wifi_interface_t;
typedef enum { WIFI_PS_NONE, WIFI_PS_MIN_MODEM } wifi_ps_type_t;
typedef enum { WIFI_FAST_SCAN, WIFI_ALL_CHANNEL_SCAN } wifi_scan_method_t;
typedef enum { WIFI_AUTH_OPEN = 0, WIFI_AUTH_WPA2_PSK = 3 } wifi_auth_mode_t;
typedef enum { WPA3_SAE_PWE_BOTH = 3 } wifi_sae_pwe_method_t;
enum {
  WIFI_REASON_ASSOC_LEAVE = 8,
  WIFI_REASON_MIC_FAILURE = 14,
  WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT = 15,
  WIFI_REASON_BEACON_TIMEOUT = 200,
  WIFI_REASON_NO_AP_FOUND = 201,
  WIFI_REASON_AUTH_FAIL = 202,
  WIFI_REASON_HANDSHAKE_TIMEOUT = 204,
  WIFI_REASON_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD = 211,
};
typedef struct {
  uint8_t reason;
} wifi_event_sta_disconnected_t;
typedef struct {
  struct {
    uint8_t ssid[32];
    uint8_t password[64];
    wifi_scan_method_t scan_method;
    struct {
      wifi_auth_mode_t authmode;
    } threshold;
    wifi_sae_pwe_method_t sae_pwe_h2e;
  } sta;
} wifi_config_t;
esp_err_t esp_wifi_init(const wifi_init_config_t* config);
esp_err_t esp_wifi_set_storage(wifi_storage_t storage);
esp_err_t esp_wifi_set_mode(wifi_mode_t mode);
esp_err_t esp_wifi_set_config(wifi_interface_t interface, wifi_config_t* config);
esp_err_t esp_wifi_set_ps(wifi_ps_type_t type);
esp_err_t esp_wifi_start();
esp_err_t esp_wifi_connect();
esp_err_t esp_wifi_disconnect();

/* esp_random.h, bootloader_random.h, esp_system.h, esp_timer.h, esp_heap_caps.h */
uint32_t esp_random();
void esp_fill_random(void* to, size_t bytes);
void bootloader_random_enable();
void bootloader_random_disable();
[[noreturn]] void esp_restart();
int64_t esp_timer_get_time();
#define MALLOC_CAP_8BIT (1u << 2)
#define MALLOC_CAP_SPIRAM (1u << 10)
#define MALLOC_CAP_INTERNAL (1u << 11)
size_t heap_caps_get_free_size(uint32_t caps);
void* heap_caps_malloc(size_t bytes, uint32_t caps);

/* esp_task_wdt.h, freertos/ */
typedef struct {
  uint32_t timeout_ms;
  uint32_t idle_core_mask;
  bool trigger_panic;
} esp_task_wdt_config_t;
typedef void* TaskHandle_t;
typedef int BaseType_t;
typedef unsigned UBaseType_t;
typedef void (*TaskFunction_t)(void* argument);
#define pdPASS 1
#define tskIDLE_PRIORITY 0u
esp_err_t esp_task_wdt_init(const esp_task_wdt_config_t* config);
esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t* config);
esp_err_t esp_task_wdt_add(TaskHandle_t task);
esp_err_t esp_task_wdt_reset();
BaseType_t xTaskCreate(TaskFunction_t work, const char* name, uint32_t stack, void* argument,
                       UBaseType_t priority, TaskHandle_t* out);
void vTaskDelete(TaskHandle_t task);

/* driver/uart.h */
#define UART_NUM_0 0
esp_err_t uart_driver_install(int port, int receive, int send, int queue, void* out, int flags);
int uart_read_bytes(int port, void* to, uint32_t most, uint32_t ticks);
int uart_write_bytes(int port, const void* from, size_t bytes);
esp_err_t uart_get_tx_buffer_free_size(int port, size_t* out);

#endif
