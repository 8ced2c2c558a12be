// SPDX-License-Identifier: Apache-2.0
// Scenes of the control plane: a code, activation, configurations good and bad, refusal, rotation,
// renewal by the Commander's keys. The far end is the Commander. PROTOCOL section 10; rules T3 to T11.

import { blake2s } from "@noble/hashes/blake2.js";
import { Reason, Status } from "../../../host/core/abi.gen.ts";
import { deriveFromSecret, encodeCode, provisionalId } from "../../reference/activation.ts";
import { concat, utf8 } from "../../reference/bytes.ts";
import {
  type Configuration,
  configurationHash,
  encodeConfiguration,
} from "../../reference/configuration.ts";
import { type ControlMessage, encodeControl } from "../../reference/control.ts";
import type { FrameNamed } from "../../reference/link-frames.ts";
import { publicKey } from "../../reference/noise.ts";
import { seededRandom } from "../../reference/random.ts";
import { expectStatus } from "./checks.ts";
import { HopFar, identityOf, LinkFar, StreamFar } from "./ends.ts";
import { afterFirst, HOP, need, needRecord, packetOf, type Scene, type Stage } from "./stage.ts";

const SIZES = { CONFIG: 2048, STREAMS: 4, SEND_BLOCKS: 40 };
const PLATFORM = utf8("posix");
const WANTS_STORE = 8;
const WANTS_KEY = 16;
const WANTS_REDIAL = 32;
const PAUSE_MS = 50;

const draw = seededRandom("transcript control");
const COMMANDER = identityOf("commander", 0xc0);
const RECOVERY_KEY = publicKey(draw(32));
const SECRET = draw(16);
const DERIVED = deriveFromSecret(SECRET);
const DEVICE_ID = draw(16);
const PEER_ID = draw(16);
const PEER_KEY = publicKey(draw(32));
const CONNECTOR_PSK = draw(32);
const options = { sizes: SIZES };

export const CONTROLS: Scene[] = [
  [
    "bad-code.txt",
    "An activation code that does not check is refused, wherever the bit is (10.2).",
    badCode,
    options,
  ],
  [
    "activation.txt",
    "A code, the ticket, the Commander's link and stream, ACTIVATE, CONFIG, CONFIRM (10.2, 10.3).",
    activation,
    options,
  ],
  [
    "activation-refused.txt",
    "The Commander refuses a code; the host reads why (10.1).",
    refused,
    options,
  ],
  [
    "bad-config.txt",
    "A configuration that does not add up, or names other keys, is not taken (10.3).",
    badConfig,
    options,
  ],
  [
    "bad-config-stored.txt",
    "What the host has stored is checked before it is in force (10.3).",
    badStored,
    options,
  ],
  [
    "old-config.txt",
    "A configuration that is not newer is not taken (10.3, T9).",
    oldConfig,
    options,
  ],
  [
    "config-newer.txt",
    "A newer configuration is stored, in force and confirmed; a peer that is gone is cut (10.3).",
    newer,
    options,
  ],
  [
    "control-rotate.txt",
    "The STLink rotates its key: ROTATE, ROTATED, stored, a new session (10.4, T3).",
    rotate,
    options,
  ],
  [
    "control-install.txt",
    "The current key may replace itself under a greater epoch, not the recovery key (10.5).",
    install,
    options,
  ],
];

function codeOf(stage: Stage): Uint8Array {
  return encodeCode({
    connectorKey: stage.connector.key,
    commanderId: COMMANDER.id,
    commanderKey: COMMANDER.key,
    recoveryHash: blake2s(RECOVERY_KEY),
    secret: SECRET,
    addresses: ["connector.example:443"],
  });
}

