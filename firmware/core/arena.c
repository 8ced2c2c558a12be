/* SPDX-License-Identifier: Apache-2.0
 *
 * The arena (see arena.h). Blocks lie one after the other; a header holds the block's size and that
 * of the block before it, so a freed block merges with both neighbours at once and no list is kept.
 */
#include "arena.h"

#include <string.h>

#define USED 1u
#define HEADER sizeof(block)
#define MIN_SPLIT (HEADER + 8)

typedef struct block {
  uint32_t size;     /* with this header, a multiple of 8; bit 0 is USED */
  uint32_t previous; /* size of the block before, 0 for the first */
} block;

static uint8_t* region;
static uint8_t* region_end;
static arena_stats stats;
static int (*give_back)(void);

static uint32_t size_of(const block* b) {
  return b->size & ~USED;
}

static block* next_of(block* b) {
  return (block*)((uint8_t*)b + size_of(b));
}

static int is_inside(const block* b) {
  return (const uint8_t*)b < region_end;
}

static int is_free(const block* b) {
  return is_inside(b) && !(b->size & USED);
}

/** Sets the size and tells the neighbour, whatever its use. */
static void set_size(block* b, uint32_t size, uint32_t used) {
  b->size = size | used;
  block* next = next_of(b);
  if (is_inside(next)) next->previous = size;
}

static void count(block* b, uint32_t taken) {
  stats.in_use += taken;
  if (stats.in_use > stats.high_water) stats.high_water = stats.in_use;
  uint32_t top = (uint32_t)((uint8_t*)next_of(b) - region);
  if (top > stats.top) stats.top = top;
}

/** Cuts a block to `size` and leaves the rest free, merged with what follows. */
static void trim(block* b, uint32_t size) {
  uint32_t rest = size_of(b) - size;
  if (rest < MIN_SPLIT) return;
  set_size(b, size, USED);
  block* tail = next_of(b);
  tail->size = rest;
  block* after = next_of(tail);
  set_size(tail, is_free(after) ? rest + size_of(after) : rest, 0);
}

/** Bytes of a block that holds `size`, or 0 when no region can. */
static uint32_t block_size(size_t size) {
  if (size > (size_t)(region_end - region)) return 0;
  return (((uint32_t)size + 7u) & ~7u) + (uint32_t)HEADER;
}

void arena_init(void* start, size_t size) {
  region = start;
  region_end = region + (size & ~(size_t)7);
  memset(&stats, 0, sizeof stats);
  stats.size = (uint32_t)(region_end - region);
  block* first = start;
  first->previous = 0;
  first->size = stats.size;
}

static void* take(uint32_t need) {
  for (block* b = (block*)region; is_inside(b); b = next_of(b)) {
    if ((b->size & USED) || size_of(b) < need) continue;
    b->size |= USED;
    trim(b, need);
    count(b, size_of(b));
    return memset(b + 1, 0, size_of(b) - HEADER);
  }
  return NULL;
}

void* arena_calloc(size_t count_, size_t size) {
  if (size != 0 && count_ > SIZE_MAX / size) return NULL;
  uint32_t need = block_size(count_ * size);
  if (need == 0) return NULL;
  void* taken = take(need);
  if (taken == NULL && give_back != NULL && give_back()) taken = take(need);
  return taken;
}

/** Grows in place into a free block that follows. */
static int grow_in_place(block* b, uint32_t need) {
  block* next = next_of(b);
  if (!is_free(next) || size_of(b) + size_of(next) < need) return 0;
  uint32_t before = size_of(b);
  set_size(b, before + size_of(next), USED);
  trim(b, need);
  count(b, size_of(b) - before);
  return 1;
}

void* arena_realloc(void* old, size_t size) {
  if (old == NULL) return arena_calloc(1, size);
  block* b = (block*)old - 1;
  uint32_t need = block_size(size);
  if (need == 0) return NULL;
  uint32_t before = size_of(b);
  if (need <= before) {
    trim(b, need);
    stats.in_use -= before - size_of(b);
    return old;
  }
  if (grow_in_place(b, need)) return old;
  void* moved = arena_calloc(1, size);
  if (moved == NULL) return NULL;
  memcpy(moved, old, before - HEADER);
  arena_free(old);
  return moved;
}

void arena_free(void* old) {
  if (old == NULL) return;
  block* b = (block*)old - 1;
  stats.in_use -= size_of(b);
  uint32_t size = size_of(b);
  block* next = next_of(b);
  if (is_free(next)) size += size_of(next);
  if (b->previous != 0) {
    block* before = (block*)((uint8_t*)b - b->previous);
    if (!(before->size & USED)) {
      size += size_of(before);
      b = before;
    }
  }
  set_size(b, size, 0);
}

void arena_on_full(int (*asked)(void)) {
  give_back = asked;
}

void arena_get_stats(arena_stats* out) {
  *out = stats;
}
