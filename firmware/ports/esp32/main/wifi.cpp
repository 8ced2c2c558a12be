/* SPDX-License-Identifier: Apache-2.0
 *
 * The Wi-Fi station (see wifi.h). The driver's events come on its own task, which only notes the
 * latest in one word; everything else happens in `wifi_turn`, on the device's task.
 *
 * Invariant: esp_wifi_connect is called in Resting alone, so never twice for one try.
 */
#include "wifi.h"

#include "log.h"
#include "records.h"

#include "esp_event.h"
#include "esp_netif.h"
#include "esp_random.h"
#include "esp_wifi.h"

#include <string.h>

namespace {

enum class Phase : uint8_t {
  Off,     /* no radio */
  Idle,    /* no credentials */
  Resting, /* until the next try */
  Joining,
  Up,
};

/** What the driver said last. */
enum Said : uint32_t { SAID_NOTHING, SAID_UP, SAID_NO_ADDRESS, SAID_LOST };

constexpr uint32_t REST_LEAST_MS = 500;
constexpr uint32_t REST_MOST_MS = 30000;
/** Association and DHCP together; both answer within a few seconds or not at all. */
constexpr uint32_t JOIN_MOST_MS = 20000;

Phase phase = Phase::Off;
uint32_t since;   /* of the phase, ms */
uint32_t wait_ms; /* of a rest */
uint32_t rest_ms; /* the next one, without its chance; 0 at first */
uint32_t seen_word;
uint32_t seen_changes;
uint32_t records_seen;
esp_netif_t* station;

/* Written by the driver's task: count of events, what it was, and why. */
uint32_t word;
uint32_t is_up;
uint32_t changes;

uint32_t count_of(uint32_t w) {
  return w >> 16;
}

uint32_t said_of(uint32_t w) {
  return w >> 8 & 0xff;
}

uint32_t why_of(uint32_t w) {
  return w & 0xff;
}

void set_up(bool up) {
  if (__atomic_exchange_n(&is_up, up ? 1u : 0u, __ATOMIC_ACQ_REL) == (up ? 1u : 0u)) return;
  __atomic_add_fetch(&changes, 1, __ATOMIC_ACQ_REL);
}

/** On the driver's task. */
void note(Said said, uint32_t why) {
  set_up(said == SAID_UP);
  uint32_t count = count_of(__atomic_load_n(&word, __ATOMIC_RELAXED)) + 1;
  __atomic_store_n(&word, count << 16 | said << 8 | (why & 0xff), __ATOMIC_RELEASE);
}

void on_wifi(void*, esp_event_base_t, int32_t id, void* data) {
  if (id != WIFI_EVENT_STA_DISCONNECTED) return;
  note(SAID_LOST, static_cast<wifi_event_sta_disconnected_t*>(data)->reason);
}

void on_ip(void*, esp_event_base_t, int32_t id, void*) {
  if (id == IP_EVENT_STA_GOT_IP) note(SAID_UP, 0);
  if (id == IP_EVENT_STA_LOST_IP) note(SAID_NO_ADDRESS, 0);
}

void enter(Phase next, uint32_t now) {
  phase = next;
  since = now;
}

/** Until the next try: none before the first, then twice the one before, and up to a quarter more.
 */
void rest(uint32_t now) {
  enter(Phase::Resting, now);
  wait_ms = rest_ms + (rest_ms > 0 ? esp_random() % (rest_ms / 4) : 0);
  uint32_t doubled = rest_ms == 0 ? REST_LEAST_MS : rest_ms * 2;
  rest_ms = doubled < REST_MOST_MS ? doubled : REST_MOST_MS;
}

void wipe(void* at, size_t bytes) {
  volatile uint8_t* to = static_cast<uint8_t*>(at);
  for (size_t i = 0; i < bytes; i++) to[i] = 0;
}

/** Reads the record into the driver's form. False: none, or it can't be. */
bool read_credentials(wifi_config_t* to) {
  uint8_t record[2 + sizeof to->sta.ssid + sizeof to->sta.password];
  int32_t bytes = port::load(port::Record::Wifi, record, sizeof record);
  size_t ssid = bytes > 0 ? record[0] : 0;
  bool is_good = ssid > 0 && ssid <= sizeof to->sta.ssid && bytes >= static_cast<int32_t>(2 + ssid);
  size_t password = is_good ? record[1 + ssid] : 0;
  if (password > sizeof to->sta.password || bytes != static_cast<int32_t>(2 + ssid + password)) {
    is_good = false;
  }
  memset(to, 0, sizeof *to);
  if (is_good) {
    memcpy(to->sta.ssid, record + 1, ssid);
    memcpy(to->sta.password, record + 2 + ssid, password);
    to->sta.scan_method = WIFI_ALL_CHANNEL_SCAN;
    // An open network in a protected one's place is not joined.
    to->sta.threshold.authmode = password > 0 ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
    to->sta.sae_pwe_h2e = WPA3_SAE_PWE_BOTH;
  }
  wipe(record, sizeof record);
  return is_good;
}

/** Gives the credentials to the driver, which keeps them in RAM alone. */
void take_credentials(uint32_t now) {
  records_seen = records_wifi_changes();
  bool has_joined = phase == Phase::Joining || phase == Phase::Up;
  if (has_joined) (void)esp_wifi_disconnect();
  wifi_config_t config;
  bool is_good = read_credentials(&config) && esp_wifi_set_config(WIFI_IF_STA, &config) == ESP_OK;
  wipe(&config, sizeof config);
  rest_ms = has_joined ? REST_LEAST_MS : 0; // for the driver to leave the network first
  if (is_good) return rest(now);
  enter(Phase::Idle, now);
  LogLine(LogLevel::Error)
      .text("no Wi-Fi is set, or it can't be used: provision this device by \"sealed device new\"");
}

/** Reasons of IEEE 802.11 and of Espressif, in words. */
const char* meaning(uint32_t why) {
  switch (why) {
  case WIFI_REASON_NO_AP_FOUND:
    return "no network of that name is in reach";
  case WIFI_REASON_MIC_FAILURE:
  case WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT:
  case WIFI_REASON_AUTH_FAIL:
  case WIFI_REASON_HANDSHAKE_TIMEOUT:
    return "the password seems to be wrong: provision it again";
  case WIFI_REASON_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD:
    return "the network is less protected than WPA2, and is not joined";
  case WIFI_REASON_BEACON_TIMEOUT:
    return "the access point is silent";
  default:
    return "";
  }
}

void tell_lost(uint32_t why) {
  bool was_up = phase == Phase::Up;
  LogLine line(was_up ? LogLevel::Warn : LogLevel::Error);
  line.text(was_up ? "Wi-Fi is lost" : "Wi-Fi can't be joined").text(", reason ").number(why);
  if (meaning(why)[0] != 0) line.text(": ").text(meaning(why));
}

void on_news(uint32_t now, uint32_t said, uint32_t why) {
  if (phase != Phase::Joining && phase != Phase::Up) return;
  if (said == SAID_UP) {
    rest_ms = 0;
    enter(Phase::Up, now);
    LogLine(LogLevel::Info).text("Wi-Fi is joined");
  } else if (said == SAID_NO_ADDRESS) {
    enter(Phase::Joining, now);
    LogLine(LogLevel::Warn).text("the Wi-Fi's address is lost; asking for another");
  } else {
    tell_lost(why);
    rest(now);
  }
}

void look_at_news(uint32_t now) {
  uint32_t latest = __atomic_load_n(&word, __ATOMIC_ACQUIRE);
  if (latest == seen_word) return;
  seen_word = latest;
  uint32_t changed = __atomic_load_n(&changes, __ATOMIC_ACQUIRE);
  // It came up and went since the last look: the rest before the next try begins anew.
  if (said_of(latest) != SAID_UP && phase == Phase::Joining && changed != seen_changes) {
    on_news(now, SAID_UP, 0);
  }
  seen_changes = changed;
  on_news(now, said_of(latest), why_of(latest));
}

void join(uint32_t now) {
  enter(Phase::Joining, now);
  esp_err_t error = esp_wifi_connect();
  if (error == ESP_OK) return;
  LogLine(LogLevel::Error).text("Wi-Fi can't be joined: ").text(esp_err_to_name(error));
  rest(now);
}

void give_up(uint32_t now) {
  LogLine(LogLevel::Error).text("the Wi-Fi gave no address within 20 s (DHCP); joining it again");
  (void)esp_wifi_disconnect();
  rest(now);
}

bool begin_driver() {
  wifi_init_config_t config = WIFI_INIT_CONFIG_DEFAULT();
  return esp_wifi_init(&config) == ESP_OK &&
         esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_wifi, nullptr) == ESP_OK &&
         esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, on_ip, nullptr) == ESP_OK &&
         esp_wifi_set_storage(WIFI_STORAGE_RAM) == ESP_OK &&
         esp_wifi_set_mode(WIFI_MODE_STA) == ESP_OK && esp_wifi_start() == ESP_OK &&
         // A radio that sleeps between beacons adds up to 300 ms to each round trip.
         esp_wifi_set_ps(WIFI_PS_NONE) == ESP_OK;
}

} // namespace

