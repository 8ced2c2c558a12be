// SPDX-License-Identifier: Apache-2.0
// What an STLink of a Commander holds over restarts, and what its core has stored: key pair, configuration,
// next key pair, what is left of the lease, an unused code. Before it: commanded.ts. After it:
// state-folder.ts. The twin of firmware/core/holdings.cpp. Whatever the core asks to have stored counts only
// once it is on disk (rules T3, T9); killed in between, the next start goes on from what is there.

import { ConfigSection, ControlPhase, type Core, CoreError } from "../core/core.ts";
import { AppError } from "../service/app-error.ts";
import { KEY_LEN } from "../service/fields.ts";
import { hex } from "../service/hex.ts";
import { type KeyPair, keyFileText, keyPairOf, readKeyFile } from "../service/key-file.ts";
import type { Log } from "../service/log.ts";
import { type ActivationCode, readCode } from "./activation-code.ts";
import { type ConfigurationHead, headOf } from "./configured-site.ts";
import type { StateFolder } from "./state-folder.ts";

/** A lease is saved so often, and then what will be left the next time: a reboot never prolongs it (10.6). */
export const LEASE_SAVE_MS = 3_600_000;

/** The folder's key pair; a new one where there is none. Throws AppError: BadKeyFile, NotWritten. */
export function holdIdentity(folder: StateFolder, entropy: (len: number) => Uint8Array): KeyPair {
  if (folder.has("stlink.key")) return readKeyFile(folder.pathOf("stlink.key"));
  if (folder.has("configuration")) {
    const message = `${folder.path} holds a configuration and no key: restore stlink.key, or activate in an empty folder.`;
    throw new AppError("BadKeyFile", message);
  }
  const keys = keyPairOf(new Uint8Array(entropy(KEY_LEN)));
  folder.save("stlink.key", keyFileText(keys));
  return keys;
}

export class Holdings {
  readonly #folder: StateFolder;
  readonly #core: Core;
  readonly #log: Log;
  /** The present one. */
  keys: KeyPair;
  /** Of the configuration in force; null: there is none. */
  head: ConfigurationHead | null = null;
  code: ActivationCode | null = null;
  /** Why what the core asked for last could not be stored; null: it could. */
  lastError: string | null = null;

  constructor(folder: StateFolder, core: Core, keys: KeyPair, log: Log) {
    this.#folder = folder;
    this.#core = core;
    this.#log = log;
    this.keys = keys;
  }

  /** Gives the started core what there is. Throws AppError: BadFile, BadKeyFile, BadCode. */
  begin(): void {
    const stored = this.#folder.load("configuration");
    if (stored === null) {
      const code = this.#folder.load("code");
      if (code !== null) this.code = readCode(Buffer.from(code).toString());
      return;
    }
    this.#loadConfiguration(stored);
    this.#loadLease();
    this.saveLease(LEASE_SAVE_MS);
    this.#loadNextKeys();
  }

  /** CoreFlag.WantsStore. True: it is in force. */
  store(): boolean {
    const bytes = this.#core.pendingConfiguration();
    const why = this.#tryTo(() => this.#folder.save("configuration", bytes));
    this.lastError = why && `the Commander's configuration is not in force: ${why}`;
    this.#core.configurationStored(why === null);
    if (why !== null) return false;
    this.#takeHead(bytes);
    // The code has done its work; it is of no use to anybody, so a failure is no harm.
    this.code = null;
    this.#tryTo(() => this.#folder.remove("code"));
    this.saveLease(LEASE_SAVE_MS);
    return true;
  }

  /** CoreFlag.WantsKey: the next key pair is the present one from now on. True: it is stored. */
  storeKeys(): boolean {
    const why = this.#tryTo(() => {
      const next = readKeyFile(this.#folder.pathOf("next.key"));
      this.#folder.save("stlink.key", keyFileText(next));
      this.keys = next;
    });
    this.lastError = why && `the new key is not in use: ${why}`;
    this.#core.configurationStored(why === null);
    if (why !== null) return false;
    this.#log.info({ publicKey: hex(this.keys.publicKey) }, "this STLink has a new key");
    this.#tryTo(() => this.#folder.remove("next.key"));
    return true;
  }

  /** Makes the next key pair, stores it beside the present one, and has the Commander told. Throws AppError. */
  rotate(entropy: (len: number) => Uint8Array): KeyPair {
    if (this.#core.controlState().phase !== ControlPhase.Activated) {
      throw new AppError("NotRunning", "This STLink is not activated yet: its key is new anyway.");
    }
    if (!this.#folder.has("next.key")) {
      const keys = keyPairOf(new Uint8Array(entropy(KEY_LEN)));
      this.#folder.save("next.key", keyFileText(keys));
    }
    const next = readKeyFile(this.#folder.pathOf("next.key"));
    this.#core.rotate(next.privateKey, next.publicKey);
    return next;
  }

  /** What will be left of the lease `afterMs` from now. */
  saveLease(afterMs: number): void {
    if (this.head === null) return;
    const leftMs = this.#core.leaseLeftMs();
    this.#tryTo(() => {
      if (leftMs < Number.POSITIVE_INFINITY) {
        this.#folder.save("lease", `${Math.max(0, leftMs - afterMs)}\n`);
      } else if (this.#folder.has("lease")) {
        this.#folder.remove("lease");
      }
    });
  }

  #loadConfiguration(stored: Uint8Array): void {
    try {
      this.#core.loadConfiguration(stored);
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      const path = this.#folder.pathOf("configuration");
      const message = `${path} can't be used (${error.code}): restore it, or activate in an empty folder.`;
      throw new AppError("BadFile", message, { cause: error });
    }
    this.#takeHead(stored);
  }

  #takeHead(stored: Uint8Array): void {
    const peers = this.#core.configurationEntries(ConfigSection.Peers).length;
    this.head = headOf(stored, peers);
  }

  /** One that can't be read counts as over until the Commander is heard: it never lasts longer than it may. */
  #loadLease(): void {
    const bytes = this.#folder.load("lease");
    if (bytes === null) return;
    const text = Buffer.from(bytes).toString().trim();
    const isGood = /^\d{1,15}$/.test(text);
    if (!isGood) {
      const file = this.#folder.pathOf("lease");
      this.#log.warn(
        { file },
        "the saved lease can't be read: it counts as over until the Commander is heard",
      );
    }
    this.#core.setLeaseLeftMs(isGood ? Number(text) : 0);
  }

  /** A rotation that was under way goes on; one that was done is forgotten. */
  #loadNextKeys(): void {
    if (!this.#folder.has("next.key")) return;
    const next = readKeyFile(this.#folder.pathOf("next.key"));
    if (hex(next.publicKey) !== hex(this.keys.publicKey)) {
      return this.#core.rotate(next.privateKey, next.publicKey);
    }
    this.#tryTo(() => this.#folder.remove("next.key"));
  }

  /** Why it could not be written, which is told; null: it was. */
  #tryTo(write: () => void): string | null {
    try {
      write();
      return null;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#log.error({ code: error.code }, error.message);
      return error.message;
    }
  }
}
