// SPDX-License-Identifier: Apache-2.0
// A service's life: its file read, its log opened, its status socket claimed, started; then SIGHUP reads
// the file again, SIGTERM or SIGINT stops it cleanly. Before it: `sealed stlink run`, `sealed connector
// run`. After it: startStlink, startConnector. An error that nobody expected is logged and ends it: 70.

import { AppError } from "../service/app-error.ts";
import type { LogSettings } from "../service/fields.ts";
import { type Log, openLog } from "../service/log.ts";
import { programVersion } from "../service/program-version.ts";
import type { Running } from "../service/running.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { claimSockets, usualSocket } from "./status-socket.ts";

type CommonSettings = { log: LogSettings };

export type Service<Settings, Status> = {
  role: "stlink" | "connector";
  /** A file, or a state folder. */
  file: string;
  /** Throws AppError where the file, or its key file, is wrong. */
  read(file: string): Settings;
  /** The paths at which it is asked for its status; each is its lock too. */
  sockets(settings: Settings): readonly string[];
  start(settings: Settings, log: Log): Promise<Running<Settings, Status>>;
};

/** The usual socket, and the one that the file asks for. */
export function fileSockets(
  role: "stlink" | "connector",
  { publicKey, statusSocket }: { publicKey: Uint8Array; statusSocket: string | null },
): string[] {
  const usual = usualSocket(role, publicKey);
  return statusSocket === null ? [usual] : [usual, statusSocket];
}

/** What every process says of itself, beside its own status. */
export type ProcessStatus = { version: string; pid: number; file: string; upSeconds: number };

/** Runs until a signal asks it to stop. Throws AppError where it can't start. */
export async function runService<Settings extends CommonSettings, Status extends object>(
  service: Service<Settings, Status>,
): Promise<void> {
  const settings = service.read(service.file);
  const log = openLog(settings.log);
  endOnBugs(log);
  let running: Running<Settings, Status> | null = null;
  const claim = await claimSockets(service.sockets(settings), {
    status: () => ({
      ...processStatus(service.file),
      logLinesLost: log.lostLines,
      ...running?.status(),
    }),
    command: (name) => running?.commands?.[name],
  });
  try {
    running = await service.start(settings, log);
    log.info({ role: service.role, file: service.file, pid: process.pid }, "ready");
    await untilStopped(service, running, log);
  } finally {
    claim.close();
    log.close();
  }
}

/** `file`: or the state folder. */
export function processStatus(file: string): ProcessStatus {
  const upSeconds = Math.floor(process.uptime());
  return { version: programVersion(), pid: process.pid, file, upSeconds };
}

/** Resolves once the service has stopped; rejects where it can't go on. A second signal ends the process at once. */
async function untilStopped<Settings, Status>(
  service: Service<Settings, Status>,
  running: Running<Settings, Status>,
  log: Log,
): Promise<void> {
  const onHangup = () => void reload(service, running, log);
  process.on("SIGHUP", onHangup);
  try {
    const signal = await Promise.race([stopSignal(), ...(running.over ? [running.over] : [])]);
    log.info({ signal }, "stopping");
  } finally {
    process.off("SIGHUP", onHangup);
    await running.stop();
  }
  log.info({}, "stopped");
}

/** The first signal that asks the process to stop. */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => resolve(name));
  });
}

/** A file that is wrong changes nothing. */
async function reload<Settings, Status>(
  { file, read }: Service<Settings, Status>,
  running: Running<Settings, Status>,
  log: Log,
): Promise<void> {
  try {
    const { applied, needsRestart } = await running.reload(read(file));
    log.info({ file, applied, needsRestart }, "file read again");
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    log.error(
      { code: error.code, reason: error.message },
      "the file was not taken: nothing has changed",
    );
  }
}

/** An error that nobody expected is logged, and ends the process. */
export function endOnBugs(log: Log): void {
  process.on("uncaughtException", (error) => {
    log.error({ err: error }, "a bug ended the process");
    process.exit(EXIT_CODES.Bug.code);
  });
}
