// SPDX-License-Identifier: Apache-2.0
// Scenes with the core as a Connector: admission, packets in and out, credit, what it tells an STLink,
// rekeying, and hostile STLinks. PROTOCOL 4, 9; rules K1 to K5, K7, S10.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import { concat } from "../../reference/bytes.ts";
import type { HopFrame } from "../../reference/hop-frames.ts";
import { seededRandom } from "../../reference/random.ts";
import { HopFar, hopHandshake, hopKeys, identityOf } from "./ends.ts";
import { expectNothing, HOP, HOP_PSK, need, type Scene, type Stage } from "./stage.ts";

const ASKING = 1 << 16;
const GREETED = 1 << 17;
const HOP_STATE_CLOSED = 5;
const QUEUE_BYTES = 65_536;
const STRANGER = seededRandom("transcript stranger")(16);
/** What differs from an STLink's sizes. */
const SIZES = {
  LINKS: 0,
  STREAMS: 0,
  RECV_BLOCKS: 0,
  SEND_BLOCKS: 0,
  CHANNELS: 16,
  HOP_BUFFERS: 4,
};

export const CONNECTORS: Scene[] = [
  [
    "hop-connector.txt",
    "The core admits a hop: messages 1 to 3, the host gives the PSK, WELCOME (4.1, 4.2, 9).",
    admitted,
  ],
  [
    "connector-ticket.txt",
    "A device shows a ticket behind HOP_HELLO; the host reads it (10.2).",
    ticket,
  ],
  [
    "connector-refused.txt",
    "A key that is not admitted learns it in the first record (K5).",
    refused,
  ],
  [
    "connector-psk.txt",
    "Another PSK shows as a wrong tag in message 3; nothing is said (K5).",
    wrongPsk,
  ],
  [
    "connector-packets.txt",
    "NAME and PACKET: the host queues; a channel without a name has no id (4.2, 9).",
    packets,
  ],
  [
    "connector-forward.txt",
    "A packet for the hop: NAME once, PACKET, and no more than the credit (4.5).",
    forward,
  ],
  ["connector-names.txt", "More senders than channels: a channel is named again (4.2).", names],
  [
    "connector-tells.txt",
    "DROPPED, AWAY and BACK about channels, each at most once pending (4.2, F3).",
    tells,
  ],
  ["connector-mute.txt", "MUTE reaches the host, with the id that the Connector named (K3).", mute],
  ["connector-drain.txt", "DRAIN, then CLOSE(Draining) (4.2).", drain],
  [
    "connector-superseded.txt",
    "A newer hop of a key: the host closes the older one (K7).",
    superseded,
  ],
  ["connector-ping.txt", "PING both ways; 60 s of silence end the hop (4.5).", ping],
  ["connector-rekey.txt", "The STLink rekeys: REKEY three times, NEWKEYS both ways (4.4).", rekey],
  [
    "connector-rekey-other-key.txt",
    "A rekey that shows another static key closes the hop (4.4).",
    rekeyOtherKey,
  ],
  ["connector-late.txt", "A handshake that takes 10 s is given up (K4).", late],
  [
    "connector-no-entropy.txt",
    "Without entropy message 1 waits; it is answered when there is some (H8).",
    noEntropy,
  ],
  [
    "bad-frame-connector-hello.txt",
    "A frame before HOP_HELLO closes the hop.",
    (stage) => badFrame(stage, [{ type: "PING", token: 1 }], sealedOnly),
  ],
  [
    "bad-frame-connector-early.txt",
    "PACKET before WELCOME closes the hop.",
    (stage) => badFrame(stage, [packetFrame(0)], greeted),
  ],
  [
    "bad-frame-connector-again.txt",
    "A second HOP_HELLO closes the hop.",
    (stage) => badFrame(stage, [HELLO], admitted),
  ],
  [
    "bad-frame-connector-credit.txt",
    "Credit that falls closes the hop.",
    (stage) => badFrame(stage, [{ type: "CREDIT", total: 8191n }], admitted),
  ],
  [
    "bad-frame-connector-class.txt",
    "A class that does not exist closes the hop (4.3).",
    (stage) => badFrame(stage, [packetFrame(201)], admitted),
  ],
  [
    "bad-frame-connector-way.txt",
    "WELCOME from an STLink closes the hop.",
    (stage) => badFrame(stage, [stage.welcome()], admitted),
  ],
  [
    "bad-frame-connector-name.txt",
    "NAME of a channel beyond the receiver's closes the hop.",
    (stage) => badFrame(stage, [{ type: "NAME", channel: 16, id: STRANGER }], admitted),
  ],
  [
    "bad-frame-connector-hello-size.txt",
    "HOP_HELLO with a maxPacket out of range closes the hop.",
    (stage) => badFrame(stage, [{ type: "HOP_HELLO", maxPacket: 2047, channels: 5 }], sealedOnly),
  ],
  ["bad-handshake-connector.txt", "A message 1 of another length closes the hop.", badHandshake],
];

