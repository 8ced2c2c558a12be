// SPDX-License-Identifier: Apache-2.0
// A device and its Commander in a transcript: the code, the control stream, what either says on it.
// Before: controls.ts and trusts.ts. After: stage.ts, the reference's codecs. PROTOCOL section 10.
// Invariant: what a device says is compared whole, but for what is left of its lease.

import { blake2s } from "@noble/hashes/blake2.js";
import { deriveFromSecret, encodeCode, provisionalId } from "../../reference/activation.ts";
import { concat, toHex, utf8 } from "../../reference/bytes.ts";
import {
  type Configuration,
  configurationHash,
  encodeConfiguration,
} from "../../reference/configuration.ts";
import { type ControlMessage, ControlReader, encodeControl } from "../../reference/control.ts";
import type { FrameNamed } from "../../reference/link-frames.ts";
import { publicKey } from "../../reference/noise.ts";
import { seededRandom } from "../../reference/random.ts";
import { expectStatus } from "./checks.ts";
import { HopFar, identityOf, LinkFar, StreamFar } from "./ends.ts";
import { afterFirst, HOP, need, needRecord, type Stage } from "./stage.ts";

export const SIZES = { CONFIG: 2048, STREAMS: 4, SEND_BLOCKS: 40 };
export const PLATFORM = utf8("posix");
const CORE_HASH = new Uint8Array(32).fill(0xc0);
export const WANTS_STORE = 8;
export const WANTS_KEY = 16;
export const WANTS_REDIAL = 32;
export const WANTS_RENEW = 128;
export const PAUSE_MS = 50;

const draw = seededRandom("transcript control");
export const COMMANDER = identityOf("commander", 0xc0);
export const RECOVERY = identityOf("recovery", 0xc0);
export const RECOVERY_KEY = RECOVERY.key;
const SECRET = draw(16);
const DERIVED = deriveFromSecret(SECRET);
const DEVICE_ID = draw(16);
export const PEER_ID = draw(16);
export const PEER_KEY = publicKey(draw(32));
const CONNECTOR_PSK = draw(32);

export function codeOf(stage: Stage): Uint8Array {
  return encodeCode({
    connectorKey: stage.connector.key,
    commanderId: COMMANDER.id,
    commanderKey: COMMANDER.key,
    recoveryHash: blake2s(RECOVERY_KEY),
    secret: SECRET,
    addresses: ["connector.example:443"],
  });
}

export function configurationOf(stage: Stage, change: Partial<Configuration> = {}): Uint8Array {
  const peer = {
    id: PEER_ID,
    key: PEER_KEY,
    nextKey: new Uint8Array(32),
    keyEpoch: 1,
    pskName: new Uint8Array(8).fill(7),
    psk: new Uint8Array(32).fill(8),
  };
  return encodeConfiguration({
    epoch: 1,
    serial: 5n,
    id: DEVICE_ID,
    leaseSeconds: 604_800,
    commanderKey: COMMANDER.key,
    recoveryKey: RECOVERY_KEY,
    commanderId: COMMANDER.id,
    connectors: [
      { key: stage.connector.key, psk: CONNECTOR_PSK, address: "connector.example:443" },
    ],
    peers: [peer],
    routes: [],
    ...change,
  });
}

export function expectFlag(stage: Stage, flag: number): void {
  const flags = stage.rec.call("flags");
  if ((flags & flag) === 0) throw new Error(`flags are ${flags}`);
}

/** The code is loaded; its hop is up. */
export function shown(stage: Stage): void {
  const { rec } = stage;
  const code = codeOf(stage);
  stage.start();
  rec.arg(CORE_HASH, PLATFORM);
  expectStatus(rec.call("about_set", CORE_HASH.length + PLATFORM.length), 0);
  rec.config(code);
  expectStatus(rec.call("code_load", code.length), 0);
  rec.note("What hop_open(1) takes is in the argument area.");
  stage.hop = new HopFar("activation", { role: "connector", own: stage.connector });
  rec.call("hop_open", 1);
  rec.work();
  rec.rx(HOP, stage.hop.answer(rec.tx(HOP)));
  rec.work();
  const third = rec.tx(HOP);
  stage.hop.answer(third);
  const { ticket } = need(stage.hop.open(afterFirst(third)), "TICKET");
  if (!Buffer.from(ticket).equals(DERIVED.ticket)) throw new Error("another ticket");
  rec.rx(HOP, stage.hop.record({ ...stage.welcome(), id: provisionalId(DERIVED.codeId) } as never));
}

