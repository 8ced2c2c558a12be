// SPDX-License-Identifier: Apache-2.0
// `npm run bench -- peers`: the same work through SealedTunnel, chisel, rathole and frp in turn, in one run, with their
// encryption on. Before it: ../run.ts. After it: ../table.ts. What can't be had is said and left out; what is ahead of
// us is said too, with what limits us (../limits.ts).

import { copyCore } from "../core-copy.ts";
import type { PeerGoalId } from "../goals.ts";
import { type Facts, type Goal, printSection, type Row, type Section } from "../table.ts";
import { systemTables } from "./bench-tunnel.ts";
import { MANY, type Measured, type Moved, measure } from "./measure.ts";
import { PEERS, type Peer } from "./peers.ts";
import { findProgram, install } from "./programs.ts";
import { sealedSystem } from "./sealed.ts";
import type { System } from "./system.ts";

const MIB = 1 << 20;

/** Measures and prints; returns how many goals are missed and how many systems could not be measured. */
export async function benchPeers(): Promise<{ missed: number; left: number }> {
  const { wasmPath } = copyCore();
  const systems = [sealedSystem(wasmPath), ...PEERS.map(haveSystem).filter((one) => one !== null)];
  let left = 1 + PEERS.length - systems.length;
  const all: Measured[] = [];
  console.log(
    `${systems.length} systems, one after the other: about ${systems.length / 2} minutes.`,
  );
  for (const system of systems) {
    try {
      all.push(await measure(system, (text) => console.log(`  ... ${text}`)));
    } catch (error) {
      console.log(
        `${system.name}: not measured: ${error instanceof Error ? error.message : error}`,
      );
      left += 1;
    }
  }
  const facts: Facts = new Map();
  for (const one of all) for (const section of systemTables(one)) printSection(section, facts);
  const ours = all.find(({ system }) => system === systems[0]);
  const theirs = all.filter((one) => one !== ours);
  if (ours === undefined || theirs.length === 0) return { missed: 0, left };
  return { missed: printSection(compare(ours, theirs), facts), left };
}

/** The peer's system, its programs found or installed; null where one can't be had. */
function haveSystem(peer: Peer): System | null {
  try {
    const paths = peer.sources.map((source) => {
      const found = findProgram(source.program);
      if (found !== null) return found;
      console.log(`${source.tool} install ${source.name}: some minutes ...`);
      return install(source);
    });
    return peer.system(paths);
  } catch (error) {
    console.log(`${peer.name}: left out: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}

type Figure = {
  label: string;
  id: PeerGoalId;
  kind: Goal["kind"];
  unit: string;
  of(measured: Measured): number;
};

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function moves(label: string, pick: (moved: Moved) => boolean): Figure[] {
  const find = ({ moved }: Measured) => moved.find(pick) as Moved;
  return [
    {
      label,
      id: "peers.throughput",
      kind: "least",
      unit: " MB/s",
      of: (measured) => find(measured).megabytesPerSecond,
    },
    {
      label: `${label}, CPU ms/MB, all parts`,
      id: "peers.cpu",
      kind: "most",
      unit: " ms/MB",
      of: (measured) => sum(find(measured).cpuPerMegabyte) * 1000,
    },
  ];
}

const FIGURES: readonly Figure[] = [
  ...[1, MANY].flatMap((count) =>
    (["download", "upload"] as const).flatMap((way) =>
      moves(
        `${way}, ${count} connection${count > 1 ? "s" : ""}`,
        ({ work, connections }) => work === way && connections === count,
      ),
    ),
  ),
  ...(["median", "p99"] as const).map(
    (name): Figure => ({
      label: `round trip, ${name}, µs`,
      id: "peers.rounds",
      kind: "most",
      unit: " µs",
      of: (measured) => measured[name],
    }),
  ),
  {
    label: "round trip, CPU µs, all parts",
    id: "peers.rounds",
    kind: "most",
    unit: " µs",
    of: ({ cpuPerRound }) => cpuPerRound,
  },
  {
    label: "resident at most, MiB, all parts",
    id: "peers.memory",
    kind: "most",
    unit: " MiB",
    of: ({ mostBytes }) => sum(mostBytes) / MIB,
  },
];

/** Every figure beside those of the others; the goal is the best of theirs. */
function compare(ours: Measured, theirs: readonly Measured[]): Section {
  return {
    title: "side by side",
    columns: [ours, ...theirs].map(({ system }) => system.name),
    rows: FIGURES.map((figure) => rowOf(figure, ours, theirs)),
  };
}

function rowOf(
  { label, id, kind, unit, of }: Figure,
  ours: Measured,
  theirs: readonly Measured[],
): Row {
  const others = theirs.map(of);
  const limit = kind === "least" ? Math.max(...others) : Math.min(...others);
  return {
    label,
    cells: [of(ours), ...others],
    goals: [{ id, kind, limit, unit, measured: of(ours) }],
  };
}
