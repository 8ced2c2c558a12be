/* SPDX-License-Identifier: Apache-2.0
 *
 * NVS for the tests of the ESP32 port: values by partition and key, with faults at the call that a
 * test names. Before it: records.cpp. After it: memory. As in the real one, a value is written
 * whole or not at all.
 */
#include "shim.h"

#include <string.h>

ShimFlash shim_flash;

namespace {

constexpr size_t VALUES = 20;
constexpr size_t VALUE_MOST = 2100;

struct Value {
  char key[16]; /* empty: free */
  size_t length;
  uint8_t bytes[VALUE_MOST];
};

Value identity[VALUES];
bool is_initialised;

/** The value of a key, or with an empty one a free place. */
Value* find(const char* key) {
  for (Value& value : identity) {
    if (strcmp(value.key, key) == 0) return &value;
  }
  return nullptr;
}

/** Counts a call that changes flash; true: it fails. */
bool fails() {
  shim_flash.calls++;
  if (shim_flash.fail_at == 0 || shim_flash.calls < shim_flash.fail_at) return false;
  return shim_flash.calls == shim_flash.fail_at || shim_flash.is_without_power;
}

/** Whether a call that fails, or doesn't, happens. */
bool happens(bool failed) {
  bool is_first = shim_flash.calls == shim_flash.fail_at;
  return !failed || (shim_flash.keeps_what_failed && is_first);
}

bool is_identity(const char* partition) {
  return strcmp(partition, "identity") == 0;
}

} // namespace

void shim_flash_restart() {
  shim_flash.fail_at = 0;
  shim_flash.is_without_power = false;
  shim_flash.calls = 0;
}

bool shim_flash_damage(const char* key) {
  Value* value = find(key);
  if (value == nullptr) return false;
  value->bytes[value->length / 2] ^= 0x10;
  return true;
}

uint32_t shim_flash_values() {
  uint32_t count = 0;
  for (const Value& value : identity) count += value.key[0] != 0 ? 1u : 0u;
  return count;
}

esp_err_t nvs_flash_init() {
  return ESP_OK;
}

esp_err_t nvs_flash_erase() {
  return ESP_OK;
}

esp_err_t nvs_flash_init_partition(const char* partition) {
  if (!is_identity(partition)) return ESP_FAIL;
  is_initialised = shim_flash.open_error == ESP_OK;
  return shim_flash.open_error;
}

esp_err_t nvs_flash_deinit_partition(const char*) {
  is_initialised = false;
  return ESP_OK;
}

esp_err_t nvs_flash_erase_partition(const char* partition) {
  if (!is_identity(partition) || is_initialised) return ESP_ERR_INVALID_STATE;
  if (fails()) return ESP_FAIL;
  memset(identity, 0, sizeof identity);
  shim_flash.open_error = ESP_OK;
  shim_flash.erased_identity++;
  return ESP_OK;
}

esp_err_t nvs_open_from_partition(const char* partition, const char* space, nvs_open_mode_t mode,
                                  nvs_handle_t* out) {
  bool is_ours = is_identity(partition) && strcmp(space, "sealed") == 0;
  if (!is_initialised || !is_ours || mode != NVS_READWRITE) return ESP_FAIL;
  *out = 7;
  return ESP_OK;
}

void nvs_close(nvs_handle_t) {}

esp_err_t nvs_get_blob(nvs_handle_t, const char* key, void* out, size_t* length) {
  const Value* value = find(key);
  if (value == nullptr) return ESP_ERR_NVS_NOT_FOUND;
  if (value->length > *length) return ESP_ERR_NVS_INVALID_LENGTH;
  *length = value->length;
  memcpy(out, value->bytes, value->length);
  return ESP_OK;
}

esp_err_t nvs_set_blob(nvs_handle_t, const char* key, const void* from, size_t length) {
  bool failed = fails();
  Value* value = find(key) != nullptr ? find(key) : find("");
  if (value == nullptr || length > VALUE_MOST) return ESP_FAIL;
  if (happens(failed)) {
    strncpy(value->key, key, sizeof value->key - 1);
    value->length = length;
    memcpy(value->bytes, from, length);
  }
  return failed ? ESP_FAIL : ESP_OK;
}

esp_err_t nvs_erase_key(nvs_handle_t, const char* key) {
  Value* value = find(key);
  if (value == nullptr) return ESP_ERR_NVS_NOT_FOUND;
  bool failed = fails();
  if (happens(failed)) memset(value, 0, sizeof *value);
  return failed ? ESP_FAIL : ESP_OK;
}

esp_err_t nvs_commit(nvs_handle_t) {
  return fails() ? ESP_FAIL : ESP_OK;
}