const HELLO: HopFrame = { type: "HOP_HELLO", maxPacket: 2048, channels: 5 };

function packetFrame(kind: number, channel = 0): HopFrame {
  return { type: "PACKET", class: kind, channel, packet: new Uint8Array(64).fill(kind) };
}

function start(stage: Stage): void {
  const { rec } = stage;
  stage.sizes(SIZES);
  rec.now(stage.ms);
  rec.start("connector");
  rec.arg(stage.connector.secret, stage.connector.key, new Uint8Array(16));
  rec.call("identity_set");
}

function farOf(stage: Stage, name: string, own = stage.own): HopFar {
  return new HopFar(name, { role: "stlink", own, remote: stage.connector.key, psk: HOP_PSK });
}

/** Messages 1 to 3 are through; HOP_HELLO is still to come. */
function sealedOnly(stage: Stage): void {
  const { rec } = stage;
  start(stage);
  stage.feed(8);
  stage.hop = farOf(stage, "stlink");
  rec.call("hop_open", 0);
  sealHop(stage);
}

function sealHop(stage: Stage, psk = HOP_PSK): void {
  const { rec, hop } = stage;
  rec.rx(HOP, hop.begin());
  rec.work();
  rec.rx(HOP, hop.answer(rec.tx(HOP)));
  rec.work();
  expectState(stage, ASKING);
  rec.arg(psk);
  rec.call("hop_answer", HOP);
  rec.work();
}

function expectState(stage: Stage, bits: number): void {
  const word = stage.rec.call("hop_state", HOP);
  if ((word & bits) !== bits) throw new Error(`hop_state is ${word.toString(16)}`);
}

function expectClosed(stage: Stage, status: number): void {
  if (stage.rec.call("hop_status", HOP) !== status) throw new Error("another status");
  const word = stage.rec.call("hop_state", HOP);
  if ((word & 0xff) !== HOP_STATE_CLOSED) throw new Error(`hop_state is ${word.toString(16)}`);
}

function greeted(stage: Stage): void {
  sealedOnly(stage);
  stage.rec.rx(HOP, stage.hop.record(HELLO));
  expectState(stage, GREETED);
}

function admitted(stage: Stage): void {
  stage.rec.include("hop-connector.txt", () => {
    greeted(stage);
    stage.rec.arg(stage.own.id);
    stage.rec.call("hop_admit", HOP, QUEUE_BYTES);
    const frame = need(stage.frames(), "WELCOME");
    if (frame.queueBytes !== QUEUE_BYTES) throw new Error("another queue");
    stage.rec.rx(HOP, stage.hop.record({ type: "CREDIT", total: 8192n }));
  });
}

function ticket(stage: Stage): void {
  sealedOnly(stage);
  const random = seededRandom("transcript ticket");
  const shown: HopFrame = { type: "TICKET", codeId: random(8), ticket: random(32) };
  stage.rec.rx(HOP, stage.hop.record(HELLO, shown));
  expectState(stage, GREETED);
  stage.rec.note("Admitted under the code's id (10.2).");
  stage.rec.arg(shown.codeId, new Uint8Array(8));
  stage.rec.call("hop_admit", HOP, QUEUE_BYTES);
  need(stage.frames(), "WELCOME");
}

function refused(stage: Stage): void {
  greeted(stage);
  stage.rec.call("hop_close", HOP, Reason.NotAdmitted);
  if (need(stage.frames(), "REFUSED").reason !== Reason.NotAdmitted) throw new Error("reason");
  expectClosed(stage, 0);
}

function wrongPsk(stage: Stage): void {
  start(stage);
  stage.feed(8);
  stage.hop = farOf(stage, "stlink");
  stage.rec.call("hop_open", 0);
  sealHop(stage, new Uint8Array(32));
  expectClosed(stage, Status.BadTag);
  if (stage.rec.tx(HOP).length > 0) throw new Error("something was said");
}

