// SPDX-License-Identifier: Apache-2.0
// What can be built and flashed: the environments of platformio.ini, each with its board's definition and
// partition table in boards/. Before it: those files. After it: flashing.ts, `sealed device`.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../service/app-error.ts";
import { REPOSITORY, requireRepository } from "./python-tools.ts";

export type Partition = {
  name: string;
  type: string;
  subtype: string;
  /** Bytes from the flash's start. */
  offset: number;
  bytes: number;
};

export type Board = {
  /** Of platformio.ini: "esp32cam-aot". */
  environment: string;
  /** Its folder in boards/. */
  name: string;
  title: string;
  /** As esptool calls it: "esp32s3". */
  chip: string;
  flashMode: string;
  flashSize: string;
  baud: number;
  partitions: readonly Partition[];
};

const BOARDS = join(REPOSITORY, "boards");

/** Every environment, and its board's name; null: it is no board but runs on this machine. */
export function environments(): ReadonlyMap<string, string | null> {
  requireRepository();
  const text = readFileSync(join(REPOSITORY, "platformio.ini"), "utf8");
  const sections = text.matchAll(/^\[env:([\w-]+)\]\n((?:(?!\[)[^\n]*\n?)*)/gm);
  return new Map(
    [...sections].map(([, name = "", body = ""]) => {
      const isLocal = /^extends *= *local$/m.test(body);
      const board = /^board *= *(\S+)$/m.exec(body)?.[1] ?? null;
      return [name, isLocal ? null : board];
    }),
  );
}

/** Throws AppError(Usage) where that is no environment, or one without a board. */
export function boardOf(environment: string): Board {
  const all = environments();
  const name = all.get(environment);
  const known = [...all].filter(([, board]) => board !== null).map(([one]) => one);
  if (name === undefined) {
    throw new AppError("Usage", `There is no board ${environment}: say ${known.join(", ")}.`);
  }
  if (name === null) {
    const message = `${environment} is no board but runs on this machine: sealed device emulate.`;
    throw new AppError("Usage", message);
  }
  const {
    name: title,
    build,
    upload,
  } = JSON.parse(readFileSync(join(BOARDS, `${name}.json`), "utf8"));
  return {
    environment,
    name,
    title,
    chip: build.mcu,
    flashMode: build.flash_mode,
    flashSize: upload.flash_size,
    baud: upload.speed,
    partitions: readPartitions(readFileSync(join(BOARDS, name, "partitions.csv"), "utf8")),
  };
}

/** ESP-IDF's table, with every offset and size written out in hexadecimal. */
function readPartitions(text: string): Partition[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => {
      const [name = "", type = "", subtype = "", offset, bytes] = line
        .split(",")
        .map((field) => field.trim());
      return { name, type, subtype, offset: Number(offset), bytes: Number(bytes) };
    });
}

/** The partition of that name: every table has nvs, identity and factory. */
export function partition({ name, partitions }: Board, wanted: string): Partition {
  const found = partitions.find((one) => one.name === wanted);
  if (found !== undefined) return found;
  throw new Error(`boards/${name}/partitions.csv has no ${wanted}`);
}
