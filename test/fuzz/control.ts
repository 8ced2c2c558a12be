// SPDX-License-Identifier: Apache-2.0
// Fuzzer of control (PROTOCOL 10): activation codes with a checksum that is right, configurations from
// flash and from the Commander, and its other messages, as mutants of good ones. Before: index.ts.
// After: test/unit/control-pair.ts, two activated devices and a Commander.

import { checksum } from "../reference/activation.ts";
import { concat, encodeUint, fromHex } from "../reference/bytes.ts";
import { encodeConfiguration } from "../reference/configuration.ts";
import { type ControlMessage, encodeControl } from "../reference/control.ts";
import { instance } from "../unit/abi-tools.ts";
import { Pair } from "../unit/control-pair.ts";
import { attempt, checkNoSecret, type Fuzzer } from "./fuzzer.ts";
import { Mutator } from "./mutator.ts";

const INPUTS = 20;
const CHECKSUM_LEN = 4;
/** A network of each family, connections, a rate, and what is not known. */
const OPTIONS = [
  { type: 1, value: fromHex("0418c0a80000") },
  { type: 1, value: fromHex(`0608fd${"00".repeat(15)}`) },
  { type: 2, value: fromHex("1400") },
  { type: 3, value: fromHex("00001000") },
  { type: 9, value: fromHex("01") },
];
/** A message's type and length. */
const HEADER_LEN = 4;

export const control: Fuzzer = {
  name: "control",
  about: "mutated activation codes, configurations and messages of a Commander",
  round,
};

function round(seed: number): void {
  const mutator = new Mutator(`control ${seed}`);
  const pair = new Pair(`fuzz ${seed}`);
  const { device } = pair.b;
  const code = pair.b.device.code ?? new Uint8Array(0);
  for (let i = 0; i < INPUTS; i++) {
    loadMutants(mutator, code, device.flash);
    // Where the control stream has ended, the device opens another one.
    const isTold = pair.commander.tellBytes(pair.b, message(pair, mutator));
    pair.world.run(isTold ? 200 : 5000);
  }
  device.hangUp();
  device.core.stop();
  checkNoSecret(device.core.engine, [device.keys.privateKey, pair.psk]);
}

/** A code and what was stored, on an instance that has neither. */
function loadMutants(mutator: Mutator, code: Uint8Array, stored: Uint8Array): void {
  const body = mutator.mutate(code.subarray(0, -CHECKSUM_LEN));
  const fresh = instance("device");
  attempt("code_load", () => fresh.loadCode(concat(body, checksum(body))));
  attempt("config_load", () => fresh.loadConfiguration(mutator.mutate(stored)));
  fresh.stop();
}

/** A message; most often its length is right, so that what is inside is read. */
function message(pair: Pair, mutator: Mutator): Uint8Array {
  pair.serial += 1n;
  const binding = { ...pair.binding(), peers: [pair.a.id], options: OPTIONS };
  const routes = [pair.mapping(), binding];
  const config = { ...pair.next([pair.peer(pair.a)], routes, true), id: pair.b.id };
  const key = mutator.random(32);
  const messages: ControlMessage[] = [
    { type: "CONFIG", configuration: encodeConfiguration(config) },
    { type: "REFUSED", reason: 64 + mutator.below(5) },
    { type: "ROTATED", key },
    { type: "INSTALL", current: key, recovery: mutator.random(32), epoch: mutator.below(4) },
    { type: "RENEW" },
    { type: "CURRENT", epoch: mutator.below(4), serial: BigInt(mutator.below(9)) },
  ];
  const bytes = encodeControl(mutator.pick([...messages, messages[0] as ControlMessage]));
  if (mutator.below(16) === 0) return mutator.mutate(bytes);
  const body = mutator.mutate(bytes.subarray(HEADER_LEN)).subarray(0, 4000);
  return concat(bytes.subarray(0, 1), encodeUint(body.length, 3), body);
}
