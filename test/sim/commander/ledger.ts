// SPDX-License-Identifier: Apache-2.0
// What the Commander's database has held, commit by commit: each configuration that followed from it, whom it
// admitted, and what administrators were answered for. Before it: commander.ts, after each commit and each start.
// After it: stlink.ts and connector.ts, which hold what is in force elsewhere against it. Invariants: nothing is in
// force that did not follow from what was on the Commander's disk; what was answered for is there after a crash.

import { createHash } from "node:crypto";
import { configurationOf } from "../../../host/commander/domain/configuration.ts";
import type { StlinkFacts } from "../../../host/commander/domain/stlink.ts";
import { versionText } from "../../../host/commander/domain/version.ts";
import { type AuditHead, auditHead, verifyAudit } from "../../../host/commander/store/audit.ts";
import type { Database } from "../../../host/commander/store/database.ts";
import { StoredDeployment } from "../../../host/commander/store/deployment.ts";
import { psksOf } from "../../../host/commander/store/psks.ts";
import { readAuthority, readVersion } from "../../../host/commander/store/site.ts";
import { stlinkAt } from "../../../host/commander/store/stlinks.ts";
import { hex } from "../../../host/service/hex.ts";
import { encodeConfiguration as encodeHost } from "../../../host/stlink/configuration.ts";
import { type Configuration, encodeConfiguration } from "../../reference/configuration.ts";
import { SimFailure } from "../failure.ts";
import type { Admission } from "./connector.ts";

export class Ledger {
  /** Hashes of configurations, with whose they are. */
  readonly #issued = new Map<string, string>();
  /** Keys that were admitted, by the last audit entry of that moment. */
  readonly #admitted = new Map<string, ReadonlySet<string>>();
  /** Keys that each code activated. */
  readonly #activated = new Map<string, Set<string>>();
  /** The last audit entry that somebody was answered for; null: nothing since the last restore. */
  #answered: AuditHead | null = null;
  #seen = "";

  /** Something was committed. */
  note(db: Database): void {
    const mark = markOf(db);
    if (mark === this.#seen) return;
    this.#seen = mark;
    for (const { id } of db.all<{ id: string }>("SELECT id FROM stlink_facts")) {
      this.#noteConfiguration(db, id);
    }
    this.#admitted.set(admissionText(db), keysOf(db));
  }

  #noteConfiguration(db: Database, id: string): void {
    const hash = expectedHash(db, id);
    if (hash === null) return;
    const name = `${id} ${versionText(readVersion(db))}`;
    this.#issued.set(hash, name);
  }

  /** What an STLink is about to store followed from the database. */
  expectIssued(name: string, configuration: Configuration): void {
    const issued = this.#issued.get(hashOf(encodeConfiguration(configuration)));
    if (issued === `${hex(configuration.id)} ${versionText(configuration)}`) return;
    throw new SimFailure(`${name} stores a configuration that nobody has issued`);
  }

  /** Whom a Connector admits is whom the database admitted at that version. */
  expectAdmitted({ version, keys }: Admission): void {
    if (version === NOTHING) return;
    const admitted = this.#admitted.get(version);
    if (admitted === undefined) {
      throw new SimFailure(`a Connector holds ${version}, which no database was ever at`);
    }
    for (const key of keys) {
      if (admitted.has(key)) continue;
      throw new SimFailure(
        `a Connector admits the key ${key}, the database at ${version} does not`,
      );
    }
    for (const key of admitted) {
      if (keys.has(key)) continue;
      throw new SimFailure(`a Connector does not admit ${key}, the database at ${version} does`);
    }
  }

  /** A device has its first configuration by a code of so many uses. */
  activated(code: string, key: string, uses: number): void {
    const keys = this.#activated.get(code) ?? new Set();
    this.#activated.set(code, keys.add(key));
    if (keys.size <= uses) return;
    throw new SimFailure(`a code of ${uses} uses has activated ${keys.size} keys`);
  }

  /** A person, or a program, has its answer. */
  answered(db: Database): void {
    this.#answered = auditHead(db);
  }

  /** A backup takes the database's place: what was answered since it was made is lost, and everybody knows. */
  restored(): void {
    this.#answered = null;
  }

  /** The Commander comes up with what it had answered for. */
  expectAnswered(db: Database): void {
    const findings = verifyAudit(db, this.#answered);
    if (findings.length === 0) return;
    throw new SimFailure(`after a crash the audit log is wrong: ${findings[0]?.what}`);
  }
}

/** A Connector's version before the first. */
const NOTHING = "0.0";

/** Keys that a database admits, hexadecimal. */
export function keysOf(db: Database): Set<string> {
  const rows = db.all<{ facts: string }>("SELECT facts FROM stlink_facts");
  const known = rows.map(({ facts }) => JSON.parse(facts) as StlinkFacts);
  return new Set(
    known
      .flatMap(({ key, nextKey }) => (key === null ? [] : [key, nextKey]))
      .filter((key) => key !== null),
  );
}

/** Everything that a configuration or an admission depends on rises with one of these. */
function markOf(db: Database): string {
  const count = (table: string) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)?.n;
  return `${admissionText(db)} ${count("pair_psks")} ${count("hop_psks")}`;
}

/** The version of an admission, as the Commander counts it. */
export function admissionText(db: Database): string {
  return versionText({ epoch: readVersion(db).epoch, serial: BigInt(auditHead(db).n) });
}

/** BLAKE2s of the configuration that an STLink should have now; null: there is none that could be. */
export function expectedHash(db: Database, id: string): string | null {
  const authority = readAuthority(db);
  if (authority === null) return null;
  try {
    const deployment = new StoredDeployment(db);
    const stlink = stlinkAt(db, id);
    const made = configurationOf(deployment, authority, readVersion(db), stlink, psksOf(db));
    return made.ok ? hashOf(encodeHost(made.value)) : null;
  } catch {
    // A pre-shared key is still to be made.
    return null;
  }
}

export function hashOf(configuration: Uint8Array): string {
  return createHash("blake2s256").update(configuration).digest("hex");
}
