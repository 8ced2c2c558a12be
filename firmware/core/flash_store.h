/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of port.h (load, save, forget_all) on raw flash. Before it: a port, which describes
 * its flash by `Flash` and opens the store before device_run. After it: that flash.
 *
 * Two banks, each half of the sectors. One is in force: a header, then entries, each save behind
 * the one before, until there is no room; then the latest of each is copied to the other bank,
 * whose header, written last, has a greater sequence number. So each byte of a bank is written once
 * between two erasures, and the power may go at any moment. host/device/store-image.ts writes the
 * same format:
 *
 *   bank:  "SLF1"  sequence u32  kind u32 (0; 1: after forget_all)  CRC-32 of these 12 bytes
 *   entry: record u8  check u8  bytes u16  CRC-32 of these 4 and the data  data, padded to 4 by
 * 0xff
 */
#ifndef SEALEDTUNNEL_FLASH_STORE_H
#define SEALEDTUNNEL_FLASH_STORE_H

#include <stdint.h>

/** A region of flash. Addresses count from its start; false is a failure of the part. */
struct Flash {
  uint32_t sector_bytes; /* what is erased at once, a multiple of 4: 4 KiB, 256 KiB */
  uint32_t sector_count; /* an even number, 2 and more */
  bool (*read)(uint32_t at, uint8_t* to, uint32_t bytes);
  /** Clears bits, sets none. `at` and `bytes` are multiples of 4. */
  bool (*program)(uint32_t at, const uint8_t* from, uint32_t bytes);
  /** Makes a sector all 0xff. */
  bool (*erase)(uint32_t sector);
};

enum class FlashFound {
  Good,    /* a store; it may hold no records */
  Blank,   /* all 0xff: new */
  Foreign, /* something else, or a store that is damaged; the next save writes over it */
};

/**
 * Looks for a store; until then there are no records, and nothing is saved. `flash` must outlive
 * it. Erases what a forget_all that lost its power left.
 */
FlashFound flash_store_open(const Flash* flash);

#endif
