/* SPDX-License-Identifier: Apache-2.0
 *
 * What main.cpp starts before the device: console, radio, watchdog. Before it: main.cpp. After it:
 * serial_line.cpp and platform.cpp, which keep port.h.
 */
#ifndef SEALEDTUNNEL_ESP32_PLATFORM_H
#define SEALEDTUNNEL_ESP32_PLATFORM_H

/** Takes the serial line, UART or USB as the board's configuration has it. */
void platform_start_console();

/** Switches the radio on and reads the credentials; a failure is told. */
void platform_start_radio();

/** From now on the calling task restarts the device unless it comes to port::wait in time. */
void platform_watch_task();

#endif
