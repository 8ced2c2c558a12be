// SPDX-License-Identifier: Apache-2.0
// `sealed status`: asks the processes that run here, over their local sockets, and prints a table or their
// JSON; once, or every two seconds. Before it: status-socket.ts. After it: status-table.ts, a terminal.

import { setTimeout as pause } from "node:timers/promises";
import type { CommandModule } from "yargs";
import type { ConnectorStatus } from "../connector/status.ts";
import { AppError } from "../service/app-error.ts";
import type { StlinkStatus } from "../stlink/status.ts";
import type { ProcessStatus } from "./run.ts";
import { askSocket, knownSockets, socketFolder } from "./status-socket.ts";
import { statusTable } from "./status-table.ts";

/** What a process answers. A service that still starts says of itself only what every process says. */
export type AnyStatus = ProcessStatus & { logLinesLost: number } & (
    | StlinkStatus
    | ConnectorStatus
    | { role?: undefined }
  );

type Arguments = { socket: string | undefined; json: boolean; watch: boolean };

const WATCH_MS = 2000;
const CLEAR = "\x1b[2J\x1b[H";

export const statusCommand: CommandModule<object, Arguments> = {
  command: "status",
  describe: "Show what runs here: Routes, hops, peers, queues, what was refused",
  builder: (yargs) =>
    yargs
      .option("socket", { type: "string", describe: "Ask the process at this status socket alone" })
      .option("json", { type: "boolean", default: false, describe: "JSON, one line for a process" })
      .option("watch", { type: "boolean", default: false, describe: "Again every two seconds" })
      .example("$0 status", "Everything that this user runs")
      .example("$0 status --json | jq .bindings", "For scripts"),
  handler: showStatus,
};

async function showStatus({ socket, json, watch }: Arguments): Promise<void> {
  do {
    const found = socket === undefined ? await askAll() : [await ask(socket)];
    const text = found.map((one) => (json ? JSON.stringify(one) : statusTable(one))).join("\n");
    console.log(watch && !json && process.stdout.isTTY ? CLEAR + text : text);
    if (watch) await pause(WATCH_MS);
  } while (watch);
}

async function ask(socket: string): Promise<AnyStatus> {
  return (await askSocket(socket)) as AnyStatus;
}

/** Sockets that nobody answers at are left over, and passed over. */
async function askAll(): Promise<AnyStatus[]> {
  const answers = await Promise.allSettled(knownSockets().map(ask));
  const found = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (found.length > 0) return found;
  const message = `Nothing of yours runs here (${socketFolder()}). Another user's process? Ask with --socket.`;
  throw new AppError("NotRunning", message);
}
