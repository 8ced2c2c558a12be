// SPDX-License-Identifier: Apache-2.0
// Logs: JSON lines with a level, by pino. They hold what happened and to which thing, never a secret or a
// payload. Before it: every event worth telling. After it: standard output or a file. A line that can't be
// written (a full disk, a reader that is gone) is lost and counted; it never ends or holds up the process.

import { closeSync, openSync, writeSync } from "node:fs";
import { pino } from "pino";
import { AppError, systemReason } from "./app-error.ts";
import type { LogSettings } from "./fields.ts";

/** What STLink and Connector see of a log. `fields` become part of the line. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export type OpenLog = Log & {
  /** Lines that could not be written. */
  readonly lostLines: number;
  close(): void;
};

const STANDARD_OUTPUT = 1;

/** Throws AppError(NotWritten) where the file can't be opened. */
export function openLog({ level, file }: LogSettings): OpenLog {
  const lines = new LogLines(file === null ? STANDARD_OUTPUT : openFile(file));
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    lines,
  );
  return {
    debug: (fields, text) => logger.debug(fields, text),
    info: (fields, text) => logger.info(fields, text),
    warn: (fields, text) => logger.warn(fields, text),
    error: (fields, text) => logger.error(fields, text),
    get lostLines() {
      return lines.lost;
    },
    close: () => lines.close(),
  };
}

function openFile(file: string): number {
  try {
    return openSync(file, "a", 0o600);
  } catch (error) {
    const message = `${file}, the log, can't be written: ${systemReason(error)}.`;
    throw new AppError("NotWritten", message, { cause: error });
  }
}

/** Writes at once. After losses it says how many there were, as soon as it can. */
class LogLines {
  readonly #handle: number;
  lost = 0;
  #untold = 0;

  constructor(handle: number) {
    this.#handle = handle;
  }

  write(line: string): void {
    if (this.#untold > 0 && this.#put(lossLine(this.#untold))) this.#untold = 0;
    if (this.#put(line)) return;
    this.lost += 1;
    this.#untold += 1;
  }

  close(): void {
    if (this.#handle !== STANDARD_OUTPUT) closeSync(this.#handle);
  }

  #put(line: string): boolean {
    try {
      writeSync(this.#handle, line);
      return true;
    } catch {
      return false;
    }
  }
}

function lossLine(lines: number): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level: "warn", time, lines, msg: "log lines were lost" })}\n`;
}
