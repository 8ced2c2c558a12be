// SPDX-License-Identifier: Apache-2.0
// Reads a transcript and plays it on a machine, line by line (PROTOCOL section 15). Before: the text
// files beside this. After: machine.ts. The grammar is words between single spaces:
// firmware/test/transcript.cpp reads it too, with the same outcome and the same messages.
// Invariant: a result below zero that no `expect` follows, and a packet nobody expected, fail.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Status } from "../../host/core/abi.gen.ts";
import { statusName } from "../../host/core/core.ts";
import type { Machine, Seen } from "./machine.ts";

export const FOLDER = import.meta.dirname;

export type Line = { file: string; number: number; words: string[] };

/** The lines of a transcript, with those of the files that it includes in their places. */
export function readTranscript(file: string): Line[] {
  const texts = readFileSync(resolve(FOLDER, file), "utf8").split("\n");
  return texts.flatMap((text, i) => {
    const words = text.split("#")[0]?.trim().split(" ") ?? [];
    if (words[0] === "include") return readTranscript(words[1] ?? "");
    return words[0] ? [{ file, number: i + 1, words }] : [];
  });
}

/** Names of the statuses that a transcript expects: for the test that none is missing. */
export function statusesOf(lines: readonly Line[]): string[] {
  return lines.flatMap(({ words }) =>
    words[0] === "expect" && words[1] === "status" ? [words[2] ?? ""] : [],
  );
}

/** Plays all lines; throws an error that names the file and the line. */
export function play(machine: Machine, lines: readonly Line[]): void {
  let pending: Line | undefined;
  for (const line of lines) {
    const isExpected = line.words[0] === "expect";
    at(line, () => {
      if (!isExpected) checkNoFailure(machine, pending);
      if (isExpected) expectLine(machine, line.words.slice(1));
      else doLine(machine, line.words);
    });
    // What an expectation has seen is dealt with.
    if (isExpected) machine.result = Math.max(machine.result, 0);
    pending = line;
  }
  at(pending, () => {
    checkNoFailure(machine, pending);
    if (machine.seen.length > 0) throw new Error("a packet was not expected");
  });
}

/** Does `work`; an error that it throws names the line. */
function at(line: Line | undefined, work: () => void): void {
  try {
    work();
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${line?.file}:${line?.number}: ${message}`, { cause: error });
  }
}

function checkNoFailure(machine: Machine, before: Line | undefined): void {
  if (machine.result < 0) {
    throw new Error(`line ${before?.number} returned ${statusName(machine.result)}, unexpected`);
  }
}

/** Does what a line other than `expect` says. */
export function doLine(machine: Machine, [verb = "", ...rest]: string[]): void {
  const [first = "", second = "", third = ""] = rest;
  if (verb === "rx" && machine.seen.length > 0) throw new Error("a packet was not expected");
  if (verb === "size") machine.size(first, number(second));
  else if (verb === "seed") machine.seed(unhex(first));
  else if (verb === "now") machine.now(number(first));
  else if (verb === "start") machine.start(role(first));
  else if (verb === "arg") machine.arg(unhex(first));
  else if (verb === "config") machine.config(unhex(first));
  else if (verb === "call") machine.call(first, rest.slice(1).map(number));
  else if (verb === "work") machine.work();
  else if (verb === "rx") machine.rx(number(first), unhex(second));
  else if (verb === "in") machine.in(number(first), unhex(second));
  else if (verb === "datagram") machine.datagram(number(first), number(second), unhex(third));
  else if (verb === "forward") machine.forward(number(first), number(second), unhex(third));
  else throw new Error(`no such line: ${verb}`);
}

function expectLine(machine: Machine, words: string[]): void {
  const [what = "", first = ""] = words;
  if (what === "status") {
    if (!(first in Status)) throw new Error(`no such status: ${shorten(first)}`);
    same(statusName(machine.result), first);
  } else if (what === "tx") same(hex(machine.tx(number(first))), words[2]);
  else if (what === "out") same(hex(machine.out(number(first))), words[2]);
  else if (what === "datagram") {
    const datagram = machine.takeDatagram(number(first));
    same(datagram ? `${datagram.flow} ${hex(datagram.bytes)}` : "-", words.slice(2).join(" "));
  } else if (what === "packet" || what === "mute") same(seenText(machine), words.join(" "));
  else same(String(machine.result), what);
}

function seenText(machine: Machine): string {
  const seen = machine.seen.shift();
  return seen === undefined ? "nothing" : textOfSeen(seen);
}

/** The words of an `expect packet` or `expect mute` line. */
export function textOfSeen(seen: Seen): string {
  if (seen.what === "mute")
    return `mute ${seen.hop} ${seen.channel} ${seen.seconds} ${hex(seen.id)}`;
  const { hop, kind, channel, id, bytes } = seen;
  return `packet ${hop} ${kind} ${channel} ${hex(id)} ${hex(bytes)}`;
}

function same(found: string, expected = ""): void {
  if (found === expected) return;
  throw new Error(`expected ${shorten(expected)}\n   found ${shorten(found)}`);
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 160)}… (${text.length} characters)` : text;
}

/** Bytes as a transcript writes them: `-` where there are none. */
export function hex(bytes: Uint8Array): string {
  return bytes.length === 0 ? "-" : Buffer.from(bytes).toString("hex");
}

function number(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new Error(`not a number: ${shorten(text)}`);
  return Number(text);
}

function role(text: string): "stlink" | "connector" {
  if (text === "stlink" || text === "connector") return text;
  throw new Error(`no such role: ${shorten(text)}`);
}

export function unhex(text: string): Uint8Array {
  if (text === "-") return new Uint8Array(0);
  if (!/^(?:[0-9a-f]{2})+$/.test(text)) throw new Error(`not bytes in hex: ${shorten(text)}`);
  return Uint8Array.from(Buffer.from(text, "hex"));
}
