/* SPDX-License-Identifier: Apache-2.0
 *
 * See flash_virt.h. A command goes to both chips at once, in both halves of a word. While the chips
 * take commands they give their status and no data, so each call ends by going back to data.
 */
#include "flash_virt.h"

#include <string.h>

namespace {

constexpr uintptr_t BASE = 0x22000000;
constexpr uint32_t SECTOR_BYTES = 256 * 1024;
constexpr uint32_t SECTOR_COUNT = 2;
constexpr uint32_t WORD = sizeof(uint32_t);

constexpr uint32_t both(uint32_t command) {
  return command << 16 | command;
}
constexpr uint32_t PROGRAM = both(0x40);
constexpr uint32_t ERASE = both(0x20);
constexpr uint32_t CONFIRM = both(0xd0);
constexpr uint32_t CLEAR_STATUS = both(0x50);
constexpr uint32_t DATA = both(0xff);
constexpr uint32_t QUERY = both(0x98);
constexpr uint32_t READY = both(0x80);
/** Erasing, programming, voltage, protection. */
constexpr uint32_t ERRORS = both(0x3a);
/** The first letter of "QRY", in the table that chips answer a query with. */
constexpr uint32_t QUERY_AT = 0x10 * WORD;
constexpr uint32_t QUERY_LETTER = both('Q');
/** Looks at the status; the emulator's chips are ready at once. */
constexpr uint32_t LOOKS_MOST = 1u << 20;

volatile uint32_t& word_at(uint32_t at) {
  return *reinterpret_cast<volatile uint32_t*>(BASE + at);
}

/** Behind a command at `at`. False: the chips say that it failed, or nothing. */
bool await_ready(uint32_t at) {
  for (uint32_t looks = 0; looks < LOOKS_MOST; looks++) {
    const uint32_t status = word_at(at);
    if ((status & READY) == READY) return (status & ERRORS) == 0;
  }
  return false;
}

bool run(uint32_t at, uint32_t command, uint32_t operand) {
  word_at(at) = CLEAR_STATUS;
  word_at(at) = command;
  word_at(at) = operand;
  return await_ready(at);
}

bool read_data(uint32_t at, uint8_t* to, uint32_t bytes) {
  memcpy(to, reinterpret_cast<const void*>(BASE + at), bytes);
  return true;
}

bool program_words(uint32_t at, const uint8_t* from, uint32_t bytes) {
  bool is_good = true;
  for (uint32_t done = 0; done < bytes && is_good; done += WORD) {
    uint32_t value;
    memcpy(&value, from + done, WORD);
    is_good = run(at + done, PROGRAM, value);
  }
  word_at(at) = DATA;
  return is_good;
}

bool erase_sector(uint32_t sector) {
  const uint32_t at = sector * SECTOR_BYTES;
  const bool is_good = run(at, ERASE, CONFIRM);
  word_at(at) = DATA;
  return is_good;
}

constexpr Flash FLASH = {SECTOR_BYTES, SECTOR_COUNT, read_data, program_words, erase_sector};

} // namespace

const Flash* open_data_flash() {
  word_at(0) = QUERY;
  const bool has_chips = word_at(QUERY_AT) == QUERY_LETTER;
  word_at(0) = DATA;
  return has_chips ? &FLASH : nullptr;
}
