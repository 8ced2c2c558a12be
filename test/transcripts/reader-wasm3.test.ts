// SPDX-License-Identifier: Apache-2.0
// Plays the transcripts by the C++ reader on this vm, where TEST_ENGINES names its engine (reader.ts).

import { testReader } from "./reader.ts";

testReader("wasm3");
