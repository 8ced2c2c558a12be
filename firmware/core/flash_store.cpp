/* SPDX-License-Identifier: Apache-2.0
 *
 * See flash_store.h. A word that the power left half written makes an entry whose CRC is wrong; it
 * is skipped where its length is known, else no entry follows it and the next save changes banks.
 *
 * Invariants: what is in force is never erased; a bank is erased before it is written; the header
 * of a bank is written after all of its entries.
 */
#include "flash_store.h"

#include "crc32.h"
#include "port.h"

#include <string.h>

using port::Record;
using port::RECORD_MOST;

namespace {

constexpr uint32_t MAGIC = 0x31464c53; /* "SLF1" */
constexpr uint32_t HEADER_BYTES = 16;
constexpr uint32_t ENTRY_BYTES = 8;
constexpr uint32_t RECORDS = 8; /* numbers of port::Record are below it */
constexpr uint32_t PIECE = 64;
constexpr uint32_t KIND_FORGOTTEN = 1;
constexpr uint32_t NO_BANK = 2;

struct Entry {
  uint32_t at; /* 0: there is none */
  uint32_t bytes;
  uint8_t record;
};

struct Store {
  const Flash* flash;
  uint32_t bank; /* the one in force, or NO_BANK */
  uint32_t sequence;
  uint32_t end;          /* where the next entry goes; the bank's end when none can */
  Entry latest[RECORDS]; /* by number */
};

Store store;

uint32_t bank_bytes() {
  return store.flash->sector_count / 2 * store.flash->sector_bytes;
}

uint32_t bank_start(uint32_t bank) {
  return bank * bank_bytes();
}

uint32_t padded(uint32_t bytes) {
  return (bytes + 3) & ~3u;
}

uint32_t entry_bytes(uint32_t bytes) {
  return ENTRY_BYTES + padded(bytes);
}

uint32_t load_u32(const uint8_t* from) {
  return static_cast<uint32_t>(from[0]) | static_cast<uint32_t>(from[1]) << 8 |
         static_cast<uint32_t>(from[2]) << 16 | static_cast<uint32_t>(from[3]) << 24;
}

void store_u32(uint8_t* to, uint32_t value) {
  for (uint32_t i = 0; i < 4; i++) to[i] = static_cast<uint8_t>(value >> (8 * i));
}

uint8_t check_of(const uint8_t* head) {
  return static_cast<uint8_t>(~(head[0] ^ head[2] ^ (head[3] << 4 | head[3] >> 4)));
}

bool is_blank(uint32_t from, uint32_t to) {
  uint8_t piece[PIECE];
  for (uint32_t at = from; at < to;) {
    const uint32_t length = to - at < PIECE ? to - at : PIECE;
    if (!store.flash->read(at, piece, length)) return false;
    for (uint32_t i = 0; i < length; i++) {
      if (piece[i] != 0xff) return false;
    }
    at += length;
  }
  return true;
}

struct Header {
  bool is_good;
  uint32_t sequence;
  uint32_t kind;
};

Header read_header(uint32_t bank) {
  uint8_t header[HEADER_BYTES];
  if (!store.flash->read(bank_start(bank), header, HEADER_BYTES)) return {false, 0, 0};
  const bool is_good =
      load_u32(header) == MAGIC && load_u32(header + 12) == crc32(0, header, HEADER_BYTES - 4);
  return {is_good, load_u32(header + 4), load_u32(header + 8)};
}

bool write_header(uint32_t bank, uint32_t sequence, uint32_t kind) {
  uint8_t header[HEADER_BYTES];
  store_u32(header, MAGIC);
  store_u32(header + 4, sequence);
  store_u32(header + 8, kind);
  store_u32(header + 12, crc32(0, header, HEADER_BYTES - 4));
  if (!store.flash->program(bank_start(bank), header, HEADER_BYTES)) return false;
  return read_header(bank).is_good;
}

/** Reads the entry's head at `at`, before `end`. False: there is none that could be one. */
bool read_entry(uint32_t at, uint32_t end, Entry* entry) {
  uint8_t head[4];
  if (at + ENTRY_BYTES > end || !store.flash->read(at, head, sizeof head)) return false;
  const uint32_t bytes = static_cast<uint32_t>(head[2]) | static_cast<uint32_t>(head[3]) << 8;
  *entry = {at, bytes, head[0]};
  const bool is_head = head[0] != 0 && head[0] < RECORDS && head[1] == check_of(head);
  return is_head && bytes <= RECORD_MOST && at + entry_bytes(bytes) <= end;
}

/** Is all of it as it was written? */
bool is_whole(const Entry& entry) {
  uint8_t piece[PIECE];
  if (!store.flash->read(entry.at, piece, ENTRY_BYTES)) return false;
  const uint32_t wanted = load_u32(piece + 4);
  uint32_t sum = crc32(0, piece, 4);
  for (uint32_t done = 0; done < entry.bytes;) {
    const uint32_t length = entry.bytes - done < PIECE ? entry.bytes - done : PIECE;
    if (!store.flash->read(entry.at + ENTRY_BYTES + done, piece, length)) return false;
    sum = crc32(sum, piece, length);
    done += length;
  }
  return sum == wanted;
}

/** Finds the latest entry of each record, and where the next one goes. */
void scan() {
  const uint32_t end = bank_start(store.bank) + bank_bytes();
  memset(store.latest, 0, sizeof store.latest);
  store.end = bank_start(store.bank) + HEADER_BYTES;
  Entry entry;
  while (read_entry(store.end, end, &entry)) {
    if (is_whole(entry)) store.latest[entry.record] = entry;
    store.end += entry_bytes(entry.bytes);
  }
  if (!is_blank(store.end, end)) store.end = end;
}

/** Writes an entry at `at` in pieces of whole words; true when it can be read again. */
bool write_entry(uint32_t at, uint8_t record, const uint8_t* from, uint32_t bytes) {
  uint8_t piece[PIECE] = {record, 0, static_cast<uint8_t>(bytes), static_cast<uint8_t>(bytes >> 8)};
  piece[1] = check_of(piece);
  store_u32(piece + 4, crc32(crc32(0, piece, 4), from, bytes));
  if (!store.flash->program(at, piece, ENTRY_BYTES)) return false;
  for (uint32_t done = 0; done < bytes;) {
    const uint32_t length = bytes - done < PIECE ? bytes - done : PIECE;
    memset(piece, 0xff, sizeof piece);
    memcpy(piece, from + done, length);
    if (!store.flash->program(at + ENTRY_BYTES + done, piece, padded(length))) return false;
    done += length;
  }
  return is_whole({at, bytes, record});
}

bool copy_entry(const Entry& entry, uint32_t to) {
  uint8_t piece[PIECE];
  const uint32_t bytes = entry_bytes(entry.bytes);
  for (uint32_t done = 0; done < bytes;) {
    const uint32_t length = bytes - done < PIECE ? bytes - done : PIECE;
    if (!store.flash->read(entry.at + done, piece, length)) return false;
    if (!store.flash->program(to + done, piece, length)) return false;
    done += length;
  }
  return is_whole({to, entry.bytes, entry.record});
}

/** From its header on, so that what was in it is not taken for a store half way. */
bool erase_bank(uint32_t bank) {
  const uint32_t count = store.flash->sector_count / 2;
  for (uint32_t i = 0; i < count; i++) {
    if (!store.flash->erase(bank * count + i)) return false;
  }
  return true;
}

/** Something to write: a record's number, 0 for none. */
struct Change {
  uint8_t record;
  const uint8_t* from;
  uint32_t bytes;
};

/** Does the other records' latest, and the change, find room in a bank? */
bool fits(const Change& change) {
  uint32_t bytes = HEADER_BYTES + entry_bytes(change.bytes);
  for (const Entry& entry : store.latest) {
    if (entry.record != change.record) bytes += entry_bytes(entry.bytes);
  }
  return bytes <= bank_bytes();
}

/** Writes the others' latest entries and the change from `at` on. */
bool write_all(uint32_t at, const Change& change) {
  for (const Entry& entry : store.latest) {
    if (entry.bytes == 0 || entry.record == change.record) continue;
    if (!copy_entry(entry, at)) return false;
    at += entry_bytes(entry.bytes);
  }
  return change.bytes == 0 || write_entry(at, change.record, change.from, change.bytes);
}

/** Begins the other bank: with what is in force and the change, or with nothing at all. */
bool change_banks(const Change& change, uint32_t kind) {
  const uint32_t other = store.bank == 0 ? 1 : 0;
  if (!fits(change) || !erase_bank(other)) return false;
  const bool is_empty = kind == KIND_FORGOTTEN;
  if (!is_empty && !write_all(bank_start(other) + HEADER_BYTES, change)) return false;
  if (!write_header(other, store.sequence + 1, kind)) return false;
  store.bank = other;
  store.sequence += 1;
  scan();
  return true;
}

bool append(const Change& change) {
  const uint32_t end = bank_start(store.bank) + bank_bytes();
  const uint32_t at = store.end;
  if (store.bank == NO_BANK || at + entry_bytes(change.bytes) > end) return false;
  if (!write_entry(at, change.record, change.from, change.bytes)) {
    store.end = end; // whatever is there now, nothing is written over it
    return false;
  }
  store.latest[change.record] = {at, change.bytes, change.record};
  store.end += entry_bytes(change.bytes);
  return true;
}

/** The bank in force: the good one that was begun last. */
uint32_t newest(const Header& first, const Header& second) {
  if (!first.is_good) return second.is_good ? 1 : NO_BANK;
  if (!second.is_good) return 0;
  return static_cast<int32_t>(second.sequence - first.sequence) > 0 ? 1 : 0;
}

const Entry* entry_of(Record record) {
  const auto number = static_cast<uint8_t>(record);
  return number != 0 && number < RECORDS ? &store.latest[number] : nullptr;
}

} // namespace

