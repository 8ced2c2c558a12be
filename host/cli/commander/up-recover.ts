// SPDX-License-Identifier: Apache-2.0
// `sealed up --recover`: every STLink is given new keys by the recovery key, after the Commander's were stolen or lost
// (rule T8). Before it: the recovery key, back from where it was kept. After it: `sealed up` with the new keys, and a
// new recovery key to carry away. Invariant: broken off, it goes on with the same new keys.

import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { NEXT_RECOVERY_KEY } from "../../commander/control/secrets.ts";
import { newKeyPair, siteOf } from "../../commander/founding.ts";
import type { Registry } from "../../commander/registry.ts";
import { readSecret } from "../../commander/store/site.ts";
import { type RunningRecovery, startSiteRecovery } from "../../commander/up.ts";
import { AppError } from "../../service/app-error.ts";
import { hex } from "../../service/hex.ts";
import { type KeyPair, readKeyFile, writeKeyFile } from "../../service/key-file.ts";
import { LiveBlock } from "../live-block.ts";
import { stopSignal } from "../run.ts";
import type { SiteFolder } from "./site-folder.ts";
import { listenAddresses, type UpOptions } from "./up-options.ts";
import type { OpenSite } from "./up-run.ts";
import { recoveryFile, settleRecoveryKey } from "./up-site.ts";

export type RecoverArguments = { recover: string | undefined; finish: boolean };

const LOOK_MS = 500;

/** Until all have new keys, or it is told to stop. Throws AppError, Refusal. */
export async function recover(
  { folder, registry, log }: OpenSite,
  options: UpOptions,
  { recover: file = "", finish }: RecoverArguments,
): Promise<void> {
  const site = siteOf(registry);
  if (site === null) {
    throw new AppError("BadFile", `${folder.path} holds no site that could be recovered.`);
  }
  const recovery = recoveryPair(file, site.authority.recoveryKey);
  const nextRecoveryKey = nextKey(folder, registry);
  const relay = { listen: listenAddresses(options), connectorFolder: folder.file("connector") };
  const running = await startSiteRecovery(
    { registry, site, log, ...relay },
    { recovery, nextRecoveryKey },
  );
  try {
    const isDone = finish || (await watch(running));
    if (isDone) running.finish();
    console.log(isDone ? finishedText(folder, registry) : brokenOffText(folder, file, running));
  } finally {
    await running.stop();
  }
}

/** Throws AppError(BadKeyFile) where it is another key. */
function recoveryPair(file: string, publicKey: string): KeyPair {
  const pair = readKeyFile(file);
  if (hex(pair.publicKey) === publicKey) return pair;
  const message = `${file} is not this site's recovery key, whose public half is ${publicKey}: find the file that \`sealed up\` had made.`;
  throw new AppError("BadKeyFile", message);
}

/** The public half of the recovery key that comes after this one; a recovery that was broken off has made it. */
function nextKey(folder: SiteFolder, { db }: Registry): Uint8Array {
  const known = readSecret(db, NEXT_RECOVERY_KEY);
  if (known !== null) return known;
  const file = folder.file("nextRecoveryKey");
  if (existsSync(file)) return readKeyFile(file).publicKey;
  const pair = newKeyPair();
  writeKeyFile(file, pair);
  return pair.publicKey;
}

/** False: it was told to stop before all had come. */
async function watch(running: RunningRecovery): Promise<boolean> {
  const block = new LiveBlock();
  block.note(
    "Giving new keys to every STLink that comes. Ctrl-C breaks it off; it can go on later.",
  );
  let isStopped = false;
  void stopSignal().then(() => {
    isStopped = true;
  });
  for (let told = ""; !isStopped; await pause(LOOK_MS)) {
    const { installed, members, missing } = running.progress();
    if (installed === members) return true;
    const text = `new keys at ${installed} of ${members} STLinks`;
    if (text !== told)
      block.show([text, ...missing.slice(0, MISSING_SHOWN).map((id) => `  not yet: ${id}`)]);
    told = text;
  }
  return false;
}

const MISSING_SHOWN = 10;

function finishedText(folder: SiteFolder, registry: Registry): string {
  const site = siteOf(registry);
  if (site !== null) settleRecoveryKey(folder, site);
  const file = recoveryFile(folder);
  return [
    "The Commander has new keys, and so have the STLinks that came. The old recovery key is void.",
    ...(file === null ? [] : [`The new one is ${file}: take it off this machine.`]),
    `Go on with: sealed up ${folder.path}`,
  ].join("\n");
}

function brokenOffText(folder: SiteFolder, file: string, running: RunningRecovery): string {
  const { installed, members } = running.progress();
  return [
    `Broken off: new keys at ${installed} of ${members} STLinks. Go on later with`,
    `  sealed up ${folder.path} --recover ${file}`,
    "or, where nobody else is to come, add --finish.",
  ].join("\n");
}
