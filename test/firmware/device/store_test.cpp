/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of the posix port for tests: the power goes before or after the save that TEST_SAVE
 * names, or that save fails ("3 before", "3 after", "3 fails"; counted from 1). Before it: the
 * device. After it: core/flash_store.cpp, which is all the rest.
 */
#define save store_save
#include "flash_store.cpp"
#undef save

#include <stdlib.h>
#include <unistd.h>

namespace port {
bool save(Record record, const uint8_t* from, size_t bytes);
} // namespace port

namespace {

constexpr int POWER_CUT = 9;
int saves;

/** Is `what` to happen at this save? */
bool is_due(const char* what) {
  const char* plan = getenv("TEST_SAVE");
  if (plan == nullptr || atoi(plan) != saves) return false;
  return strstr(plan, what) != nullptr;
}

} // namespace

bool port::save(Record record, const uint8_t* from, size_t bytes) {
  saves += 1;
  if (is_due("before")) _exit(POWER_CUT);
  if (is_due("fails")) return false;
  const bool is_saved = store_save(record, from, bytes);
  if (is_due("after")) _exit(POWER_CUT);
  return is_saved;
}