FlashFound flash_store_open(const Flash* flash) {
  store = {};
  store.flash = flash;
  const Header headers[2] = {read_header(0), read_header(1)};
  store.bank = newest(headers[0], headers[1]);
  if (store.bank == NO_BANK) {
    return is_blank(0, 2 * bank_bytes()) ? FlashFound::Blank : FlashFound::Foreign;
  }
  store.sequence = headers[store.bank].sequence;
  scan();
  const uint32_t other = 1 - store.bank;
  const bool is_forgotten = headers[store.bank].kind == KIND_FORGOTTEN;
  if (is_forgotten && !is_blank(bank_start(other), bank_start(other) + bank_bytes())) {
    (void)erase_bank(other);
  }
  return FlashFound::Good;
}

int32_t port::load(Record record, uint8_t* to, size_t most) {
  const Entry* entry = entry_of(record);
  if (entry == nullptr || entry->bytes == 0) return NO_RECORD;
  if (entry->bytes > most) return TOO_LONG;
  if (!store.flash->read(entry->at + ENTRY_BYTES, to, entry->bytes)) return NO_RECORD;
  return static_cast<int32_t>(entry->bytes);
}

bool port::save(Record record, const uint8_t* from, size_t bytes) {
  const Entry* entry = entry_of(record);
  if (store.flash == nullptr || entry == nullptr || bytes > RECORD_MOST) return false;
  if (bytes == 0 && entry->bytes == 0) return true;
  const Change change = {static_cast<uint8_t>(record), from, static_cast<uint32_t>(bytes)};
  return append(change) || change_banks(change, 0);
}

bool port::forget_all() {
  if (store.flash == nullptr || !change_banks({}, KIND_FORGOTTEN)) return false;
  return erase_bank(1 - store.bank);
}
