// SPDX-License-Identifier: Apache-2.0
// A Commander that speaks with its recovery key (rule T8, PROTOCOL 10.5), because the current one was stolen or lost: it
// greets every STLink, and installs new keys at whoever comes. Before it: `sealed recover`, with the private half that was
// kept offline; the Connector's operator moves the Commander's id to that key, which shuts the thief's hop. After it:
// `finish`, and a Commander that runs with the new keys. Invariants: the new private key is on disk before anybody trusts
// it; the site's epoch ends above each that was installed or told; killed in between, it goes on with the same new keys.

import { Status } from "../../core/abi.gen.ts";
import { hex } from "../../service/hex.ts";
import { keyPairOf } from "../../service/key-file.ts";
import type { Id } from "../domain/fields.ts";
import { restoredVersion } from "../domain/version.ts";
import {
  readSecret,
  readVersion,
  removeSecret,
  writeAuthority,
  writeSecret,
  writeVersion,
} from "../store/site.ts";
import type { Conversation } from "./conversation.ts";
import { encodeInstall, type FromStlink } from "./messages.ts";
import { COMMANDER_KEY, NEXT_RECOVERY_KEY } from "./secrets.ts";
import { authorityOf, Station, type StationOptions } from "./station.ts";

export type RecoveryOptions = StationOptions & {
  /** The recovery key's private half, 32 bytes. */
  recoveryKey: Uint8Array;
  /** The recovery key that is to be pinned from now on, public, 32 bytes. */
  nextRecoveryKey: Uint8Array;
};

export type RecoveryProgress = {
  installed: number;
  members: number;
  /** Those that have not come yet, or came to an earlier run: what has not the new keys is not reached with them. */
  missing: readonly Id[];
};

export type Recovery = {
  progress(): RecoveryProgress;
  /** The new keys are the site's. Recovery is over; start the Commander. Throws Refusal (Store...). */
  finish(): void;
  stop(): void;
};

/** A secret of the site until it is finished: the private key that is installed. */
const NEXT_KEY = "next commander key";
const WHO = "recovery";
const GREET_MS = 60_000;
const LOOK_MS = 200;
const SILENT_MS = 5000;
const EPOCH_MOST = 0xffff_ffff;
/** An STLink says that its pinned epoch is higher, and not what it is: it was raised without a configuration. */
const EPOCH_STEP = 1024;

/** Throws Error (no site, another recovery key), Refusal (Store...). */
export function startRecovery(options: RecoveryOptions): Recovery {
  const recovery = new RunningRecovery(options);
  recovery.start();
  return recovery;
}

class RunningRecovery implements Recovery {
  readonly #station: Station;
  /** To be installed: the Commander's key pair and the recovery key. */
  readonly #next: { privateKey: Uint8Array; publicKey: Uint8Array; recoveryKey: Uint8Array };
  /** INSTALL is on its way, with this epoch; and when a packet of the STLink came last. */
  readonly #sent = new Map<Id, { epoch: number; packets: number; heardMs: number }>();
  readonly #installed = new Set<Id>();
  /** Above each that was told of, or installed. */
  #epoch: number;
  #cancelGreet = (): void => {};
  #cancelLook = (): void => {};

