// SPDX-License-Identifier: Apache-2.0
// A process that writes to a Commander's database, or restores it from a backup, again and again until it is killed,
// and says what it has been answered for. Before it: commander-kill.test.ts starts it. Arguments: "write" and a
// database, or "restore", a database and a backup.

import { writeSync } from "node:fs";
import { madeCode } from "../../host/commander/domain/code.ts";
import { activate } from "../../host/commander/store/activations.ts";
import { restore } from "../../host/commander/store/backup.ts";
import { changeStore } from "../../host/commander/store/change.ts";
import { insertCode } from "../../host/commander/store/codes.ts";
import { Database } from "../../host/commander/store/database.ts";
import { createObject } from "../../host/commander/store/writing.ts";

const BY = { who: "writer", atMs: 1 };
const RULES = { uses: 1, expiry: "1d", sources: [], approval: false };
const OF_NOBODY = { profileId: null, stlinkId: null };

const [mode, file = "", backup = ""] = process.argv.slice(2);

function hexOf(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}

/** Three Tags in one transaction, and a code with its use in two. */
function write(db: Database, i: number): void {
  changeStore(db, BY, (change) => {
    for (const part of ["a", "b", "c"]) {
      const id = hexOf(16 * i + Number.parseInt(part, 16), 32);
      createObject(change, "tag", id, { name: `t${i}${part}`, description: "x".repeat(900) });
    }
  });
  const codeId = hexOf(i, 16);
  const secretHash = hexOf(i, 64);
  const code = madeCode({ codeId, secretHash, ticketHash: secretHash }, OF_NOBODY, RULES, BY.atMs);
  changeStore(db, BY, (change) => insertCode(change, code, new Uint8Array(32)));
  const key = hexOf(i + 1, 64);
  // Names of new STLinks begin as their ids do.
  const id = hexOf(i, 8).padEnd(32, "1");
  changeStore(db, BY, (change) => activate(change, { codeId, secretHash, key }, id));
}

if (mode === "write") {
  const db = new Database(file);
  const first = db.get<{ n: number }>("SELECT count(*) / 3 AS n FROM objects WHERE kind = 'tag'");
  for (let i = (first?.n ?? 0) + 1; ; i++) {
    write(db, i);
    writeSync(1, `${i}\n`);
  }
}

for (let i = 1; mode === "restore"; i++) {
  restore(backup, file, { by: BY });
  writeSync(1, `${i}\n`);
}
