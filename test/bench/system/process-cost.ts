// SPDX-License-Identifier: Apache-2.0
// What a running process has cost so far: CPU and memory, as Linux's /proc has it. Before it: measure.ts.
// Works for any process, so ours and others are measured in one way.

import { readFileSync } from "node:fs";

/** Linux counts CPU time of processes in hundredths of a second, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;

export type ProcessCost = {
  /** User and system, seconds. */
  cpuSeconds: number;
  /** Resident now, and at the most so far, bytes. */
  residentBytes: number;
  mostBytes: number;
};

/** Throws where there is no /proc, or no such process. */
export function costOf(pid: number): ProcessCost {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name stands in brackets and may hold anything; the fields behind it begin with the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: kib("VmRSS") * KIB,
    mostBytes: kib("VmHWM") * KIB,
  };
}
