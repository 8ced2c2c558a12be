// SPDX-License-Identifier: Apache-2.0
// Many STLinks of a Commander in one process, each with a core, a hop and a state folder of its own: they activate
// with a code, some at once, and serve. Before it: fleet.ts. After it: host/stlink/commanded.ts. It says of each when
// it was activated, and when a configuration came into force.

import { join } from "node:path";
import { systemWorld, type World } from "../../../host/net/world.ts";
import type { Log } from "../../../host/service/log.ts";
import { startCommanded } from "../../../host/stlink/commanded.ts";
import { StateFolder } from "../../../host/stlink/state-folder.ts";
import { sourceOf } from "./identities.ts";
import { runWorker } from "./worker.ts";

export type FleetSetup = {
  /** Where the state folders are made. */
  folder: string;
  /** One after the other in each of these, all of these at once. */
  queues: readonly (readonly Invited[])[];
};

export type Invited = { index: number; code: string };

export type FleetSaid =
  | { kind: "activated"; index: number; id: string }
  | { kind: "failed"; index: number; why: string }
  /** `version`: epoch.serial. `atMs`: since 1970. */
  | { kind: "in force"; index: number; version: string; atMs: number };

/** What the log calls the Connector of a code. */
const CODE_HOP = "activation";

type Tell = (said: FleetSaid) => void;

runWorker<FleetSetup, FleetSaid>(async ({ folder, queues }, tell) => {
  const work = async (queue: readonly Invited[]) => {
    for (const { index, code } of queue) await activate(folder, index, code, tell);
  };
  await Promise.all(queues.map(work));
});

async function activate(folder: string, index: number, code: string, tell: Tell): Promise<void> {
  try {
    const state = StateFolder.make(join(folder, String(index)));
    state.save("code", code);
    const atHome = Promise.withResolvers<void>();
    const log = logOf(index, tell, atHome.resolve);
    const id = await startCommanded({ folder: state, log, world: worldOf(index) }).activated;
    // The code's hop has gone by then, and leaves room to whoever is next.
    await atHome.promise;
    tell({ kind: "activated", index, id });
  } catch (error) {
    tell({ kind: "failed", index, why: String(error) });
  }
}

/** An address of this machine for each: a Connector bounds handshakes for each network. */
function worldOf(index: number): World {
  const { transport } = systemWorld;
  const connect: typeof transport.connect = (address, events) => {
    const from = { ...address, localAddress: sourceOf(index) };
    return transport.connect(from, events);
  };
  return { ...systemWorld, transport: { ...transport, connect } };
}

function logOf(index: number, tell: Tell, isAtHome: () => void): Log {
  const hear = (fields: object, text: string): void => {
    const { version = "", connector = "" } = fields as { version?: string; connector?: string };
    if (text === "hop up" && connector !== CODE_HOP) isAtHome();
    if (text !== "configuration in force") return;
    tell({ kind: "in force", index, version, atMs: performance.timeOrigin + performance.now() });
  };
  const ignore = (): void => {};
  return { debug: ignore, info: hear, warn: ignore, error: ignore };
}
