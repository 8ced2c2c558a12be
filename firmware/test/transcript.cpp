/* SPDX-License-Identifier: Apache-2.0
 *
 * See transcript.h. A line is words between single spaces; an `expect` compares what the line
 * before it left. A result below zero that no `expect` follows, and a packet nobody expected, fail.
 */
#include "transcript.h"

namespace {

/** `call` and its name, and as many arguments as a vm takes. */
constexpr uint32_t MAX_WORDS = 18;
constexpr int MAX_INCLUDES = 8;

struct Words {
  Text list[MAX_WORDS];
  uint32_t count = 0;
  /** From the second word on, as they stand. */
  Text after_first;

  Text at(uint32_t index) const { return index < count ? list[index] : Text{}; }
};

class Player {
public:
  Player(vm* core, const Library& library, Cut cut, uint32_t seed, Outcome* outcome)
      : machine_(core, cut, seed), library_(library), outcome_(outcome) {}

  void play_file(Text file, int depth);
  /** What the last line left to be expected. */
  void finish(Text file);

private:
  void play_line(Text file, int32_t number, const Words& words);
  void do_line(const Words& words);
  void do_bytes(const Words& words);
  void do_call(const Words& words);
  void expect_line(const Words& words);
  void check_no_failure();
  void fail_at(Text file, int32_t number);
  int32_t number(Text text);
  Hex bytes(Text text);
  int32_t role(Text text);

