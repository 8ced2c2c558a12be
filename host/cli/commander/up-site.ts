// SPDX-License-Identifier: Apache-2.0
// What `sealed up` finds in its folder, and makes where it is not there: the site, its recovery key, an
// administrator's token. Before it: up.ts. After it: commander/founding.ts, store/tokens.ts. Invariant: a file that
// holds a secret is its owner's alone from its first byte.

import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import {
  foundSite,
  moveConnector,
  newKeyPair,
  type Site,
  siteOf,
} from "../../commander/founding.ts";
import type { Registry } from "../../commander/registry.ts";
import { createToken, findToken, listTokens } from "../../commander/store/tokens.ts";
import { AppError, systemReason } from "../../service/app-error.ts";
import { hex } from "../../service/hex.ts";
import { type KeyPair, readKeyFile, writeKeyFile } from "../../service/key-file.ts";
import { readToken } from "./place.ts";
import type { SiteFolder } from "./site-folder.ts";

/** Who has done it, in the audit log. */
const WHO = `${userInfo().username} (sealed up)`;

/** Founds it on the first start; tells STLinks of another address. Throws AppError, Refusal. */
export function prepareSite(folder: SiteFolder, registry: Registry, address: string): Site {
  if (siteOf(registry) === null) {
    const { publicKey } = recoveryPair(folder.file("recoveryKey"));
    foundSite(registry, WHO, { address, recoveryKey: publicKey });
  }
  const site = siteOf(registry);
  if (site === null) throw new Error("the site was not founded");
  settleRecoveryKey(folder, site);
  if (site.authority.connectors.some((one) => one.address === address)) return site;
  moveConnector(registry, WHO, address);
  return siteOf(registry) ?? site;
}

/** A start that was cut may have left it. */
function recoveryPair(file: string): KeyPair {
  if (existsSync(file)) return readKeyFile(file);
  const pair = newKeyPair();
  writeKeyFile(file, pair);
  return pair;
}

/** After a recovery the next recovery key is the one of now, and the one before it is void. */
export function settleRecoveryKey(folder: SiteFolder, { authority }: Site): void {
  const [next, current] = [folder.file("nextRecoveryKey"), folder.file("recoveryKey")];
  if (!existsSync(next) || hex(readKeyFile(next).publicKey) !== authority.recoveryKey) return;
  if (existsSync(current)) renameSync(current, folder.file("voidRecoveryKey"));
  renameSync(next, current);
}

/** Where the recovery key still lies in the folder. */
export function recoveryFile(folder: SiteFolder): string | null {
  const file = folder.file("recoveryKey");
  return existsSync(file) ? file : null;
}

/** A token with less time left is replaced. */
const LEFT_MS = 30 * 86_400_000;
const EXPIRY = "365d";

/** The administrator's token in the folder; a new one where there is none that is good for a while. */
export function adminToken(folder: SiteFolder, registry: Registry): string {
  const file = folder.file("adminToken");
  const text = existsSync(file) ? readToken(file) : "";
  const known = findToken(registry.db, text);
  const isGood =
    known !== null && known.revokedAtMs === null && known.expiresAtMs - LEFT_MS > registry.nowMs;
  if (isGood) return text;
  // A name is one token's for ever.
  const isFirst = listTokens(registry.db, { limit: 1 }).length === 0;
  const name = isFirst ? "admin" : `admin-${randomBytes(4).toString("hex")}`;
  const fields = { name, role: "admin", expiry: EXPIRY } as const;
  const made = registry.change(WHO, (change) => createToken(change, fields));
  writeToken(file, made.text);
  return made.text;
}

function writeToken(file: string, text: string): void {
  try {
    rmSync(file, { force: true });
    writeFileSync(file, `${text}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    const message = `${file}, the administrator's token, can't be written: ${systemReason(error)}.`;
    throw new AppError("NotWritten", message, { cause: error });
  }
}
