/* SPDX-License-Identifier: Apache-2.0
 *
 * What a test sees and sets of the machine behind idf.h: its clock, flash, access point, watchdog,
 * heap. Before it: scenarios.cpp. After it: idf.cpp, idf_nvs.cpp, idf_wifi.cpp.
 */
#ifndef SEALEDTUNNEL_SHIM_H
#define SEALEDTUNNEL_SHIM_H

#include "idf.h"

/** Time stands still but for this and for rests (sockets_wait). */
extern uint64_t shim_now_ms;

struct ShimFlash {
  uint32_t calls;         /* that change flash, so far */
  uint32_t fail_at;       /* the call of this number fails; 0: none */
  bool is_without_power;  /* ... and all behind it, until shim_flash_restart */
  bool keeps_what_failed; /* a failed call has happened all the same */
  esp_err_t open_error;   /* of the partition "identity" */
  uint32_t erased_identity;
};
extern ShimFlash shim_flash;
/** Power is back: what a failing run left is what there is. */
void shim_flash_restart();
/** Flips a bit in the middle of a value of "identity". False: no such key. */
bool shim_flash_damage(const char* key);
/** How many values "identity" holds. */
uint32_t shim_flash_values();

struct ShimWifi {
  bool is_in_reach;
  const char* ssid;
  const char* password;
  bool has_dhcp;
  bool is_broken;    /* the radio can't be switched on */
  uint32_t tries;    /* esp_wifi_connect, so far */
  uint32_t rejoined; /* ... while a try was under way: a mistake of the port's */
  uint64_t last_try_ms;
  uint64_t longest_ms; /* between two tries */
  wifi_config_t config;
};
extern ShimWifi shim_wifi;
/** The access point vanishes, or what else ends a connection. */
void shim_wifi_lose(uint8_t reason);
void shim_wifi_lose_address();

struct ShimMachine {
  size_t internal_free, psram_free;
  uint32_t fed;     /* times the watchdog was fed */
  uint32_t watched; /* tasks */
  esp_task_wdt_config_t watchdog;
  uint32_t adc_noise; /* bootloader_random_enable, less _disable */
  uint32_t adc_uses;
  bool has_noise; /* when random bytes were taken last */
  bool refuses_tasks;
};
extern ShimMachine shim_machine;
/** Ends when the task that was begun last ends; false: there is none. */
bool shim_join_task();

#endif