  constructor(options: RecoveryOptions) {
    const { registry, recoveryKey, nextRecoveryKey } = options;
    if (hex(keyPairOf(recoveryKey).publicKey) !== authorityOf(registry).recoveryKey) {
      throw new Error("this is not the private half of the site's recovery key");
    }
    this.#next = nextKeys(options, nextRecoveryKey);
    this.#epoch = readVersion(registry.db).epoch + 1;
    this.#station = new Station(options, recoveryKey, {
      message: (conversation, message) => this.#hear(conversation, message),
      drained: () => {},
      over: () => {},
      desk: () => {},
      held: () => this.#outdo(),
    });
  }

  start(): void {
    this.#station.start();
    this.#greet();
    this.#look();
  }

  progress(): RecoveryProgress {
    const members = [...this.#station.membership.members.keys()];
    const missing = members.filter((id) => !this.#installed.has(id));
    return { installed: members.length - missing.length, members: members.length, missing };
  }

  finish(): void {
    const { office } = this.#station;
    const { privateKey, publicKey, recoveryKey } = this.#next;
    office.registry.change(WHO, (change) => {
      const keys = { commanderKey: hex(publicKey), recoveryKey: hex(recoveryKey) };
      writeSecret(change, COMMANDER_KEY, privateKey);
      writeAuthority(change, { ...office.authority, ...keys });
      writeVersion(change.db, restoredVersion(readVersion(change.db), this.#epoch));
      for (const name of [NEXT_KEY, NEXT_RECOVERY_KEY]) removeSecret(change, name);
    });
    office.log.warn({ ...this.progress() }, "the new keys are the site's: start the Commander");
    this.stop();
  }

  stop(): void {
    this.#cancelGreet();
    this.#cancelLook();
    this.#station.stop();
  }

  /** Again and again: an STLink may come at any time, and keeps to its current key until it is asked. */
  #greet(): void {
    const { membership, greeter, office } = this.#station;
    greeter.greet(membership.members.keys());
    this.#cancelGreet = office.world.clock.after(GREET_MS, () => this.#greet());
  }

  /** Whoever had the Commander's key may have made the Connectors hold what only a higher epoch takes back. */
  #outdo(): void {
    const { office, desks } = this.#station;
    const newest = Math.max(...this.#connectorEpochs());
    if (newest <= readVersion(office.db).epoch) return;
    const attempt = office.change(WHO, "raise the epoch", (change) => {
      writeVersion(change.db, restoredVersion(readVersion(change.db), newest));
    });
    if (attempt.ok) desks.tellAll();
  }

  /** What the Connectors hold. */
  #connectorEpochs(): number[] {
    return [0, ...this.#station.connectors().map(({ version }) => version?.epoch ?? 0)];
  }

  #hear(conversation: Conversation, message: FromStlink): void {
    const { id, codeId } = conversation.party;
    if (codeId !== null) return;
    if (message.type === "STATE") this.#install(conversation, message.version.epoch);
    const sent = this.#sent.get(id);
    // It holds an epoch that it has not told.
    if (message.type === "REPORT" && message.status === Status.OldConfig && sent !== undefined) {
      this.#install(conversation, sent.epoch + EPOCH_STEP);
    }
  }

  #install(conversation: Conversation, toldEpoch: number): void {
    const { id, link } = conversation.party;
    const { agent, world } = this.#station.office;
    const { packetsIn: packets } = agent.core.linkInfo(link);
    this.#epoch = Math.min(EPOCH_MOST - 1, Math.max(this.#epoch, toldEpoch + 1));
    const { publicKey, recoveryKey } = this.#next;
    this.#installed.delete(id);
    this.#sent.set(id, { epoch: this.#epoch, packets, heardMs: world.clock.now() });
    conversation.send(encodeInstall(publicKey, recoveryKey, this.#epoch));
  }

  #look(): void {
    const { parties, presence, office } = this.#station;
    for (const [id, sent] of this.#sent) {
      const party = parties.get(id);
      if (party === undefined || party.conversation?.isBusy) continue;
      const { packetsIn } = office.agent.core.linkInfo(party.link);
      const now = office.world.clock.now();
      if (packetsIn !== sent.packets) Object.assign(sent, { packets: packetsIn, heardMs: now });
      else if (now - sent.heardMs >= SILENT_MS && presence.isHere(id)) this.#count(id);
    }
    this.#cancelLook = office.world.clock.after(LOOK_MS, () => this.#look());
  }

  /**
   * An STLink that has installed new keys is here, and answers nothing under this one any more. Where INSTALL was lost
   * it still does: it is greeted again, says its STATE, and counts no more.
   */
  #count(id: Id): void {
    if (this.#installed.has(id)) return;
    this.#installed.add(id);
    const { installed, members } = this.progress();
    this.#station.office.log.info({ stlink: id, installed, members }, "new keys are installed");
  }
}

/** Those of a recovery that was broken off, or new ones, on disk. */
function nextKeys({ registry, world }: RecoveryOptions, nextRecoveryKey: Uint8Array) {
  const { db } = registry;
  const known = readSecret(db, NEXT_KEY);
  const recoveryKey = readSecret(db, NEXT_RECOVERY_KEY) ?? nextRecoveryKey;
  const fresh =
    known ?? new Uint8Array(world?.entropy(32) ?? crypto.getRandomValues(new Uint8Array(32)));
  if (known === null) {
    registry.change(WHO, (change) => {
      writeSecret(change, NEXT_KEY, fresh);
      writeSecret(change, NEXT_RECOVERY_KEY, recoveryKey);
    });
  }
  return { ...keyPairOf(fresh), recoveryKey };
}