function packets(stage: Stage): void {
  admitted(stage);
  const { rec, hop } = stage;
  rec.rx(HOP, hop.record({ type: "NAME", channel: 1, id: stage.peer.id }, packetFrame(0, 1)));
  rec.rx(HOP, hop.records(packetFrame(40, 1), packetFrame(255, 1), packetFrame(200, 1)));
  rec.note("A channel without a name.");
  rec.rx(HOP, hop.record(packetFrame(0, 2)));
  rec.note("Another name for the channel.");
  rec.rx(HOP, hop.record({ type: "NAME", channel: 1, id: STRANGER }, packetFrame(0, 1)));
  expectNothing(stage.frames());
}

function forward(stage: Stage): void {
  admitted(stage);
  const { rec, hop } = stage;
  const packet = new Uint8Array(2048).fill(1);
  const send = () => {
    rec.arg(stage.peer.id);
    return rec.forward(HOP, 0, packet);
  };
  send();
  const frames = stage.frames();
  need(frames, "NAME");
  need(frames, "PACKET");
  for (let i = 0; i < 3; i++) {
    send();
    if (stage.frames().some(({ type }) => type === "NAME")) throw new Error("NAME again");
  }
  rec.note("The credit of 8,192 bytes is used up: 1, not now.");
  if (send() !== 1) throw new Error("beyond the credit");
  rec.rx(HOP, hop.record({ type: "CREDIT", total: 10_240n }));
  if (send() !== 0) throw new Error("credit came back");
  need(stage.frames(), "PACKET");
  rec.note("A packet above what the STLink takes is refused here.");
  rec.arg(stage.peer.id);
  if (rec.forward(HOP, 0, new Uint8Array(2049)) >= 0) throw new Error("too big");
}

function names(stage: Stage): void {
  const { rec } = stage;
  admitted(stage);
  const from = (i: number) => {
    rec.arg(new Uint8Array(16).fill(i));
    rec.forward(HOP, 0, new Uint8Array(64).fill(i));
    return stage.frames().flatMap((frame) => (frame.type === "NAME" ? [frame.channel] : []));
  };
  const channels = [1, 2, 3, 4, 5, 6].map((i) => from(i)[0]);
  if (channels.join() !== "0,1,2,3,4,0") throw new Error(`channels ${channels}`);
  expectNothing(from(2));
  if (from(1).join() !== "1") throw new Error("another channel");
}

function tells(stage: Stage): void {
  admitted(stage);
  const { rec, hop } = stage;
  rec.rx(
    HOP,
    hop.record(
      { type: "NAME", channel: 0, id: stage.peer.id },
      { type: "NAME", channel: 3, id: STRANGER },
    ),
  );
  rec.call("hop_tell", HOP, 0, Reason.QueueFull);
  rec.call("hop_tell", HOP, 0, Reason.QueueFull);
  rec.call("hop_tell", HOP, 3, -1);
  const frames = stage.frames();
  if (need(frames, "DROPPED").count !== 2) throw new Error("another count");
  if (need(frames, "AWAY").channel !== 3) throw new Error("another channel");
  rec.call("hop_tell", HOP, 3, -1);
  rec.call("hop_tell", HOP, 3, -2);
  const after = stage.frames();
  need(after, "BACK");
  if (after.some(({ type }) => type === "AWAY")) throw new Error("AWAY beside BACK");
  rec.note("Every reason that DROPPED may have.");
  for (let reason = Reason.NotPaired; reason <= Reason.Purged; reason++) {
    rec.call("hop_tell", HOP, 0, reason);
    if (need(stage.frames(), "DROPPED").reason !== reason) throw new Error("another reason");
  }
}

function mute(stage: Stage): void {
  admitted(stage);
  stage.rec.arg(stage.peer.id);
  stage.rec.forward(HOP, 0, new Uint8Array(64));
  const { channel } = need(stage.frames(), "NAME");
  stage.rec.rx(HOP, stage.hop.record({ type: "MUTE", channel, seconds: 600 }));
  stage.rec.note("A channel that the Connector has not named.");
  stage.rec.rx(HOP, stage.hop.record({ type: "MUTE", channel: 2, seconds: 600 }));
  expectNothing(stage.frames());
}

function drain(stage: Stage): void {
  admitted(stage);
  stage.rec.call("hop_drain", HOP, 5000);
  if (need(stage.frames(), "DRAIN").afterMs !== 5000) throw new Error("another time");
  stage.rec.call("hop_close", HOP, Reason.Draining);
  need(stage.frames(), "CLOSE");
  expectClosed(stage, 0);
}

