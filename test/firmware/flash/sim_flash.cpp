// SPDX-License-Identifier: Apache-2.0
// The flash in memory of sim_flash.h: steps are counted, and where the power goes, the rest is torn.
// Before it: flash_cuts.cpp. Invariant: without power nothing changes.

#include "sim_flash.h"

#include <stdlib.h>
#include <string.h>

namespace {

constexpr uint32_t ERASE_STEPS = 8;

Flash flash;
uint8_t* memory;
uint32_t memory_bytes;
uint32_t cut_at = sim_flash::NEVER;
uint32_t step;
bool has_power = true;
uint32_t worn_out = sim_flash::NEVER;
uint32_t random_state = 1;
uint32_t erase_counts[sim_flash::SECTORS_MOST];
const char* wrong;

uint8_t random_byte() {
  random_state = random_state * 1664525u + 1013904223u;
  return static_cast<uint8_t>(random_state >> 24);
}

/** False: the power is gone at this step. */
bool goes_on() {
  if (step == cut_at) has_power = false;
  step += 1;
  return has_power;
}

bool refuse(const char* why) {
  wrong = why;
  return false;
}

bool read(uint32_t at, uint8_t* to, uint32_t bytes) {
  if (at > memory_bytes || bytes > memory_bytes - at) return refuse("reads outside");
  memcpy(to, memory + at, bytes);
  return has_power;
}

void write_byte(uint32_t at, uint8_t value) {
  if (at != worn_out) memory[at] &= value;
}

/** What is left of the word is half written; of what lies behind it, sometimes something too. */
void tear(uint32_t at, const uint8_t* from, uint32_t bytes) {
  const bool is_scattered = (random_byte() & 1) != 0;
  const uint32_t word_left = 4 - at % 4;
  for (uint32_t i = 0; i < bytes && (i < word_left || is_scattered); i++) {
    write_byte(at + i, static_cast<uint8_t>(from[i] | random_byte()));
  }
}

bool program(uint32_t at, const uint8_t* from, uint32_t bytes) {
  if (!has_power) return false;
  if ((at | bytes) % 4 != 0) return refuse("writes what is no whole word");
  if (at > memory_bytes || bytes > memory_bytes - at) return refuse("writes outside");
  for (uint32_t i = 0; i < bytes; i++) {
    if (memory[at + i] != 0xff) return refuse("writes a byte twice between erasures");
  }
  for (uint32_t i = 0; i < bytes; i++) {
    if (!goes_on()) {
      tear(at + i, from + i, bytes - i);
      return false;
    }
    write_byte(at + i, from[i]);
  }
  return true;
}

/** Some of its bits are set already. */
void erase_partly(uint8_t* sector) {
  const uint8_t how = random_byte() & 3;
  for (uint32_t i = 0; i < flash.sector_bytes; i++) {
    const uint8_t set = how == 0 ? 0 : how == 1 ? random_byte() & random_byte() : random_byte();
    sector[i] |= set;
  }
}

bool erase(uint32_t sector) {
  if (!has_power) return false;
  if (sector >= flash.sector_count) return refuse("erases outside");
  uint8_t* at = memory + sector * flash.sector_bytes;
  erase_counts[sector] += 1;
  const uint32_t part = flash.sector_bytes / ERASE_STEPS;
  for (uint32_t i = 0; i < ERASE_STEPS; i++) {
    if (!goes_on()) {
      erase_partly(at);
      return false;
    }
    memset(at + i * part, 0xff, part);
  }
  return true;
}

} // namespace

const Flash* sim_flash::make(uint32_t sector_bytes, uint32_t sector_count) {
  memory_bytes = sector_bytes * sector_count;
  memory = static_cast<uint8_t*>(realloc(memory, memory_bytes));
  if (memory == nullptr || sector_count > SECTORS_MOST) abort();
  memset(memory, 0xff, memory_bytes);
  memset(erase_counts, 0, sizeof erase_counts);
  flash = {sector_bytes, sector_count, read, program, erase};
  worn_out = NEVER;
  cut_after(NEVER);
  power_on();
  return &flash;
}

uint8_t* sim_flash::bytes() {
  return memory;
}

uint32_t sim_flash::size() {
  return memory_bytes;
}

void sim_flash::seed(uint32_t seed) {
  random_state = seed;
}

void sim_flash::cut_after(uint32_t steps) {
  cut_at = steps;
  step = 0;
}

uint32_t sim_flash::steps() {
  return step;
}

void sim_flash::power_on() {
  cut_after(NEVER);
  has_power = true;
}

void sim_flash::wear_out(uint32_t at) {
  worn_out = at;
}

uint32_t sim_flash::erasures(uint32_t sector) {
  return erase_counts[sector];
}

const char* sim_flash::complaint() {
  return wrong;
}
