// SPDX-License-Identifier: Apache-2.0
// Plays the transcripts on this engine, where TEST_ENGINES names it (playing.ts).

import { testEngine } from "./playing.ts";

testEngine("rv32-wasm3");
