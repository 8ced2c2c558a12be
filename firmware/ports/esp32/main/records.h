/* SPDX-License-Identifier: Apache-2.0
 *
 * What records.cpp gives the ESP32 port beside load, save and forget_all of port.h. Before it:
 * main.cpp. After it: ESP-IDF's NVS, in a partition of its own that flashing leaves alone.
 */
#ifndef SEALEDTUNNEL_ESP32_RECORDS_H
#define SEALEDTUNNEL_ESP32_RECORDS_H

#include <stdint.h>

/** Opens the partition. False, and a line on the console: nothing can be loaded or saved. */
[[nodiscard]] bool records_start();

/** Counts how often the record Wifi was saved or removed. */
uint32_t records_wifi_changes();

#endif
