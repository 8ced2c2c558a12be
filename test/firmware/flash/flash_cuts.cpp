// SPDX-License-Identifier: Apache-2.0
// Cuts the power of the store of records at every step of every save, and once more while what was
// cut is done again; after each cut every record is the old or the new one. Before it:
// flash-store.test.ts. After it: sim_flash.h.
//
//     flash_cuts cuts SECTOR_BYTES SECTOR_COUNT STRIDE SECOND_CUTS SEED
//     flash_cuts wear | worn | write OUT SECTOR_BYTES SECTOR_COUNT | read IMAGE SECTOR_BYTES
//     SECTOR_COUNT

#include "port.h"
#include "sim_flash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using port::Record;

namespace {

constexpr uint32_t RECORDS = 8;
constexpr uint8_t FORGET = 0;

struct Value {
  uint32_t bytes;
  uint8_t data[port::RECORD_MOST];
};

/** What the records are to be, by number. */
struct Model {
  Value values[RECORDS];
};

/** A save of so many bytes made of `fill`; record 0 forgets all. */
struct Step {
  uint8_t record;
  uint32_t bytes;
  uint8_t fill;
};

/** Identity, code, configuration, lease, log level; the largest twice, so that banks change. */
const Step LARGE[] = {
    {1, 64, 0xa1},   {4, 200, 0xb2}, {3, 900, 0xc3},  {4, 0, 0},     {5, 4, 0xd4},
    {7, 1, 2},       {5, 4, 0xd5},   {3, 1000, 0xc4}, {2, 64, 0xa2}, {1, 64, 0xa3},
    {2, 0, 0},       {5, 4, 0xd6},   {3, 1100, 0xc5}, {5, 4, 0xd7},  {6, 97, 0xe1},
    {3, 2048, 0xc6}, {3, 701, 0xc7}, {0, 0, 0},       {1, 64, 0xa4}, {5, 4, 0xd8},
};

/** The same in little room, small enough for each pair of cuts. */
const Step SMALL[] = {
    {1, 20, 0xa1}, {3, 90, 0xc3}, {5, 4, 0xd4},  {7, 1, 2}, {3, 101, 0xc4},
    {3, 95, 0xc5}, {7, 0, 0},     {3, 99, 0xc6}, {0, 0, 0}, {1, 20, 0xa2},
};

uint32_t seed;
const Flash* flash;
uint8_t* snapshot;
uint32_t cut_count;

[[noreturn]] void fail(const char* what, uint32_t step, uint32_t first, uint32_t second) {
  printf("failed: %s; step %u, cut at %u and %u, seed %u\n", what, step, first, second, seed);
  exit(1);
}

/** Content that says which one it is, at each byte. */
void fill(Value* value, const Step& step) {
  value->bytes = step.bytes;
  for (uint32_t i = 0; i < step.bytes; i++)
    value->data[i] = static_cast<uint8_t>(step.fill + 7 * i);
}

void apply(Model* model, const Step& step) {
  if (step.record == FORGET)
    *model = {};
  else
    fill(&model->values[step.record], step);
}

bool perform(const Step& step) {
  if (step.record == FORGET) return port::forget_all();
  static Value value;
  fill(&value, step);
  return port::save(static_cast<Record>(step.record), value.data, value.bytes);
}

bool is_stored(const Model& model, uint32_t record) {
  static uint8_t found[port::RECORD_MOST];
  const Value& wanted = model.values[record];
  const int32_t bytes = port::load(static_cast<Record>(record), found, sizeof found);
  if (wanted.bytes == 0) return bytes == -1;
  return bytes == static_cast<int32_t>(wanted.bytes) &&
         memcmp(found, wanted.data, wanted.bytes) == 0;
}

bool is_all_stored(const Model& model) {
  for (uint32_t record = 1; record < RECORDS; record++) {
    if (!is_stored(model, record)) return false;
  }
  return true;
}

bool holds(const Value& secret) {
  const uint8_t* at = sim_flash::bytes();
  for (uint32_t i = 0; secret.bytes > 0 && i + secret.bytes <= sim_flash::size(); i += 4) {
    if (memcmp(at + i, secret.data, secret.bytes) == 0) return true;
  }
  return false;
}

void reboot() {
  sim_flash::power_on();
  (void)flash_store_open(flash);
}

/** Does the step with a cut, and starts again. True: it came to its end before. */
bool cut_step(const Step& step, uint32_t at) {
  sim_flash::cut_after(at);
  const bool is_done = perform(step);
  reboot();
  cut_count += 1;
  return is_done;
}

/** All records are as before the step, or as after it; which it has to be if it said so. */
const char* verdict(const Model& before, const Model& after, bool is_done, bool forgets) {
  if (sim_flash::complaint() != nullptr) return sim_flash::complaint();
  if (is_done && !is_all_stored(after)) return "what was done is not there";
  if (!is_all_stored(before) && !is_all_stored(after)) return "neither the old nor the new";
  if (forgets && is_all_stored(after) && holds(before.values[1])) return "a secret is left";
  return nullptr;
}

struct Trial {
  const Step* step;
  uint32_t number;
  const Model* before;
  const Model* after;
};

void check(const Trial& trial, bool is_done, uint32_t first, uint32_t second) {
  const bool forgets = trial.step->record == FORGET;
  const char* what = verdict(*trial.before, *trial.after, is_done, forgets);
  if (what != nullptr) fail(what, trial.number, first, second);
}

void restore() {
  memcpy(sim_flash::bytes(), snapshot, sim_flash::size());
  reboot();
}

/** The same step again after a first cut, cut at `second`, and then to its end. */
void cut_again(const Trial& trial, uint32_t first, uint32_t second) {
  restore();
  sim_flash::seed(seed ^ first);
  (void)cut_step(*trial.step, first);
  check(trial, cut_step(*trial.step, second), first, second);
  const bool is_done = perform(*trial.step);
  check(trial, is_done, first, second);
  if (!is_done) fail("it is not done with power", trial.number, first, second);
}

/** The flash fails at `first`, and works again, without a restart in between. */
void fail_once(const Trial& trial, uint32_t first) {
  restore();
  sim_flash::seed(seed ^ first);
  sim_flash::cut_after(first);
  (void)perform(*trial.step);
  sim_flash::power_on();
  if (!perform(*trial.step)) fail("it is not done afterwards", trial.number, first, 0);
  check(trial, true, first, 0);
  reboot();
  check(trial, true, first, 0);
}

void cut_everywhere(const Trial& trial, uint32_t stride, uint32_t second_cuts) {
  memcpy(snapshot, sim_flash::bytes(), sim_flash::size());
  sim_flash::cut_after(sim_flash::NEVER);
  (void)perform(*trial.step);
  const uint32_t steps = sim_flash::steps();
  for (uint32_t first = 0; first < steps; first += stride) {
    restore();
    sim_flash::seed(seed ^ first);
    check(trial, cut_step(*trial.step, first), first, sim_flash::NEVER);
    sim_flash::cut_after(sim_flash::NEVER);
    (void)perform(*trial.step);
    const uint32_t again = sim_flash::steps();
    fail_once(trial, first);
    const uint32_t times = again < second_cuts ? again : second_cuts;
    for (uint32_t i = 0; i < times; i++) {
      const uint32_t spread = times == again ? i : (first * 7919u + i * again / times) % again;
      cut_again(trial, first, spread);
    }
  }
  restore();
  if (!perform(*trial.step)) fail("it is not done", trial.number, 0, 0);
}

int cuts(uint32_t sector_bytes, uint32_t sector_count, uint32_t stride, uint32_t second_cuts) {
  const bool is_small = sector_bytes * sector_count < 8192;
  const Step* steps = is_small ? SMALL : LARGE;
  const uint32_t count = is_small ? sizeof SMALL / sizeof(Step) : sizeof LARGE / sizeof(Step);
  static Model before, after;
  flash = sim_flash::make(sector_bytes, sector_count);
  snapshot = static_cast<uint8_t*>(malloc(sim_flash::size()));
  reboot();
  for (uint32_t i = 0; i < count; i++) {
    before = after;
    apply(&after, steps[i]);
    cut_everywhere({&steps[i], i, &before, &after}, stride, second_cuts);
  }
  printf("cuts %u\n", cut_count);
  free(snapshot);
  return 0;
}

/** An hourly lease for two years: how often each sector was erased. */
int wear() {
  flash = sim_flash::make(4096, 16);
  reboot();
  for (uint32_t i = 0; i < 20'000; i++) {
    if (!perform({5, 4, static_cast<uint8_t>(i)})) fail("not saved", i, 0, 0);
  }
  for (uint32_t i = 0; i < 16; i++) printf("%u%c", sim_flash::erasures(i), i == 15 ? '\n' : ' ');
  return 0;
}

/** Where nothing has been written yet. */
uint32_t written_end() {
  uint32_t end = sim_flash::size();
  while (end > 0 && sim_flash::bytes()[end - 1] == 0xff) end -= 1;
  return end;
}

/** A byte that can't be written any more, anywhere in a save: the save goes to the other bank. */
int worn() {
  static Model model;
  for (uint32_t i = 0; i < 72; i++) {
    flash = sim_flash::make(4096, 4);
    reboot();
    model = {};
    for (uint8_t record = 1; record < 6; record++) {
      if (record == 3) sim_flash::wear_out(((written_end() + 3) & ~3u) + i);
      const Step step = {record, 64, static_cast<uint8_t>(i + record)};
      if (!perform(step)) fail("not saved", record, i, 0);
      apply(&model, step);
      if (!is_all_stored(model)) fail("a record is lost", record, i, 0);
    }
    reboot();
    if (!is_all_stored(model)) fail("a record is lost after a restart", 0, i, 0);
  }
  printf("all there\n");
  return 0;
}

/** Saves three records on a new flash and writes its bytes. */
int write_image(const char* path, uint32_t sector_bytes, uint32_t sector_count) {
  flash = sim_flash::make(sector_bytes, sector_count);
  reboot();
  const Step steps[] = {{1, 64, 0xa1}, {3, 901, 0xc3}, {7, 1, 2}};
  for (const Step& step : steps) {
    if (!perform(step)) fail("not saved", step.record, 0, 0);
  }
  FILE* file = fopen(path, "wb");
  const bool is_written = fwrite(sim_flash::bytes(), sim_flash::size(), 1, file) == 1;
  return fclose(file) == 0 && is_written ? 0 : 1;
}

int read_image(const char* path, uint32_t sector_bytes, uint32_t sector_count) {
  static const char* const NAMES[] = {"good", "blank", "foreign"};
  static uint8_t found[port::RECORD_MOST];
  flash = sim_flash::make(sector_bytes, sector_count);
  FILE* file = fopen(path, "rb");
  if (file == nullptr || fread(sim_flash::bytes(), sim_flash::size(), 1, file) != 1) return 1;
  fclose(file);
  printf("%s\n", NAMES[static_cast<int>(flash_store_open(flash))]);
  for (uint32_t record = 1; record < RECORDS; record++) {
    const int32_t bytes = port::load(static_cast<Record>(record), found, sizeof found);
    if (bytes < 0) continue;
    printf("%u ", record);
    for (int32_t i = 0; i < bytes; i++) printf("%02x", found[i]);
    printf("\n");
  }
  return 0;
}

uint32_t number(const char* text) {
  return static_cast<uint32_t>(strtoul(text, nullptr, 10));
}

} // namespace

int main(int count, char** words) {
  const char* what = count > 1 ? words[1] : "";
  if (strcmp(what, "wear") == 0) return wear();
  if (strcmp(what, "worn") == 0) return worn();
  if (count == 5 && strcmp(what, "write") == 0)
    return write_image(words[2], number(words[3]), number(words[4]));
  if (count == 5 && strcmp(what, "read") == 0)
    return read_image(words[2], number(words[3]), number(words[4]));
  if (count != 7 || strcmp(what, "cuts") != 0) return 2;
  seed = number(words[6]);
  return cuts(number(words[2]), number(words[3]), number(words[4]), number(words[5]));
}
