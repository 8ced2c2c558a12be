/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32 (ISO 3309), against faults of flash and of a serial line, not against people. Before it:
 * flash_store.cpp, console.cpp.
 */
#ifndef SEALEDTUNNEL_CRC32_H
#define SEALEDTUNNEL_CRC32_H

#include <stdint.h>

/** The sum of all bytes so far: `before` is that of those before, 0 at first. */
uint32_t crc32(uint32_t before, const uint8_t* from, uint32_t bytes);

#endif