function superseded(stage: Stage): void {
  const { rec } = stage;
  admitted(stage);
  const older = stage.hop;
  const newer = farOf(stage, "newer");
  rec.call("hop_open", 0);
  rec.rx(1, newer.begin());
  rec.work();
  rec.rx(1, newer.answer(rec.tx(1)));
  rec.work();
  rec.arg(HOP_PSK);
  rec.call("hop_answer", 1);
  rec.work();
  rec.rx(1, newer.record(HELLO));
  rec.arg(stage.own.id);
  rec.call("hop_admit", 1, QUEUE_BYTES);
  need(newer.open(rec.tx(1)), "WELCOME");
  rec.call("hop_close", HOP, Reason.Superseded);
  if (need(older.open(rec.tx(HOP)), "CLOSE").reason !== Reason.Superseded)
    throw new Error("reason");
  rec.call("hop_free", HOP);
}

function ping(stage: Stage): void {
  admitted(stage);
  stage.rec.rx(HOP, stage.hop.record({ type: "PING", token: 0x01020304 }));
  if (need(stage.frames(), "PONG").token !== 0x01020304) throw new Error("another token");
  stage.pass(25_000);
  const { token } = need(stage.frames(), "PING");
  stage.rec.rx(HOP, stage.hop.record({ type: "PONG", token }));
  stage.pass(60_000);
  expectClosed(stage, 0);
}

/** REKEY up to message 3, as the STLink; gives the record with it and the new keys. */
function rekeyed(stage: Stage, own = stage.own) {
  const { rec, hop } = stage;
  const options = { role: "stlink", own, remote: stage.connector.key, psk: HOP_PSK } as const;
  const handshake = hopHandshake("transcript hop rekey", options);
  rec.rx(HOP, hop.record({ type: "REKEY", version: 1, message: handshake.writeMessage() }));
  rec.work();
  const second = need(stage.frames(), "REKEY");
  handshake.readMessage(second.message.subarray(0, 1152));
  const third: HopFrame = { type: "REKEY", version: 1, message: handshake.writeMessage() };
  return { third, keys: hopKeys(handshake, "stlink") };
}

function rekey(stage: Stage): void {
  admitted(stage);
  const { rec, hop } = stage;
  const { third, keys } = rekeyed(stage);
  rec.rx(HOP, hop.record(third), hop.record({ type: "PING", token: 5 }));
  rec.work();
  rec.note(
    "The Connector answers message 3 with NEWKEYS, and seals with the new key from then on.",
  );
  const frames = stage.frames();
  need(frames, "NEWKEYS");
  hop.switchTo(keys, "receive");
  rec.rx(HOP, hop.record({ type: "NEWKEYS" }));
  hop.switchTo(keys, "send");
  rec.rx(HOP, hop.record({ type: "PING", token: 6 }));
  need(stage.frames(), "PONG");
}

function rekeyOtherKey(stage: Stage): void {
  admitted(stage);
  const { third } = rekeyed(stage, identityOf("somebody else", 0x40));
  stage.rec.rx(HOP, stage.hop.record(third));
  stage.rec.work();
  expectClosed(stage, Status.BadHandshake);
}

function late(stage: Stage): void {
  start(stage);
  stage.feed(8);
  stage.hop = farOf(stage, "stlink");
  stage.rec.call("hop_open", 0);
  stage.rec.rx(HOP, stage.hop.begin().subarray(0, 700));
  stage.pass(10_000);
  const word = stage.rec.call("hop_state", HOP);
  if ((word & 0xff) !== HOP_STATE_CLOSED) throw new Error("the hop lives");
}

function noEntropy(stage: Stage): void {
  const { rec } = stage;
  start(stage);
  stage.hop = farOf(stage, "stlink");
  rec.call("hop_open", 0);
  rec.rx(HOP, stage.hop.begin());
  rec.work();
  if (rec.tx(HOP).length > 0) throw new Error("an answer without entropy");
  stage.feed(1);
  rec.rx(HOP);
  rec.work();
  stage.hop.answer(rec.tx(HOP));
}

function badFrame(stage: Stage, frames: HopFrame[], begin: (stage: Stage) => void): void {
  begin(stage);
  stage.rec.rx(HOP, stage.hop.record(...frames));
  expectClosed(stage, Status.BadFrame);
}

function badHandshake(stage: Stage): void {
  start(stage);
  stage.feed(8);
  stage.hop = farOf(stage, "stlink");
  stage.rec.call("hop_open", 0);
  const first = stage.hop.begin();
  const longer = concat(Uint8Array.of(0xe2, 0x04), first.subarray(2), Uint8Array.of(0));
  stage.rec.rx(HOP, longer);
  expectClosed(stage, Status.BadHandshake);
}