/** The Commander's end of the link, towards a device with this id. */
export function commanderFar(
  stage: Stage,
  id: Uint8Array,
  shared: { psk?: Uint8Array; pskName?: Uint8Array } = {},
  own = COMMANDER,
) {
  const name = own === COMMANDER ? "commander" : `commander ${toHex(own.key)}`;
  return new LinkFar(name, { own, peer: { key: stage.own.key, id }, ...shared });
}

/** The control stream is up; gives it with what the device says first. */
export function controlStream(stage: Stage): { far: StreamFar; said: Uint8Array } {
  const shared = { psk: DERIVED.psk, pskName: DERIVED.codeId };
  stage.turnTo(COMMANDER.id, commanderFar(stage, provisionalId(DERIVED.codeId), shared));
  stage.pass(PAUSE_MS);
  stage.initiate();
  return takeControlStream(stage);
}

/** The same once there is a session. */
export function takeControlStream(stage: Stage): { far: StreamFar; said: Uint8Array } {
  const { rec } = stage;
  stage.pass(PAUSE_MS);
  rec.work();
  return acceptControlStream(stage, need(stage.data(), "OPEN"));
}

/** The same from OPEN on. */
export function acceptControlStream(stage: Stage, open: FrameNamed<"OPEN">) {
  const { rec } = stage;
  if (open.kind !== 3) throw new Error("no control stream");
  const far = new StreamFar(stage.link, open, false);
  stage.say(far.accept(open));
  rec.work();
  stage.say(far.record("connected"));
  stage.pass(PAUSE_MS);
  return { far, said: taken(stage, far) };
}

/** What the device has to say on the control stream. */
export function taken(stage: Stage, far: StreamFar): Uint8Array {
  const records = stage.data().filter((frame) => frame.type === "STREAM");
  return concat(
    ...records.map((frame) => needRecord(far.take(frame as FrameNamed<"STREAM">), "data")),
  );
}

export function says(stage: Stage, far: StreamFar, message: ControlMessage): void {
  stage.say(far.record("data", encodeControl(message)));
  stage.pass(PAUSE_MS);
}

export function expectSaid(found: Uint8Array, ...messages: ControlMessage[]): void {
  const heard = new ControlReader().take(found);
  const leases = heard.map((one) => (one.type === "REPORT" ? one.leaseLeft : 0));
  const expected = messages.map((one, i) =>
    encodeControl(one.type === "REPORT" ? { ...one, leaseLeft: leases[i] ?? 0 } : one),
  );
  if (!Buffer.from(found).equals(concat(...expected))) {
    throw new Error(`${Buffer.from(found).toString("hex")} instead of ${messages[0]?.type}`);
  }
}

export const ACTIVATE: ControlMessage = { type: "ACTIVATE", secret: SECRET, platform: PLATFORM };

export function confirmOf(configuration: Uint8Array, serial: bigint, epoch = 1): ControlMessage {
  return { type: "CONFIRM", epoch, serial, hash: configurationHash(configuration) };
}

/** REPORT of an STLink with this configuration in force. */
export function reportOf(
  configuration: Uint8Array,
  serial: bigint,
  { epoch = 1, status = 0, more = 0 } = {},
): ControlMessage {
  const state = ((status << 24) | more | 2) >>> 0;
  const hash = configurationHash(configuration);
  return { type: "REPORT", epoch, serial, hash, state, leaseLeft: 0 };
}

/** What the host keeps of a configuration (10.3): pinned epoch 1, and a mark for each peer. */
export function storedOf(configuration: Uint8Array, ...marks: number[]): Uint8Array {
  const body = concat(configuration, Uint8Array.of(1, 0, 0, 0, ...marks));
  return concat(body, blake2s(body).subarray(0, 4));
}

/** Activated: the configuration is in force and confirmed, on the hop and the session of the code. */
export function activated(stage: Stage): { far: StreamFar; configuration: Uint8Array } {
  const { rec } = stage;
  shown(stage);
  const { far, said } = controlStream(stage);
  expectSaid(said, ACTIVATE);
  const configuration = configurationOf(stage);
  says(stage, far, { type: "CONFIG", configuration });
  expectFlag(stage, WANTS_STORE);
  rec.call("config_len");
  expectStatus(rec.call("config_stored", 1), 0);
  stage.pass(PAUSE_MS);
  expectSaid(taken(stage, far), confirmOf(configuration, 5n), reportOf(configuration, 5n));
  return { far, configuration };
}
