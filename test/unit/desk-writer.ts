// SPDX-License-Identifier: Apache-2.0
// A process that changes a Connector's admissions on disk until it is killed, and says which version it has
// been answered for. Before it: connector-desk-disk.test.ts starts it. Argument: the state folder. Each
// version adds two members and their pair.

import { writeSync } from "node:fs";
import { AdmissionList } from "../../host/connector/admissions/list.ts";
import { AdmissionStore } from "../../host/connector/admissions/store.ts";

const COMMANDER = "11".repeat(16);
const [folder = ""] = process.argv.slice(2);

function filled(len: number, number: number): Uint8Array {
  const bytes = Buffer.alloc(len, 1);
  bytes.writeUInt32LE(number);
  return new Uint8Array(bytes);
}

const store = new AdmissionStore(folder);
const list = new AdmissionList({ commander: COMMANDER, desk: "22".repeat(16), isOperator: true });
const { version, entries } = store.load(COMMANDER);
for (const entry of entries) list.apply(entry);
list.keep();
const psk = new Uint8Array(32);
for (let serial = version.serial + 1n; ; serial += 1n) {
  const numbers = [2 * Number(serial), 2 * Number(serial) + 1];
  const [one, other] = numbers.map((number) => filled(16, number)) as [Uint8Array, Uint8Array];
  for (const [i, id] of [one, other].entries()) {
    const key = filled(32, numbers[i] as number);
    list.apply({ type: "MEMBER", id, key, nextKey: null, psk, codeId: null });
  }
  list.apply({ type: "PAIR", one, other });
  store.save(COMMANDER, list.changes(), { epoch: 1, serial });
  list.keep();
  writeSync(1, `${serial}\n`);
}
