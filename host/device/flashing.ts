// SPDX-License-Identifier: Apache-2.0
// What goes where in a board's flash, and the esptool command that puts it there. The partition
// "identity" is written when an image for it is given, never otherwise; nothing is ever erased as a
// whole. Before it: boards.ts, PlatformIO's build. After it: `sealed device flash` and `new`.

import { readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { AppError, systemReason } from "../service/app-error.ts";
import { type Board, type Partition, partition } from "./boards.ts";
import { REPOSITORY } from "./python-tools.ts";

export type FlashPart = {
  what: string;
  offset: number;
  /** The most that fits. */
  bytes: number;
  file: string;
};

const TABLE_OFFSET = 0x8000;
const TABLE_BYTES = 0x1000;
/** Where the chip's ROM looks for the bootloader. */
const BOOTLOADER_OFFSETS: Readonly<Record<string, number>> = { esp32: 0x1000 };
/** A page of NVS begins with its state: bits of all ones that are cleared one after the other. */
const NVS_PAGE_STATES: readonly number[] = [0xffffffff, 0xfffffffe, 0xfffffffc, 0xfffffff8];

/** In the order of their offsets. */
export function flashParts(board: Board, identityImage: string | undefined): FlashPart[] {
  const built = (name: string) =>
    relative(
      process.cwd(),
      join(REPOSITORY, "build", "pio", "build", board.environment, `${name}.bin`),
    );
  const bootloader = BOOTLOADER_OFFSETS[board.chip] ?? 0;
  const part = (what: string, { offset, bytes }: Partition, file: string) => {
    return { what, offset, bytes, file };
  };
  return [
    {
      what: "bootloader",
      offset: bootloader,
      bytes: TABLE_OFFSET - bootloader,
      file: built("bootloader"),
    },
    {
      what: "partition table",
      offset: TABLE_OFFSET,
      bytes: TABLE_BYTES,
      file: built("partitions"),
    },
    ...(identityImage === undefined
      ? []
      : [part("identity", partition(board, "identity"), identityImage)]),
    part("firmware", partition(board, "factory"), built("firmware")),
  ];
}

/** esptool's arguments. */
export function flashCommand(board: Board, port: string, parts: readonly FlashPart[]): string[] {
  return [
    ...["--chip", board.chip, "--port", port, "--baud", String(board.baud)],
    "write-flash",
    ...["--flash-mode", board.flashMode, "--flash-size", board.flashSize],
    ...parts.flatMap(({ offset, file }) => [hex(offset), file]),
  ];
}

/** A table of the parts, and a sentence on the identity. */
export function describeParts(board: Board, parts: readonly FlashPart[]): string {
  const rows = parts.map(
    ({ what, offset, bytes, file }) =>
      `  ${hex(offset).padStart(8)}  ${what.padEnd(16)} ${sizeOf(file).padStart(9)} of ${bytes} bytes  ${file}`,
  );
  const { offset, bytes } = partition(board, "identity");
  const place = `${hex(offset)} to ${hex(offset + bytes - 1)}`;
  const isWritten = parts.some(({ what }) => what === "identity");
  const identity = isWritten
    ? `The identity at ${place} is replaced: the device has another one afterwards.`
    : `The identity at ${place} is not touched.`;
  return [`${board.title}, ${board.flashSize} of flash:`, ...rows, identity].join("\n");
}

function sizeOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? "not built" : String(stat.size);
}

/** Throws AppError(BadFile) where a part is missing or too large for its place. */
export function checkParts(parts: readonly FlashPart[]): void {
  for (const { what, bytes, file } of parts) {
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) {
      throw new AppError("BadFile", `${file}, the ${what}, is not there: build it first.`);
    }
    if (size > bytes) {
      const message = `${file}, the ${what}, has ${size} bytes, and its place in flash ${bytes}.`;
      throw new AppError("BadFile", message);
    }
  }
}

/** Throws AppError(BadFile) where that is no image of an identity for this board. */
export function checkIdentityImage(board: Board, file: string): void {
  const { bytes } = partition(board, "identity");
  let image: Buffer;
  try {
    image = readFileSync(file);
  } catch (error) {
    const message = `${file}, the identity's image, can't be read: ${systemReason(error)}.`;
    throw new AppError("BadFile", message, { cause: error });
  }
  const isNvs = image.length === bytes && NVS_PAGE_STATES.includes(image.readUInt32LE(0));
  if (isNvs) return;
  const message = `${file} is no image of an ESP32's identity (NVS, ${bytes} bytes): make one with "sealed device new".`;
  throw new AppError("BadFile", message);
}

export function hex(offset: number): string {
  return `0x${offset.toString(16)}`;
}
