// SPDX-License-Identifier: Apache-2.0
// `npm run bench -- tunnel`: the whole system on loopback sockets, three processes: bytes, round trips, CPU, memory;
// then a Connector with ten thousand idle hops, and a thousand STLinks that come back. Before it: ../run.ts. After it:
// ../table.ts. Every part is bounded in count and time; one that can't be measured says why and is left out.

import { DESKTOP_SIZES, type Sizes } from "../../../host/core/core.ts";
import { copyCore } from "../core-copy.ts";
import { goal } from "../goals.ts";
import { leastMemory } from "../machine.ts";
import { type Facts, printSection, type Section } from "../table.ts";
import { measureIdleHops, measureReconnecting } from "./crowd.ts";
import { MANY, type Measured, measure } from "./measure.ts";
import { sealedSystem } from "./sealed.ts";

const IDLE_HOPS = 10_000;
const STLINKS = 1000;
/** Sizes to which one kind of thing is added; the pools are beside the point. */
const FEW = { links: 1, streams: 1, hops: 1, channels: 16, recvBlocks: 64, sendBlocks: 64 };
const KIB = 1024;
const MIB = 1 << 20;

/** Measures and prints; returns how many goals are missed and how many sections could not be made. */
export async function benchTunnel(): Promise<{ missed: number; left: number }> {
  const { wasm, wasmPath } = copyCore();
  const facts: Facts = new Map();
  const outcome = { missed: 0, left: 0 };
  const print = async (what: string, make: () => Promise<Section[]>): Promise<void> => {
    try {
      for (const section of await make()) outcome.missed += printSection(section, facts);
    } catch (error) {
      console.log(`\n${what}: not measured: ${error instanceof Error ? error.message : error}`);
      outcome.left += 1;
    }
  };
  console.log("Two to four minutes: the whole system, then 10,000 idle hops, then 1,000 STLinks.");
  await print("The whole system", async () =>
    systemTables(await measure(sealedSystem(wasmPath), say)),
  );
  await print("Idle hops", async () => [await idleTable(wasmPath, wasm, facts)]);
  await print("Reconnecting", async () => [await reconnectTable(wasmPath)]);
  return outcome;
}

function say(text: string): void {
  console.log(`  ... ${text}`);
}

/** Bytes, round trips and memory of one system. */
export function systemTables({ system, roles, moved, ...rest }: Measured): Section[] {
  const bytes: Section = {
    title: `${system.name}: bytes`,
    columns: ["MB/s", ...roles.map((role) => `${role}, CPU ms/MB`)],
    rows: moved.map(({ work, connections, megabytesPerSecond, cpuPerMegabyte }) => ({
      label: `${work}, ${connections === MANY ? `${MANY} connections` : "1 connection"}`,
      cells: [megabytesPerSecond, ...cpuPerMegabyte.map((seconds) => seconds * 1000)],
    })),
    notes: [`It encrypts: ${system.encrypts}.`],
  };
  const others: Section = {
    title: `${system.name}: round trips and memory`,
    columns: ["p50 µs", "p99 µs", "CPU µs", ...roles.map((role) => `${role}, MiB`)],
    rows: [
      {
        label: "1 byte there and back",
        cells: [rest.median, rest.p99, rest.cpuPerRound, ...roles.map(() => null)],
      },
      {
        label: "resident, idle",
        cells: [null, null, null, ...rest.idleBytes.map((bytes) => bytes / MIB)],
      },
      {
        label: "resident, at most",
        cells: [null, null, null, ...rest.mostBytes.map((bytes) => bytes / MIB)],
      },
    ],
  };
  return [bytes, others];
}

async function idleTable(wasmPath: string, wasm: Uint8Array, facts: Facts): Promise<Section> {
  const { count, seconds, bytesEach, cpuEach } = await measureIdleHops(wasmPath, IDLE_HOPS, say);
  facts.set("hop.core", least(wasm, "hops"));
  return {
    title: "memory at rest",
    columns: ["KiB each", "how many"],
    rows: [
      {
        label: "idle hop at a Connector, resident",
        cells: [bytesEach / KIB, count],
        goals: [goal("hop.idle", bytesEach)],
      },
      { label: "link at an STLink, its table", cells: [least(wasm, "links") / KIB, null] },
      { label: "stream at an STLink, its table", cells: [least(wasm, "streams") / KIB, null] },
    ],
    notes: [
      `${count} handshakes in ${seconds.toFixed(1)} s, ${(cpuEach * 1000).toFixed(2)} ms of the Connector's CPU each.`,
      "A stream is guaranteed blocks of the pool besides, for a record each way; untouched ones are not resident.",
    ],
  };
}

/** What one more of `what` adds to the least linear memory with which an STLink starts. */
function least(wasm: Uint8Array, what: "links" | "streams" | "hops"): number {
  const more = 64;
  const sizes: Sizes = { ...DESKTOP_SIZES, ...FEW };
  const memory = (counts: Partial<Sizes>) => leastMemory(wasm, { ...sizes, ...counts });
  return (memory({ [what]: 1 + more }) - memory({})) / more;
}

async function reconnectTable(wasmPath: string): Promise<Section> {
  const { count, firstSeconds, againSeconds } = await measureReconnecting(wasmPath, STLINKS, say);
  return {
    title: "a Connector that dies",
    columns: ["seconds to the last"],
    rows: [
      { label: `${count} STLinks come for the first time`, cells: [firstSeconds] },
      { label: `${count} STLinks come back to it, started again`, cells: [againSeconds] },
    ],
    notes: [
      "All STLinks are one process here; a redial comes after 0 to 500 ms, then the span doubles.",
    ],
  };
}