bool wifi_start() {
  bool is_on = esp_netif_init() == ESP_OK && esp_event_loop_create_default() == ESP_OK;
  station = is_on ? esp_netif_create_default_wifi_sta() : nullptr;
  if (station == nullptr || !begin_driver()) {
    LogLine(LogLevel::Error).text("the radio can't be switched on: this device has no network");
    return false;
  }
  take_credentials(port::now_ms());
  return true;
}

bool wifi_has_radio() {
  return phase != Phase::Off;
}

void wifi_turn(uint32_t now) {
  if (phase == Phase::Off) return;
  if (records_seen != records_wifi_changes()) take_credentials(now);
  look_at_news(now);
  if (phase == Phase::Resting && now - since >= wait_ms) return join(now);
  if (phase == Phase::Joining && now - since >= JOIN_MOST_MS) give_up(now);
}

port::Network wifi_network() {
  return {__atomic_load_n(&is_up, __ATOMIC_ACQUIRE) != 0,
          __atomic_load_n(&changes, __ATOMIC_ACQUIRE)};
}

bool wifi_has_address(const uint8_t* host, uint32_t host_bytes) {
  esp_netif_ip_info_t info;
  if (host_bytes != 4 || esp_netif_get_ip_info(station, &info) != ESP_OK) return false;
  return memcmp(host, &info.ip.addr, 4) == 0; // both in network order
}

bool wifi_address(uint8_t* host) {
  esp_netif_ip_info_t info;
  if (esp_netif_get_ip_info(station, &info) != ESP_OK || info.ip.addr == 0) return false;
  memcpy(host, &info.ip.addr, 4);
  return true;
}
