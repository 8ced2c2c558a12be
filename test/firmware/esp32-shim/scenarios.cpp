/* SPDX-License-Identifier: Apache-2.0
 *
 * The ESP32 port on a desktop: records, Wi-Fi, watchdog, start, as scenarios that esp32.test.ts
 * runs by name, one a process. Before it: esp32.test.ts. After it: firmware/ports/esp32 over idf.h.
 * A broken expectation ends the program with its line.
 */
#include "platform.h"
#include "port.h"
#include "records.h"
#include "shim.h"
#include "sockets_bsd.h"
#include "wifi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern "C" void app_main();

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      printf("line %d: not so: %s\n", __LINE__, #condition);                                       \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

namespace {

using port::Record;
using port::RECORD_MOST;

uint8_t before[RECORD_MOST];
uint8_t after[RECORD_MOST];
uint8_t found[RECORD_MOST];

void fill() {
  for (size_t i = 0; i < RECORD_MOST; i++) {
    before[i] = static_cast<uint8_t>(i * 7 + 1);
    after[i] = static_cast<uint8_t>(i * 11 + 5);
  }
}

bool holds(Record record, const uint8_t* expected, int32_t bytes) {
  memset(found, 0xa5, sizeof found);
  if (port::load(record, found, sizeof found) != bytes) return false;
  return memcmp(found, expected, static_cast<size_t>(bytes)) == 0;
}

void set_wifi(const char* ssid, const char* password) {
  uint8_t record[2 + 32 + 64];
  size_t name = strlen(ssid);
  size_t secret = strlen(password);
  record[0] = static_cast<uint8_t>(name);
  memcpy(record + 1, ssid, name);
  record[1 + name] = static_cast<uint8_t>(secret);
  memcpy(record + 2 + name, password, secret);
  EXPECT(port::save(Record::Wifi, record, 2 + name + secret));
}

void offer(const char* ssid, const char* password) {
  shim_wifi = {};
  shim_wifi.is_in_reach = shim_wifi.has_dhcp = true;
  shim_wifi.ssid = ssid;
  shim_wifi.password = password;
}

/** Lets the device's loop rest until the network is so, `most_ms` at most. */
bool until(bool is_up, uint64_t most_ms) {
  uint64_t end = shim_now_ms + most_ms;
  while (shim_now_ms < end && port::network().is_up != is_up) port::wait(100);
  return port::network().is_up == is_up;
}

void start_joined() {
  platform_start_console();
  EXPECT(records_start());
  set_wifi("hall", "correct horse");
  offer("hall", "correct horse");
  platform_start_radio();
  EXPECT(until(true, 1000));
}

void joins() {
  start_joined();
  port::wait(0);
  EXPECT(shim_wifi.tries == 1);
  EXPECT(port::network().changes == 1);
  EXPECT(shim_wifi.config.sta.threshold.authmode == WIFI_AUTH_WPA2_PSK);
  sockets::Address own = {{192, 168, 0, 5}, 4, 0};
  sockets::Address other = {{192, 168, 0, 6}, 4, 0};
  EXPECT(port_interface_has(own) && !port_interface_has(other));
  sockets::Address named = {};
  EXPECT(port_interface_named("wlan0", &named) == sockets::Interface::Found);
  EXPECT(named.host_bytes == 4 && memcmp(named.host, own.host, 4) == 0);
  EXPECT(port_interface_named("eth0", &named) == sockets::Interface::Unknown);
  shim_wifi_lose(WIFI_REASON_BEACON_TIMEOUT);
  EXPECT(port_interface_named("wlan0", &named) == sockets::Interface::NoAddress);
}

/** Fifty times: lost, a while without it, back. */
void comes_back() {
  start_joined();
  for (uint32_t i = 0; i < 50; i++) {
    shim_wifi.is_in_reach = false;
    shim_wifi_lose(WIFI_REASON_BEACON_TIMEOUT);
    EXPECT(!port::network().is_up);
    EXPECT(!until(true, 1000 + i * 2000));
    shim_wifi.is_in_reach = true;
    EXPECT(until(true, 38000));
    EXPECT(port::network().changes == 3 + 2 * i);
  }
  EXPECT(shim_wifi.rejoined == 0);
  EXPECT(shim_wifi.longest_ms <= 38000);
}

void is_back_at_once() {
  start_joined();
  uint64_t lost_at = shim_now_ms;
  shim_wifi_lose(WIFI_REASON_BEACON_TIMEOUT);
  EXPECT(until(true, 1000));
  EXPECT(shim_now_ms - lost_at <= 200);
}

void wrong_password() {
  start_joined();
  shim_wifi.password = "another";
  shim_wifi_lose(WIFI_REASON_BEACON_TIMEOUT);
  EXPECT(!until(true, 60000));
  EXPECT(shim_wifi.tries > 3 && shim_wifi.rejoined == 0);
  set_wifi("hall", "another");
  EXPECT(until(true, 1000));
}

void no_credentials() {
  platform_start_console();
  EXPECT(records_start());
  offer("hall", "correct horse");
  platform_start_radio();
  EXPECT(!until(true, 60000));
  EXPECT(shim_wifi.tries == 0);
  uint8_t bytes[32];
  EXPECT(port::entropy(bytes, sizeof bytes)); // the radio is on all the same
  set_wifi("hall", "correct horse");
  EXPECT(until(true, 1000));
}

/** Lengths that point outside of the record, empty names, bytes to spare: none is joined with. */
void damaged_credentials() {
  platform_start_console();
  EXPECT(records_start());
  offer("", "");
  const uint8_t records[][6] = {{0, 0},       {200, 'a', 0}, {1, 'a', 9, 'x'},
                                {33, 'a', 1}, {1, 'a', 1},   {1, 'a', 0, 0}};
  const size_t bytes[] = {2, 3, 4, 3, 3, 4};
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
    EXPECT(port::save(Record::Wifi, records[i], bytes[i]));
    if (i == 0) platform_start_radio();
    EXPECT(!until(true, 2000));
    EXPECT(shim_wifi.tries == 0);
  }
}

void open_in_place_of_protected() {
  start_joined();
  shim_wifi.password = "";
  shim_wifi_lose(WIFI_REASON_BEACON_TIMEOUT);
  EXPECT(!until(true, 60000));
}

void no_address() {
  start_joined();
  shim_wifi.has_dhcp = false;
  shim_wifi_lose(WIFI_REASON_BEACON_TIMEOUT);
  EXPECT(!until(true, 70000));
  EXPECT(shim_wifi.tries >= 3 && shim_wifi.rejoined == 0);
  shim_wifi.has_dhcp = true;
  EXPECT(until(true, 60000));
  shim_wifi_lose_address();
  EXPECT(!port::network().is_up);
}

void no_radio() {
  platform_start_console();
  EXPECT(records_start());
  offer("hall", "");
  shim_wifi.is_broken = true;
  uint8_t bytes[32];
  EXPECT(port::entropy(bytes, sizeof bytes)); // from the ADC, before the radio was tried
  EXPECT(shim_machine.has_noise && shim_machine.adc_noise == 0);
  platform_start_radio();
  EXPECT(!port::entropy(bytes, sizeof bytes));
  EXPECT(!until(true, 5000));
  shim_wifi.is_broken = false;
  EXPECT(shim_machine.adc_uses == 1);
}

/** A save whose calls fail one after the other: what it says is what is there, now and after. */
void save_fails() {
  fill();
  EXPECT(records_start());
  for (uint32_t way = 0; way < 4; way++) {
    for (uint32_t at = 1; at <= 6; at++) {
      EXPECT(port::save(Record::Identity, before, 64));
      shim_flash.calls = 0;
      shim_flash.fail_at = at;
      shim_flash.is_without_power = (way & 1) != 0;
      shim_flash.keeps_what_failed = (way & 2) != 0;
      bool is_saved = port::save(Record::Identity, after, 96);
      bool is_new = holds(Record::Identity, after, 96);
      EXPECT(is_saved == is_new);
      EXPECT(is_new || holds(Record::Identity, before, 64));
      shim_flash_restart();
      EXPECT(records_start());
      EXPECT(is_new ? holds(Record::Identity, after, 96) : holds(Record::Identity, before, 64));
    }
  }
}

/** The same for removing: the record before, or none. */
void remove_fails() {
  fill();
  EXPECT(records_start());
  for (uint32_t at = 1; at <= 4; at++) {
    EXPECT(port::save(Record::Code, before, 20) && port::save(Record::Code, after, 20));
    shim_flash.calls = 0;
    shim_flash.fail_at = at;
    shim_flash.is_without_power = true;
    bool is_gone = port::save(Record::Code, nullptr, 0);
    bool is_there = holds(Record::Code, after, 20);
    EXPECT(is_there || port::load(Record::Code, found, sizeof found) == -1);
    EXPECT(!is_gone || !is_there);
    shim_flash_restart();
  }
}

void damaged_value() {
  fill();
  EXPECT(records_start());
  EXPECT(port::save(Record::Configuration, before, RECORD_MOST));
  EXPECT(holds(Record::Configuration, before, RECORD_MOST));
  EXPECT(port::load(Record::Configuration, found, RECORD_MOST - 1) == port::TOO_LONG);
  EXPECT(!port::save(Record::Configuration, before, RECORD_MOST + 1));
  EXPECT(shim_flash_damage("r3a"));
  EXPECT(port::load(Record::Configuration, found, sizeof found) == -1);
  EXPECT(port::save(Record::Configuration, after, 1));
  EXPECT(holds(Record::Configuration, after, 1));
}

/** A partition that can't be read is left as it is, until a person resets the device. */
void unreadable_partition() {
  fill();
  platform_start_console();
  EXPECT(records_start() && port::save(Record::Identity, before, 64));
  shim_flash.open_error = ESP_ERR_NVS_NEW_VERSION_FOUND;
  EXPECT(!records_start());
  EXPECT(port::load(Record::Identity, found, sizeof found) == -1);
  EXPECT(!port::save(Record::Identity, after, 64));
  EXPECT(shim_flash.erased_identity == 0 && shim_flash_values() == 1);
  EXPECT(port::forget_all());
  EXPECT(shim_flash.erased_identity == 1 && shim_flash_values() == 0);
  EXPECT(port::save(Record::Identity, after, 64) && holds(Record::Identity, after, 64));
}

void starts() {
  EXPECT(shim_machine.watched == 0);
  app_main();
  EXPECT(shim_join_task());
}

void starts_in_psram() {
  shim_machine.internal_free = 180 * 1024;
  shim_machine.psram_free = 4096 * 1024;
  app_main();
  EXPECT(shim_join_task());
}

void has_no_memory() {
  shim_machine.internal_free = 180 * 1024;
  app_main();
  EXPECT(!shim_join_task());
}

void asks_aside() {
  static uint32_t done;
  auto work = [](void* entry) -> void* {
    *static_cast<uint32_t*>(entry) += 1;
    return nullptr;
  };
  for (uint32_t i = 1; i <= 20; i++) {
    EXPECT(port_run_aside(work, &done));
    EXPECT(shim_join_task() && done == i);
  }
  shim_machine.refuses_tasks = true;
  for (uint32_t i = 0; i < 20; i++) EXPECT(!port_run_aside(work, &done));
  shim_machine.refuses_tasks = false;
  EXPECT(port_run_aside(work, &done) && shim_join_task() && done == 21);
}

struct Scenario {
  const char* name;
  void (*run)();
};

constexpr Scenario SCENARIOS[] = {
    {"joins", joins},
    {"comes-back", comes_back},
    {"is-back-at-once", is_back_at_once},
    {"wrong-password", wrong_password},
    {"no-credentials", no_credentials},
    {"damaged-credentials", damaged_credentials},
    {"open-in-place-of-protected", open_in_place_of_protected},
    {"no-address", no_address},
    {"no-radio", no_radio},
    {"save-fails", save_fails},
    {"remove-fails", remove_fails},
    {"damaged-value", damaged_value},
    {"unreadable-partition", unreadable_partition},
    {"starts", starts},
    {"starts-in-psram", starts_in_psram},
    {"has-no-memory", has_no_memory},
    {"asks-aside", asks_aside},
};

} // namespace

/** In the place of core/device.cpp: some turns of its loop, and what the watchdog has seen. */
void device_run() {
  uint32_t fed = shim_machine.fed;
  for (uint32_t turn = 1; turn <= 100; turn++) {
    uint64_t rested_at = shim_now_ms;
    port::wait(60000);
    EXPECT(shim_machine.fed == fed + turn);
    EXPECT(shim_now_ms - rested_at < shim_machine.watchdog.timeout_ms);
  }
  EXPECT(shim_machine.watched == 1 && shim_machine.watchdog.trigger_panic);
  port::restart();
}

int main(int count, char** words) {
  for (const Scenario& scenario : SCENARIOS) {
    if (count != 2 || strcmp(words[1], scenario.name) != 0) continue;
    scenario.run();
    return 0;
  }
  printf("there is no such scenario\n");
  return 2;
}
