// SPDX-License-Identifier: Apache-2.0
// A flash in memory that loses its power at a chosen moment: within a word, whose bits are then
// half written, or within an erasure, after which a sector is a mixture. Before it: flash_cuts.cpp.
// After it: firmware/core/flash_store.cpp. It refuses what flash can't do: a word written twice, an
// odd address, a place outside.

#ifndef SEALEDTUNNEL_SIM_FLASH_H
#define SEALEDTUNNEL_SIM_FLASH_H

#include "flash_store.h"

namespace sim_flash {

constexpr uint32_t NEVER = UINT32_MAX;
constexpr uint32_t SECTORS_MOST = 16;

/** A new flash, all 0xff; its memory is taken once and for the largest that is asked for. */
const Flash* make(uint32_t sector_bytes, uint32_t sector_count);

uint8_t* bytes();
uint32_t size();

/** The seed of what a cut leaves behind. */
void seed(uint32_t seed);

/** The power goes after so many steps: a byte that is written, an eighth of a sector erased. */
void cut_after(uint32_t steps);
/** Steps since cut_after. */
uint32_t steps();
/** The power is back. */
void power_on();

/** The byte at `at` can't be written any more; NEVER: all can. */
void wear_out(uint32_t at);
/** Erasures of a sector. */
uint32_t erasures(uint32_t sector);

/** Why the store asked for what flash can't do; nullptr: it did not. */
const char* complaint();

} // namespace sim_flash

#endif