function configurationOf(stage: Stage, change: Partial<Configuration> = {}): Uint8Array {
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

function expectFlag(stage: Stage, flag: number): void {
  const flags = stage.rec.call("flags");
  if ((flags & flag) === 0) throw new Error(`flags are ${flags}`);
}

/** The code is loaded; its hop is up. */
function shown(stage: Stage): void {
  const { rec } = stage;
  const code = codeOf(stage);
  stage.start();
  rec.config(code, PLATFORM);
  expectStatus(rec.call("code_load", code.length, PLATFORM.length), 0);
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
function commanderFar(
  stage: Stage,
  id: Uint8Array,
  shared: { psk?: Uint8Array; pskName?: Uint8Array },
) {
  return new LinkFar("commander", { own: COMMANDER, peer: { key: stage.own.key, id }, ...shared });
}

/** The control stream is up; gives it with what the device says first. */
function controlStream(stage: Stage): { far: StreamFar; said: Uint8Array } {
  const { rec } = stage;
  stage.peerId = COMMANDER.id;
  stage.link = commanderFar(stage, provisionalId(DERIVED.codeId), {
    psk: DERIVED.psk,
    pskName: DERIVED.codeId,
  });
  stage.pass(PAUSE_MS);
  stage.initiate();
  stage.pass(PAUSE_MS);
  rec.work();
  const open = need(stage.data(), "OPEN");
  if (open.kind !== 3) throw new Error("no control stream");
  const far = new StreamFar(stage.link, open, false);
  stage.say(far.accept(open));
  rec.work();
  stage.say(far.record("connected"));
  stage.pass(PAUSE_MS);
  return { far, said: taken(stage, far) };
}

/** What the device has to say on the control stream. */
function taken(stage: Stage, far: StreamFar): Uint8Array {
  const records = stage.data().filter((frame) => frame.type === "STREAM");
  return concat(
    ...records.map((frame) => needRecord(far.take(frame as FrameNamed<"STREAM">), "data")),
  );
}

function says(stage: Stage, far: StreamFar, message: ControlMessage): void {
  stage.say(far.record("data", encodeControl(message)));
  stage.pass(PAUSE_MS);
}

function expectSaid(found: Uint8Array, ...messages: ControlMessage[]): void {
  const expected = concat(...messages.map(encodeControl));
  if (!Buffer.from(found).equals(expected)) {
    throw new Error(`${Buffer.from(found).toString("hex")} instead of ${messages[0]?.type}`);
  }
}

const ACTIVATE: ControlMessage = { type: "ACTIVATE", secret: SECRET, platform: PLATFORM };

function confirmOf(configuration: Uint8Array, serial: bigint, epoch = 1): ControlMessage {
  return { type: "CONFIRM", epoch, serial, hash: configurationHash(configuration) };
}

function badCode(stage: Stage): void {
  const { rec } = stage;
  const code = codeOf(stage);
  stage.start();
  for (const at of [0, 40, code.length - 1]) {
    rec.config(code.map((byte, i) => (i === at ? byte ^ 1 : byte)));
    expectStatus(rec.call("code_load", code.length, 0), Status.BadCode);
  }
  rec.config(code);
  expectStatus(rec.call("code_load", code.length - 1, 0), Status.BadCode);
  rec.config(code);
  expectStatus(rec.call("code_load", code.length, 0), 0);
}

/** Activated: the configuration is in force and confirmed, on the hop and the session of the code. */
function activated(stage: Stage): { far: StreamFar; configuration: Uint8Array } {
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
  expectSaid(taken(stage, far), confirmOf(configuration, 5n));
  return { far, configuration };
}

function activation(stage: Stage): void {
  activated(stage);
  stage.rec.note(
    "1: activating, 2: activated. Bit 5 of the flags: a hop under the new id is wanted.",
  );
  expectStatus(stage.rec.call("control_state") & 0xff, 2);
  expectFlag(stage, WANTS_REDIAL);
}

function refused(stage: Stage): void {
  shown(stage);
  const { far } = controlStream(stage);
  says(stage, far, { type: "REFUSED", reason: Reason.CodeUsed });
  expectStatus(stage.rec.call("control_state"), 1 | (Reason.CodeUsed << 8));
}

function badConfig(stage: Stage): void {
  shown(stage);
  const { far } = controlStream(stage);
  const good = configurationOf(stage);
  const wrong = [
    good.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
    good.subarray(0, good.length - 1),
    concat(good, Uint8Array.of(0)),
    configurationOf(stage, { commanderKey: PEER_KEY }),
    configurationOf(stage, { recoveryKey: PEER_KEY }),
    configurationOf(stage, { commanderId: PEER_ID }),
    configurationOf(stage, { id: new Uint8Array(16) }),
  ];
  for (const configuration of wrong) {
    says(stage, far, { type: "CONFIG", configuration });
    stage.dropped(Status.BadConfig);
    stage.frames();
  }
  says(stage, far, { type: "CONFIG", configuration: good });
  expectFlag(stage, WANTS_STORE);
}

function badStored(stage: Stage): void {
  const { rec } = stage;
  const configuration = configurationOf(stage);
  const epoch = Uint8Array.of(1, 0, 0, 0);
  const stored = concat(configuration, epoch, blake2s(concat(configuration, epoch)).subarray(0, 4));
  stage.start();
  for (const at of [20, stored.length - 9, stored.length - 1]) {
    rec.config(stored.map((byte, i) => (i === at ? byte ^ 1 : byte)));
    expectStatus(rec.call("config_load", stored.length), Status.BadConfig);
  }
  rec.config(stored);
  expectStatus(rec.call("config_load", stored.length), 0);
  expectStatus(rec.call("control_state") & 0xff, 2);
  if (rec.call("config_count", 1) !== 1) throw new Error("another count of peers");
}

function oldConfig(stage: Stage): void {
  const { far } = activated(stage);
  for (const change of [{ serial: 5n }, { serial: 4n }, { epoch: 0, serial: 9n }]) {
    says(stage, far, { type: "CONFIG", configuration: configurationOf(stage, change) });
    stage.dropped(Status.OldConfig);
    stage.frames();
  }
}

function newer(stage: Stage): void {
  const { far } = activated(stage);
  const { rec } = stage;
  rec.arg(PEER_ID);
  if (rec.call("link_find") < 0) throw new Error("the peer is not there");
  const configuration = configurationOf(stage, { serial: 6n, peers: [] });
  says(stage, far, { type: "CONFIG", configuration });
  expectFlag(stage, WANTS_STORE);
  expectStatus(rec.call("config_stored", 1), 0);
  stage.pass(PAUSE_MS);
  expectSaid(taken(stage, far), confirmOf(configuration, 6n));
  rec.arg(PEER_ID);
  expectStatus(rec.call("link_find"), Status.BadHandle);
  rec.note("It is current: nothing follows.");
  says(stage, far, { type: "CURRENT", epoch: 1, serial: 6n });
  expectStatus(rec.call("flags") & WANTS_STORE, 0);
}

function rotate(stage: Stage): void {
  const { far } = activated(stage);
  const { rec } = stage;
  const next = identityOf("own, rotated", 0x40);
  rec.arg(next.secret, next.key);
  expectStatus(rec.call("rotate"), 0);
  stage.pass(PAUSE_MS);
  expectSaid(taken(stage, far), { type: "ROTATE", key: next.key });
  says(stage, far, { type: "ROTATED", key: next.key });
  expectFlag(stage, WANTS_KEY);
  expectStatus(rec.call("config_stored", 1), 0);
  rec.work();
  packetOf(stage.packets(), 0x11);
}

function install(stage: Stage): void {
  const { far } = activated(stage);
  const next = identityOf("commander, next", 0xc0);
  const message = (epoch: number, recovery: Uint8Array): ControlMessage => {
    return { type: "INSTALL", current: next.key, recovery, epoch };
  };
  says(stage, far, message(2, PEER_KEY));
  stage.dropped(Status.BadConfig);
  says(stage, far, message(1, RECOVERY_KEY));
  stage.dropped(Status.OldConfig);
  says(stage, far, message(2, RECOVERY_KEY));
  expectFlag(stage, WANTS_STORE);
  expectStatus(stage.rec.call("config_stored", 1), 0);
}
