// SPDX-License-Identifier: Apache-2.0
// `npm run bench -- camera`: the camera app's synthetic frames on bare RV32IMAC, in instructions: a
// frame, and the longest single call, which holds the device's loop up. Before it: run.ts. After it:
// scripts/bench-images.ts, table.ts.

import { Rv32Engine } from "../../host/core/engine-rv32.ts";
import { buildCameraImage } from "../../scripts/bench-images.ts";
import { printSection, type Row } from "./table.ts";

const SIZES = [
  [160, 120],
  [320, 240],
] as const;
const FRAMES = 50;
/** Until quality has settled, and from an hour on, so that the digits are many. */
const SETTLING_FRAMES = 30;
const START_MS = 3_600_000;
const FRAME_MS = 100;

/** Measures and prints. */
export async function benchCamera(): Promise<{ missed: number; left: number }> {
  const rows = SIZES.flatMap(([width, height]) =>
    ["-Os", "-O2"].map((optimized) => measure(width, height, optimized)),
  );
  const columns = ["a frame", "longest call", "bytes", "native stack, B"];
  const title = "RV32IMAC: synthetic frames, instructions";
  return { missed: printSection({ title, columns, rows }, new Map()), left: 0 };
}

function measure(width: number, height: number, optimized: string): Row {
  const engine = new Rv32Engine("rv32-aot", buildCameraImage(width, height, optimized), {});
  try {
    let [frames, instructions, longest, bytes] = [0, 0, 0, 0];
    for (let i = 0; i < SETTLING_FRAMES + FRAMES; i++) {
      for (let made = 0, row = 0; made === 0 && row < height; row += 16) {
        made = engine.call("step", START_MS + i * FRAME_MS);
        if (i < SETTLING_FRAMES) continue;
        instructions += Number(engine.lastInstructions);
        longest = Math.max(longest, Number(engine.lastInstructions));
        bytes += made;
      }
      if (i >= SETTLING_FRAMES) frames += 1;
    }
    const stackBytes = engine.stats().nativeStackHighWaterBytes;
    const label = `${width} x ${height}, ${optimized}`;
    return { label, cells: [instructions / frames, longest, bytes / frames, stackBytes] };
  } finally {
    engine.close();
  }
}
