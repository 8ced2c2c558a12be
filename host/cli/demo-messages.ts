// SPDX-License-Identifier: Apache-2.0
// What the demo and its three processes tell one another, and how such a process lives: it gets its
// setup (keys too) over IPC, never in its arguments, and ends when it is told to or its parent is gone.
// Before it: demo.ts forks. After it: demo-stlink.ts, demo-connector.ts.

import type { Address } from "../net/transport.ts";

export type Identity = { privateKey: Uint8Array; publicKey: Uint8Array; id: Uint8Array };

export type StlinkSetup = Identity & {
  role: "binding" | "mapping";
  engine: "v8" | "wasm3";
  wasmPath: string;
  connector: { address: Address; key: Uint8Array; psk: Uint8Array };
  peer: { id: Uint8Array; key: Uint8Array; psk: Uint8Array; pskName: Uint8Array };
  bindingId: Uint8Array;
  mappingId: Uint8Array;
  /** Where the Binding listens, or where the Mapping dials. */
  address: Address;
};

export type ConnectorSetup = Identity & {
  wasmPath: string;
  address: Address;
  admitted: { id: Uint8Array; key: Uint8Array; psk: Uint8Array }[];
  pairs: [Uint8Array, Uint8Array][];
};

export type SeenPlace = {
  id: string;
  isHere: boolean;
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  queuePackets: number;
  queueBytes: number;
};

/** Everything that a Connector can see. */
export type Seen = {
  places: SeenPlace[];
  /** Packets by SIZE_CLASSES. */
  sizes: number[];
  refused: Record<string, number>;
  recent: { from: string; to: string; bytes: number; kind: number }[];
};

export type FromChild =
  | { kind: "ready"; port: number; engine: string }
  | { kind: "failed"; code: string; message: string }
  | { kind: "hop"; isUp: boolean; text: string }
  | { kind: "seen"; seen: Seen };

export type Tell = (message: FromChild) => void;

const STOP = "stop";

/** The message that asks a process to end. */
export const stopMessage: unknown = STOP;

/**
 * Runs this process's part: `start` gets the setup and gives back how to stop. Ctrl-C reaches the whole
 * process group, but the order of ending is the parent's.
 */
export function runChild<Setup>(start: (setup: Setup, tell: Tell) => Promise<() => void>): void {
  let stop = (): void => {};
  const tell: Tell = (message) => {
    if (process.connected) process.send?.(message, undefined, {}, () => {});
  };
  const end = (): void => {
    stop();
    process.exit(0);
  };
  process.on("SIGINT", () => {});
  process.on("SIGTERM", end);
  process.on("disconnect", end);
  process.on("message", (message) => {
    if (message === STOP) return end();
    start(message as Setup, tell).then(
      (started) => {
        stop = started;
      },
      (error: NodeJS.ErrnoException) => {
        tell({ kind: "failed", code: error.code ?? "", message: error.message });
      },
    );
  });
}
