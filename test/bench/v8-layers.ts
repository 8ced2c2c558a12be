// SPDX-License-Identifier: Apache-2.0
// Three layers with framing under V8, from one endpoint's side: what a host pays to seal records to
// the wire and to open them from it, through host/core/core.ts with its copies; beside three AEADs
// of other libraries, which have no framing. Each record has a packet and a hop record of its own.
// Bursts and libraries take turns; the best counts. The Connector in between is not charged.

import { DESKTOP_SIZES } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { goal } from "./goals.ts";
import type { Rival, Run } from "./rivals.ts";
import { Seeded } from "./seeded.ts";
import type { Facts, Row, Section } from "./table.ts";
import { compare } from "./timing.ts";
import { burst, type Part } from "./transfer.ts";
import { Tunnel } from "./tunnel.ts";
import { RECORD_LENGTHS } from "./v8-primitives.ts";

const ROUNDS = 8;
const BURSTS = 6;
/** Records in a burst; those of 16 KiB stay within the window of 1 MiB. */
const RECORDS = 48;
/** The design's goal is for records of this length. */
const GOAL_BYTES = 16_384;
const LAYERS = 3;

type Seconds = Record<Part, number>;

export function layersUnderV8(wasm: Uint8Array, rivals: readonly Rival[], facts: Facts): Section {
  const tunnel = new Tunnel(wasm, openV8(wasm), DESKTOP_SIZES);
  tunnel.dial(tunnel.near);
  tunnel.dial(tunnel.far);
  tunnel.connectLink(tunnel.near);
  const { opened, accepted } = tunnel.openStream(tunnel.near);
  const flow = { from: tunnel.near, to: tunnel.far, sending: opened, receiving: accepted };
  const rows = RECORD_LENGTHS.flatMap((bytes): Row[] => {
    const payload = new Seeded(13).bytes(bytes);
    const seconds: Seconds = { seal: 1, open: 1, acknowledge: 1, acknowledged: 1 };
    const runs = [coreRuns(wasm, payload), ...rivals.map((rival) => rivalRuns(rival, payload))];
    const sealing = runs.map(({ seal }) => seal);
    const opening = runs.map(({ open }) => open);
    let [sealed, opened]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < BURSTS; i++) keepLeast(seconds, oneBurst(tunnel, flow, payload));
      sealed = least(sealed, compare(sealing, 1));
      opened = least(opened, compare(opening, 1));
    }
    facts.set(`v8.aead.seal.${bytes}`, 1 / (sealed[0] ?? 1) / 1e6);
    facts.set(`v8.aead.open.${bytes}`, 1 / (opened[0] ?? 1) / 1e6);
    return [
      row("seal", bytes, seconds.seal, sealed, seconds.seal + seconds.acknowledged),
      row("open", bytes, seconds.open, opened, seconds.open + seconds.acknowledge),
    ];
  });
  return {
    title: "V8: three layers, MB/s of payload",
    columns: [
      ...["layers, framing", "with ACKs", "core 3 AEADs"],
      ...rivals.map(({ name }) => `${name} x 3`),
    ],
    rows,
    notes: [
      '"with ACKs": what the same side does for acknowledgement and credit counted in.',
      "Other columns: three AEADs and nothing else, the core's in place.",
    ],
  };
}

type Flow = Parameters<typeof burst>[1];

/** Seconds per payload byte of each part in one burst. */
function oneBurst(tunnel: Tunnel, flow: Flow, payload: Uint8Array): Seconds {
  const ms: Seconds = { seal: 0, open: 0, acknowledge: 0, acknowledged: 0 };
  const bytes = burst(tunnel, flow, payload, RECORDS, (part, run) => {
    const startedMs = performance.now();
    const result = run();
    ms[part] += performance.now() - startedMs;
    return result;
  });
  for (const part of Object.keys(ms) as Part[]) ms[part] /= 1000 * bytes;
  return ms;
}

function keepLeast(seconds: Seconds, latest: Seconds): void {
  for (const part of Object.keys(seconds) as Part[]) {
    seconds[part] = Math.min(seconds[part], latest[part]);
  }
}

function least(known: number[], latest: (number | null)[]): number[] {
  return latest.map((each, i) => Math.min(known[i] ?? 1, each ?? 1));
}

/** Three AEADs for one byte of payload are three times one AEAD divided by its bytes. */
function rivalRuns(rival: Rival, payload: Uint8Array): { seal: Run; open: Run } {
  const random = new Seeded(17);
  const [key, nonce] = [random.bytes(32), random.bytes(12)];
  const sealed = sealedBy(key, nonce, payload);
  return {
    seal: perByte(rival.seal(key, nonce, payload), payload.length),
    open: perByte(rival.open(key, nonce, sealed), payload.length),
  };
}
