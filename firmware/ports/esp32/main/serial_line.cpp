/* SPDX-License-Identifier: Apache-2.0
 *
 * The console of port.h: UART 0, or the USB port that newer chips bring. Which one is the board's
 * configuration (CONFIG_ESP_CONSOLE_*). Before it: core/console.cpp and every message. After it:
 * ESP-IDF's drivers. Neither call blocks: what there is no room for is lost.
 */
#include "platform.h"
#include "port.h"

#include "sdkconfig.h"

#if CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG
#include "driver/usb_serial_jtag.h"
#else
#include "driver/uart.h"
#endif

namespace {

constexpr size_t RECEIVE_BYTES = 256;
constexpr size_t SEND_BYTES = 2048;

} // namespace

#if CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG

void platform_start_console() {
  usb_serial_jtag_driver_config_t config = {};
  config.rx_buffer_size = RECEIVE_BYTES;
  config.tx_buffer_size = SEND_BYTES;
  (void)usb_serial_jtag_driver_install(&config); // without it there is nobody to tell
}

int port::console_read() {
  uint8_t byte;
  return usb_serial_jtag_read_bytes(&byte, 1, 0) == 1 ? byte : -1;
}

void port::console_write(const char* text, size_t bytes) {
  (void)usb_serial_jtag_write_bytes(text, bytes, 0);
}

#else

void platform_start_console() {
  (void)uart_driver_install(UART_NUM_0, RECEIVE_BYTES, SEND_BYTES, 0, nullptr, 0);
}

int port::console_read() {
  uint8_t byte;
  return uart_read_bytes(UART_NUM_0, &byte, 1, 0) == 1 ? byte : -1;
}

void port::console_write(const char* text, size_t bytes) {
  size_t room = 0;
  if (uart_get_tx_buffer_free_size(UART_NUM_0, &room) != ESP_OK) return;
  (void)uart_write_bytes(UART_NUM_0, text, bytes < room ? bytes : room);
}

#endif
