/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of the posix port for tests: the power goes before or after a save, or it fails. Which,
 * is in the file that TEST_SAVE names, and counts from when it is written there: "3 1 before", "3 1
 * after", "3 1 fails" for the first save of record 3. Before it: the device. After it:
 * core/flash_store.cpp, which is all the rest.
 */
#define save store_save
#include "flash_store.cpp"
#undef save

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace port {
bool save(Record record, const uint8_t* from, size_t bytes);
} // namespace port

namespace {

constexpr int POWER_CUT = 9;
char plan[32];
int saves;

void read_plan() {
  char text[sizeof plan] = {};
  const char* path = getenv("TEST_SAVE");
  FILE* file = path != nullptr ? fopen(path, "r") : nullptr;
  if (file == nullptr) return;
  const bool has_read = fgets(text, sizeof text, file) != nullptr;
  fclose(file);
  if (!has_read || strcmp(text, plan) == 0) return;
  memcpy(plan, text, sizeof plan);
  saves = 0;
}

/** Is `what` to happen at this save? */
bool is_due(const char* what) {
  return plan[0] != 0 && atoi(plan + 2) == saves && strstr(plan, what) != nullptr;
}

} // namespace

bool port::save(Record record, const uint8_t* from, size_t bytes) {
  read_plan();
  if (atoi(plan) != static_cast<int>(record)) return store_save(record, from, bytes);
  saves += 1;
  if (is_due("before")) _exit(POWER_CUT);
  if (is_due("fails")) return false;
  const bool is_saved = store_save(record, from, bytes);
  if (is_due("after")) _exit(POWER_CUT);
  return is_saved;
}
