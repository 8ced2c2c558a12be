/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of port.h in NVS: partition "identity", namespace "sealed". A record has two keys,
 * such as "r1a" and "r1b"; a value is sequence u32, CRC-32 of sequence and record u32, the record.
 * A save writes the key that does not hold the newest, reads it back, then erases the other.
 * host/device/nvs-image.ts makes the same partition.
 *
 * Invariant: whenever the power goes, the whole copy with the highest sequence is the record.
 */
#include "records.h"

#include "crc32.h"
#include "log.h"
#include "port.h"

#include "nvs.h"
#include "nvs_flash.h"

#include <string.h>

namespace {

using port::Record;
using port::RECORD_MOST;

constexpr char PARTITION[] = "identity";
constexpr char NAMESPACE[] = "sealed";
constexpr size_t HEAD = 8;
constexpr int COPIES = 2;

struct Copy {
  bool is_whole;
  uint32_t sequence;
  size_t bytes; /* of the record */
};

nvs_handle_t handle;
bool is_open;
uint32_t wifi_changes;
/** One value, of a load or a save; wiped after each, since it may hold a key. */
uint8_t value[HEAD + RECORD_MOST];

struct Key {
  char text[4];
};

Key key_of(Record record, int copy) {
  return {{'r', static_cast<char>('0' + static_cast<uint8_t>(record)),
           static_cast<char>('a' + copy), 0}};
}

void wipe_value() {
  volatile uint8_t* at = value;
  for (size_t i = 0; i < sizeof value; i++) at[i] = 0;
}

uint32_t get_u32(const uint8_t* from) {
  return from[0] | static_cast<uint32_t>(from[1]) << 8 | static_cast<uint32_t>(from[2]) << 16 |
         static_cast<uint32_t>(from[3]) << 24;
}

void put_u32(uint8_t* to, uint32_t number) {
  for (int i = 0; i < 4; i++) to[i] = static_cast<uint8_t>(number >> (8 * i));
}

/** Over the sequence and the record in `value`; the checksum itself lies between them. */
uint32_t checksum(size_t bytes) {
  return crc32(crc32(0, value, 4), value + HEAD, static_cast<uint32_t>(bytes));
}

/** Reads one copy into `value`. */
Copy read_copy(Record record, int copy) {
  size_t length = sizeof value;
  esp_err_t error = nvs_get_blob(handle, key_of(record, copy).text, value, &length);
  if (error != ESP_OK || length < HEAD || length > sizeof value) return {false, 0, 0};
  size_t bytes = length - HEAD;
  return {checksum(bytes) == get_u32(value + 4), get_u32(value), bytes};
}

/** Which copy is the record; -1: none. Leaves `value` undefined. */
int newest_copy(Record record, uint32_t* sequence) {
  int newest = -1;
  *sequence = 0;
  for (int copy = 0; copy < COPIES; copy++) {
    Copy found = read_copy(record, copy);
    if (!found.is_whole) continue;
    if (newest >= 0 && static_cast<int32_t>(found.sequence - *sequence) < 0) continue;
    newest = copy;
    *sequence = found.sequence;
  }
  return newest;
}

/** A key that isn't there is erased already. */
bool erase_copy(Record record, int copy) {
  esp_err_t error = nvs_erase_key(handle, key_of(record, copy).text);
  if (error == ESP_ERR_NVS_NOT_FOUND) return true;
  return error == ESP_OK && nvs_commit(handle) == ESP_OK;
}

bool write_copy(Record record, int copy, uint32_t sequence, const uint8_t* from, size_t bytes) {
  put_u32(value, sequence);
  memcpy(value + HEAD, from, bytes);
  put_u32(value + 4, checksum(bytes));
  esp_err_t error = nvs_set_blob(handle, key_of(record, copy).text, value, HEAD + bytes);
  return error == ESP_OK && nvs_commit(handle) == ESP_OK;
}

bool holds(Record record, int copy, const uint8_t* from, size_t bytes) {
  Copy found = read_copy(record, copy);
  return found.is_whole && found.bytes == bytes && memcmp(value + HEAD, from, bytes) == 0;
}

/** The older copy goes first: between the two the record is still the one before. */
bool remove(Record record) {
  uint32_t sequence;
  int newest = newest_copy(record, &sequence);
  wipe_value();
  if (newest < 0) newest = 0;
  return erase_copy(record, 1 - newest) && erase_copy(record, newest);
}

bool replace(Record record, const uint8_t* from, size_t bytes) {
  uint32_t sequence;
  int newest = newest_copy(record, &sequence);
  int next = newest < 0 ? 0 : 1 - newest;
  bool is_written = write_copy(record, next, sequence + 1, from, bytes);
  // After a failure the new copy must not turn up later: it goes, or it counts as saved.
  if (!is_written && erase_copy(record, next)) return false;
  if (!holds(record, next, from, bytes)) return false;
  if (newest >= 0) (void)erase_copy(record, newest); // the sequence decides where this fails
  return true;
}

bool open_partition() {
  esp_err_t error = nvs_flash_init_partition(PARTITION);
  if (error == ESP_OK) {
    error = nvs_open_from_partition(PARTITION, NAMESPACE, NVS_READWRITE, &handle);
  }
  is_open = error == ESP_OK;
  if (is_open) return true;
  // Nothing is erased here: a key may still be in there, for other firmware to read.
  LogLine(LogLevel::Error)
      .text("the partition \"identity\" can't be read (")
      .text(esp_err_to_name(error))
      .text("): provision it again, or type: reset");
  return false;
}

} // namespace

bool records_start() {
  return open_partition();
}

uint32_t records_wifi_changes() {
  return wifi_changes;
}

int32_t port::load(Record record, uint8_t* to, size_t most) {
  if (!is_open) return NO_RECORD;
  uint32_t sequence;
  int newest = newest_copy(record, &sequence);
  Copy found = newest < 0 ? Copy{false, 0, 0} : read_copy(record, newest);
  bool is_there = found.is_whole && found.bytes > 0;
  bool fits = is_there && found.bytes <= most;
  if (fits) memcpy(to, value + HEAD, found.bytes);
  wipe_value();
  if (fits) return static_cast<int32_t>(found.bytes);
  return is_there ? TOO_LONG : NO_RECORD;
}

bool port::save(Record record, const uint8_t* from, size_t bytes) {
  if (!is_open || bytes > RECORD_MOST) return false;
  bool is_done = bytes == 0 ? remove(record) : replace(record, from, bytes);
  wipe_value();
  if (record == Record::Wifi) wifi_changes++;
  return is_done;
}

/** By the page: what is erased key by key lies in flash until its page is used again. */
bool port::forget_all() {
  if (is_open) nvs_close(handle);
  is_open = false;
  wifi_changes++;
  (void)nvs_flash_deinit_partition(PARTITION);
  return nvs_flash_erase_partition(PARTITION) == ESP_OK && open_partition();
}
