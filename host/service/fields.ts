// SPDX-License-Identifier: Apache-2.0
// The kinds of field that files are made of, each with its one spelling: ids and keys in hexadecimal,
// durations "30s", sizes "64KiB", addresses "host:port". Before it: declaration.ts reads the text. After
// it: bytes, milliseconds, Address. Messages go on from the field's name and say what to write instead.

import { isIP } from "node:net";
import * as z from "zod";
import { isNetwork } from "../net/ip.ts";
import type { Address } from "../net/transport.ts";

export const ID_LEN = 16;
export const KEY_LEN = 32;

function hexField(digits: number, message: string) {
  const pattern = new RegExp(`^[0-9a-fA-F]{${digits}}$`);
  return z
    .string()
    .regex(pattern, message)
    .refine((text) => !/^0*$/.test(text), "is all zeros, which stands for none: leave it out.")
    .transform((text) => new Uint8Array(Buffer.from(text, "hex")));
}

/** 16 bytes. PROTOCOL section 1. */
export const idField = hexField(
  2 * ID_LEN,
  'is not an id: 32 hexadecimal digits, as "sealed keygen" prints them.',
);

/** 32 bytes, X25519, canonical. PROTOCOL section 1. */
export const keyField = hexField(
  2 * KEY_LEN,
  'is not a public key: 64 hexadecimal digits, as "sealed keygen" prints them.',
).refine(isCanonical, "is no X25519 public key in canonical form: copy it again from its owner.");

/** 32 bytes. PROTOCOL 3.3. */
export const pskField = hexField(
  2 * KEY_LEN,
  'is not a pre-shared key: 64 hexadecimal digits, as "sealed keygen --psk" prints them.',
);

/** Of a public key, 32 bytes: the u-coordinate is below 2^255 - 19, top bit clear. */
export function isCanonical(key: Uint8Array): boolean {
  const u = BigInt(`0x${Buffer.from(key).reverse().toString("hex")}`);
  return u < 2n ** 255n - 19n;
}

/** What people call a thing; unique among its kind in one file. */
export const nameField = z
  .string()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u,
    "is not a name: letters, digits, '.', '-' and '_', no spaces, at most 64, a letter or digit first.",
  );

export const protocolField = z.enum(["tcp", "udp"]);
export type Protocol = z.output<typeof protocolField>;

/** 1 to 65535. */
export const portField = z.int().min(1).max(65_535);
/** 0 too: any free port. */
export const listenPortField = z.int().min(0).max(65_535);

const DURATION: Spelling = {
  pattern: /^(\d{1,9})(ms|s|m|h|d)$/,
  units: { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  wrong: 'is not a duration: a whole number and ms, s, m, h or d, such as "30s".',
};

/** "500ms", "30s", "10m", "24h", "7d", as it is written; within the bounds, which are written the same. */
export function durationText(least: string, most: string) {
  return quantityText(DURATION, least, most);
}

/** Milliseconds of a duration, which durationText has taken. */
export function durationMs(text: string): number {
  return quantityOf(DURATION, text);
}

/** Milliseconds from "500ms", "30s", "10m", "24h", "7d". */
export function durationField(least: string, most: string) {
  return durationText(least, most).transform(durationMs);
}

const SIZE: Spelling = {
  pattern: /^(\d{1,9})(B|KiB|MiB|GiB)$/,
  units: { B: 1, KiB: 1 << 10, MiB: 1 << 20, GiB: 1 << 30 },
  wrong: 'is not a size: a whole number and B, KiB, MiB or GiB, such as "64KiB".',
};

/** "512B", "64KiB", "4MiB", "1GiB", as it is written; within the bounds, which are written the same. */
export function sizeText(least: string, most: string) {
  return quantityText(SIZE, least, most);
}

/** Bytes of a size, which sizeText has taken. */
export function sizeBytes(text: string): number {
  return quantityOf(SIZE, text);
}

/** Bytes from "512B", "64KiB", "4MiB", "1GiB". */
export function sizeField(least: string, most: string) {
  return sizeText(least, most).transform(sizeBytes);
}

type Spelling = { pattern: RegExp; units: Readonly<Record<string, number>>; wrong: string };

function quantityOf({ pattern, units }: Spelling, text: string): number {
  const [, digits = "", unit = ""] = pattern.exec(text) ?? [];
  return Number(digits) * (units[unit] ?? 0);
}

function quantityText(spelling: Spelling, least: string, most: string) {
  const { pattern, wrong } = spelling;
  const [from, to] = [quantityOf(spelling, least), quantityOf(spelling, most)];
  const isWithin = (text: string) => {
    const quantity = quantityOf(spelling, text);
    return !pattern.test(text) || (quantity >= from && quantity <= to);
  };
  return z
    .string(wrong)
    .regex(pattern, wrong)
    .refine(isWithin, `is to be from ${least} to ${most}.`);
}

/** A network: an IP address, a slash and how many of its bits count. */
export const networkField = z
  .string()
  .refine(
    isNetwork,
    'is not a network: an address and a number of bits, such as "192.168.0.0/24".',
  );

/** Each once, at most `most`. */
export function eachOnce(entry: z.ZodType<string, string>, most: number) {
  return z
    .array(entry)
    .max(most)
    .superRefine((list, context) => {
      const seen = new Set<string>();
      for (const [i, one] of list.entries()) {
        if (!seen.has(one)) seen.add(one);
        else {
          const message = "is there twice: once is enough.";
          context.addIssue({ code: "custom", path: [i], message });
        }
      }
    })
    .default([]);
}

/** Networks that something is allowed from; empty: from all. */
export const sourcesField = eachOnce(
  networkField.meta({ examples: ["192.168.0.0/24", "fd00::/8"] }),
  64,
);

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/;
const BAD_ADDRESS =
  'is not an address: "host:port", where host is a name, an IPv4 address or an [IPv6 address].';

/** Where something listens or is dialled: a name, IPv4, or IPv6 in brackets, and a port. */
export function addressField(leastPort: 0 | 1) {
  return z
    .string()
    .refine((text) => parseAddress(text, leastPort) !== null, BAD_ADDRESS)
    .transform((text) => parseAddress(text, leastPort) as Address);
}

/** null: it is not `host:port`, or the port is below `leastPort` or above 65,535. */
export function parseAddress(text: string, leastPort: number): Address | null {
  const [, bracketed, plain, digits] = ADDRESS.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port < leastPort || port > 65_535) return null;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return null;
  const isFalseIp = plain !== undefined && /^[\d.]+$/.test(plain) && isIP(plain) !== 4;
  return isFalseIp ? null : { host, port };
}

/** `host:port`, with an IPv6 host in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export const logFields = z
  .strictObject({
    level: z
      .enum(["debug", "info", "warn", "error"])
      .default("info")
      .describe("The least level that is logged."),
    file: z
      .string()
      .min(1)
      .optional()
      .describe("Where the JSON lines go, relative to this file. Standard output when absent."),
  })
  .prefault({})
  .describe("Logs: JSON lines, one for each event; no secret and no payload.");
export type LogSettings = { level: "debug" | "info" | "warn" | "error"; file: string | null };

export const keyFileField = z
  .string()
  .min(1)
  .describe('The private key, as "sealed keygen" wrote it; relative to this file.');

export const statusSocketField = z
  .string()
  .min(1)
  .optional()
  .describe(
    'One more local socket for "sealed status", relative to this file. It is not needed by the same user.',
  );

export const schemaField = z.string().optional().describe("The JSON Schema, for editors.");
