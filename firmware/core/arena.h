/* SPDX-License-Identifier: Apache-2.0
 *
 * The only allocator of the firmware: one region, taken at start, with a high-water mark. wasm3's
 * own calloc, realloc and free are redirected here at compile time (scripts/native-build.ts).
 * First fit with immediate merging; blocks are 8-aligned, each with an 8-byte header.
 *
 * Invariant: sum of all blocks = region; in_use <= high_water <= region.
 */
#ifndef SEALEDTUNNEL_ARENA_H
#define SEALEDTUNNEL_ARENA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct arena_stats {
  uint32_t size;       /* bytes of the region */
  uint32_t in_use;     /* bytes allocated now, with headers */
  uint32_t high_water; /* the most that in_use ever was */
  uint32_t top;        /* the highest byte ever allocated, from the start: in_use and the holes */
} arena_stats;

/** Takes a region, 8-aligned; what was allocated in an earlier one is forgotten. */
void arena_init(void* start, size_t size);

/** Zeroed memory, or NULL. */
void* arena_calloc(size_t count, size_t size);
/** As realloc. */
void* arena_realloc(void* old, size_t size);
/** As free: `block` may be NULL. */
void arena_free(void* block);

/** Is asked when nothing that is free is large enough; 1: something was given back, try again. */
void arena_on_full(int (*give_back)(void));

void arena_get_stats(arena_stats* out);

#ifdef __cplusplus
}
#endif

#endif
