/* SPDX-License-Identifier: Apache-2.0
 *
 * The Wi-Fi station: joins the network of the record Wifi, and joins it again for ever. Before it:
 * platform.cpp. After it: ESP-IDF's driver, whose events come from a task of its own.
 */
#ifndef SEALEDTUNNEL_ESP32_WIFI_H
#define SEALEDTUNNEL_ESP32_WIFI_H

#include "port.h"

/** Switches the radio on. False, and a line on the console: this device has no network. */
[[nodiscard]] bool wifi_start();

/** The radio is on, so the random number generator has its noise. */
bool wifi_has_radio();

/** Does what is due: joins, gives up, tells. A few milliseconds at most. */
void wifi_turn(uint32_t now_ms);

port::Network wifi_network();

/** Is that an address of the station? */
bool wifi_has_address(const uint8_t* host, uint32_t host_bytes);

/** The station's IPv4 address, 4 bytes. False: it has none now. */
[[nodiscard]] bool wifi_address(uint8_t* host);

#endif