  CoreMachine machine_;
  const Library& library_;
  Outcome* outcome_;
  int32_t last_line_ = 0;
};

bool split_words(Text line, Words* words) {
  Text rest = trimmed(cut_at(&line, '#'));
  while (rest.len > 0) {
    if (words->count == MAX_WORDS) return false;
    words->list[words->count++] = cut_at(&rest, ' ');
    if (words->count == 1) words->after_first = rest;
  }
  return true;
}

void Player::play_file(Text file, int depth) {
  Text text;
  if (depth > MAX_INCLUDES || !library_.find(library_.context, file, &text)) {
    outcome_->failure.add("there is no transcript ").add(file);
    return;
  }
  for (int32_t number = 1; text.len > 0 && outcome_->is_good(); number++) {
    Words words;
    if (!split_words(cut_at(&text, '\n'), &words)) {
      machine_.failure.add("too many words");
      fail_at(file, number);
    } else if (words.at(0).is("include"))
      play_file(words.at(1), depth + 1);
    else if (words.count > 0)
      play_line(file, number, words);
  }
}

void Player::play_line(Text file, int32_t number, const Words& words) {
  outcome_->line_count += 1;
  if (words.at(0).is("expect")) {
    expect_line(words);
    if (machine_.result < 0) machine_.result = 0; // what an expectation has seen is dealt with
  } else {
    check_no_failure();
    if (!machine_.has_failed()) do_line(words);
  }
  last_line_ = number;
  if (machine_.has_failed()) fail_at(file, number);
}

void Player::fail_at(Text file, int32_t number) {
  Message& message = outcome_->failure;
  message.add(file).add(":").add(number).add(": ").add(machine_.failure.c_str());
}

void Player::check_no_failure() {
  if (machine_.result >= 0) return;
  machine_.failure.add("line ").add(last_line_).add(" returned ");
  add_status(machine_.result, &machine_.failure);
  machine_.failure.add(", unexpected");
}

void Player::finish(Text file) {
  if (!outcome_->is_good()) return;
  check_no_failure();
  if (!machine_.has_failed() && machine_.has_seen()) {
    machine_.failure.add("a packet was not expected");
  }
  if (machine_.has_failed()) fail_at(file, last_line_);
}

int32_t Player::number(Text text) {
  int32_t value = 0;
  if (parse_number(text, &value) || machine_.has_failed()) return value;
  machine_.failure.add("not a number: ").add_short(text);
  return 0;
}

Hex Player::bytes(Text text) {
  Hex found;
  if (Hex::parse(text, &found) || machine_.has_failed()) return found;
  machine_.failure.add("not bytes in hex: ").add_short(text);
  return found;
}

int32_t Player::role(Text text) {
  if (text.is("stlink")) return CORE_ROLE_STLINK;
  if (text.is("connector")) return CORE_ROLE_CONNECTOR;
  machine_.failure.add("no such role: ").add_short(text);
  return 0;
}

void Player::do_line(const Words& words) {
  Text verb = words.at(0);
  if (verb.is("size"))
    machine_.size(words.at(1), number(words.at(2)));
  else if (verb.is("now"))
    machine_.now(number(words.at(1)));
  else if (verb.is("start"))
    machine_.start(role(words.at(1)));
  else if (verb.is("call"))
    do_call(words);
  else if (verb.is("work"))
    machine_.work();
  else
    do_bytes(words);
}

/** The lines that end with bytes. What is before them is read first: a message is about one word.
 */
void Player::do_bytes(const Words& words) {
  Text verb = words.at(0);
  uint32_t number_count = 0;
  if (verb.is("rx") || verb.is("in"))
    number_count = 1;
  else if (verb.is("datagram") || verb.is("forward"))
    number_count = 2;
  else if (!verb.is("seed") && !verb.is("arg") && !verb.is("config")) {
    machine_.failure.add("no such line: ").add(verb);
    return;
  }
  if (verb.is("rx") && machine_.has_seen()) machine_.failure.add("a packet was not expected");
  int32_t first = number_count > 0 ? number(words.at(1)) : 0;
  int32_t second = number_count > 1 ? number(words.at(2)) : 0;
  Hex last = bytes(words.at(number_count + 1));
  if (machine_.has_failed()) return;
  if (verb.is("rx"))
    machine_.rx(first, last);
  else if (verb.is("in"))
    machine_.in(first, last);
  else if (verb.is("datagram"))
    machine_.datagram(first, second, last);
  else if (verb.is("forward"))
    machine_.forward(first, second, last);
  else if (verb.is("seed"))
    machine_.seed(last);
  else if (verb.is("arg"))
    machine_.arg(last);
  else
    machine_.config(last);
}

void Player::do_call(const Words& words) {
  int32_t args[MAX_WORDS] = {};
  uint32_t arg_count = 0;
  for (uint32_t i = 2; i < words.count; i++) args[arg_count++] = number(words.at(i));
  if (!machine_.has_failed()) machine_.call_named(words.at(1), args, arg_count);
}

void Player::expect_line(const Words& words) {
  Text what = words.at(1), first = words.at(2), expected = words.after_first;
  if (what.is("status")) {
    cut_at(&expected, ' ');
    if (!is_status_name(first)) machine_.failure.add("no such status: ").add_short(first);
    if (machine_.has_failed()) return;
  }
  if (what.is("tx") || what.is("out") || what.is("datagram")) {
    cut_at(&expected, ' ');
    cut_at(&expected, ' ');
  }
  Found found(expected);
  if (what.is("tx"))
    machine_.take_tx(number(first), &found);
  else if (what.is("out"))
    machine_.take_out(number(first), &found);
  else if (what.is("datagram"))
    machine_.take_datagram(number(first), &found);
  else if (what.is("packet") || what.is("mute"))
    machine_.take_seen(&found);
  else if (what.is("status"))
    put_status(machine_.result, &found);
  else
    found.put(machine_.result);
  if (!machine_.has_failed() && !found.is_expected()) found.explain(&machine_.failure);
}

/** The hash of the file's name that decides its splits, begun at the seed. */
uint32_t seed_of(Text file, uint32_t seed) {
  for (size_t i = 0; i < file.len; i++) seed = seed * 31 + (uint8_t)file.data[i];
  return seed;
}

} // namespace

void play_transcript(vm* core, const Library& library, Text file, Cut cut, uint32_t seed,
                     Outcome* outcome) {
  Player player(core, library, cut, seed_of(file, seed), outcome);
  player.play_file(file, 0);
  player.finish(file);
}
