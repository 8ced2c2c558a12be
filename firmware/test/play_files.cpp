/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays transcripts of a folder on this machine:
 *
 *   play_files core.wasm folder whole|splits|bytes seed file...
 *
 * A line for each file: `ok FILE LINES HASH`, the hash that of linear memory at the end, or
 * `failed FILE WHY`. Ends with the number of files that failed, 99 at most; 100: it could not
 * begin. Before: test/transcripts/reader.ts. After: transcript.cpp, and the vm that was linked. The
 * vm that is compiled ahead of time ignores the first argument.
 */
#include "transcript.h"

#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

constexpr size_t ARENA_BYTES = 4u << 20;
constexpr uint32_t VALUE_STACK_BYTES = 65536;
constexpr int CANNOT_BEGIN = 100;

alignas(8) uint8_t arena_region[ARENA_BYTES];

struct File {
  uint8_t* bytes = nullptr;
  size_t len = 0;
};

bool read_file(const char* path, File* file) {
  FILE* stream = fopen(path, "rb");
  if (stream == nullptr) return false;
  fseek(stream, 0, SEEK_END);
  long len = ftell(stream);
  rewind(stream);
  file->bytes = static_cast<uint8_t*>(malloc(len > 0 ? (size_t)len : 1));
  file->len = file->bytes != nullptr && len > 0 ? fread(file->bytes, 1, (size_t)len, stream) : 0;
  fclose(stream);
  return file->bytes != nullptr && (long)file->len == len;
}

/** Files that stay in memory as long as this runs: a transcript is asked for again and again. */
struct Shelf {
  const char* folder = nullptr;
  struct Entry {
    char name[128] = {};
    File file;
  } entries[512];
  uint32_t count = 0;
};

Shelf shelf;

bool find_text(void*, Text name, Text* text) {
  uint32_t i = 0;
  while (i < shelf.count && !name.is(shelf.entries[i].name)) i++;
  if (i == shelf.count) {
    Shelf::Entry& entry = shelf.entries[i];
    char path[1024];
    if (i == sizeof shelf.entries / sizeof shelf.entries[0]) return false;
    if (name.len == 0 || name.len >= sizeof entry.name) return false;
    memcpy(entry.name, name.data, name.len);
    int len = snprintf(path, sizeof path, "%s/%s", shelf.folder, entry.name);
    bool is_short = len > 0 && (size_t)len < sizeof path;
    if (!is_short || !read_file(path, &entry.file)) {
      memset(entry.name, 0, sizeof entry.name);
      return false;
    }
    shelf.count += 1;
  }
  const File& file = shelf.entries[i].file;
  *text = {reinterpret_cast<const char*>(file.bytes), file.len};
  return true;
}

/** FNV-1a over linear memory. */
uint32_t hash_memory(vm* core) {
  uint32_t len = 0;
  const uint8_t* memory = vm_memory(core, &len);
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0; i < len; i++) hash = (hash ^ memory[i]) * 16777619u;
  return hash;
}

bool play(const File& wasm, const char* file, Cut cut, uint32_t seed) {
  arena_init(arena_region, sizeof arena_region);
  vm* core = nullptr;
  const vm_config config = {wasm.bytes, (uint32_t)wasm.len, 0, VALUE_STACK_BYTES};
  if (vm_open(&core, &config) != VM_OK) {
    printf("failed %s %s\n", file, vm_why());
    return false;
  }
  Outcome outcome;
  play_transcript(core, {find_text, nullptr}, text_of(file), cut, seed, &outcome);
  uint32_t hash = hash_memory(core);
  vm_close(core);
  if (outcome.is_good()) {
    printf("ok %s %u %08x\n", file, (unsigned)outcome.line_count, (unsigned)hash);
    return true;
  }
  printf("failed %s ", file);
  for (const char* c = outcome.failure.c_str(); *c != 0; c++) putchar(*c == '\n' ? ' ' : *c);
  putchar('\n');
  return false;
}

bool parse_cut(const char* word, Cut* cut) {
  const Text text = text_of(word);
  if (text.is("whole"))
    *cut = Cut::Whole;
  else if (text.is("splits"))
    *cut = Cut::Splits;
  else if (text.is("bytes"))
    *cut = Cut::ByByte;
  else
    return false;
  return true;
}

} // namespace

int main(int argc, char** argv) {
  File wasm;
  Cut cut = Cut::Whole;
  int32_t seed = 0;
  bool is_asked = argc > 5 && parse_cut(argv[3], &cut) && parse_number(text_of(argv[4]), &seed);
  if (!is_asked) {
    fprintf(stderr, "play_files core.wasm folder whole|splits|bytes seed file...\n");
    return CANNOT_BEGIN;
  }
  if (!read_file(argv[1], &wasm)) {
    fprintf(stderr, "%s cannot be read; npm run build makes it\n", argv[1]);
    return CANNOT_BEGIN;
  }
  shelf.folder = argv[2];
  int failed = 0;
  for (int i = 5; i < argc; i++) {
    if (!play(wasm, argv[i], cut, (uint32_t)seed)) failed += 1;
  }
  return failed < 99 ? failed : 99;
}
