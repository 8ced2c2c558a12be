/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a transcript and plays it on a vm, line by line (PROTOCOL section 15): the twin of
 * test/transcripts/player.ts, with the same outcome and the same words for a failure. Before:
 * play_files.cpp on a desktop; a board brings the texts in its own way. After: core_machine.cpp.
 * No input or output, no allocation; about 34 KiB of stack, most of it for packets that were seen.
 */
#ifndef SEALEDTUNNEL_TEST_TRANSCRIPT_H
#define SEALEDTUNNEL_TEST_TRANSCRIPT_H

#include "core_machine.h"

/** Where the texts of transcripts come from. */
struct Library {
  /** The text of a file; false where there is none. It stays valid while a transcript plays. */
  bool (*find)(void* context, Text file, Text* text);
  void* context;
};

struct Outcome {
  /** Lines played, without comments and includes. */
  uint32_t line_count = 0;
  /** Empty where all is well; otherwise the file, the line and what was wrong. */
  Message failure;
  bool is_good() const { return failure.c_str()[0] == 0; }
};

/** Plays a file of the library on a fresh instance. Splits follow from `seed` and the file's name.
 */
void play_transcript(vm* core, const Library& library, Text file, Cut cut, uint32_t seed,
                     Outcome* outcome);

#endif
