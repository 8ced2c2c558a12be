// SPDX-License-Identifier: Apache-2.0
// Scenes: how hops, links and streams begin, and everything that can happen to the messages of a link's
// handshake: repetition, loss, glare, forgery, renewal. PROTOCOL 4.1, 5.2, 5.5; rules H, S5 to S10.

import { Status } from "../../../host/core/abi.gen.ts";
import { hopHandshake, hopKeys } from "./ends.ts";
import {
  expectNothing,
  HOP,
  HOP_PSK,
  LINK,
  need,
  packetOf,
  type Scene,
  type Stage,
  sameBytes,
} from "./stage.ts";

const RENEW_MS = 3_000_000;

export const HANDSHAKES: Scene[] = [
  [
    "start-stlink.txt",
    "An STLink starts, with its identity and entropy.",
    (stage) => stage.start(),
  ],
  [
    "hop-stlink.txt",
    "The core dials a hop: messages 1 to 3, HOP_HELLO, WELCOME, CREDIT (4.1, 4.2).",
    (stage) => stage.hopUp(),
  ],
  [
    "link-initiator.txt",
    "The core begins a link session: messages 1 to 3, HELLO both ways (5.1, 5.2, 5.4).",
    (stage) => stage.linkInitiated(),
  ],
  [
    "link-responder.txt",
    "The core answers a link session: messages 1 to 3, HELLO both ways (5.1, 5.2, 5.4).",
    (stage) => stage.linkAnswered(),
  ],
  [
    "stream-opener.txt",
    "The core opens a stream: OPEN, ACCEPT, ACK, CONNECTED (5.5, 6).",
    (stage) => stage.streamOpened(),
  ],
  [
    "stream-accepter.txt",
    "The peer opens a stream: OPEN, ACCEPT, CONNECTED (5.5, 6).",
    (stage) => stage.streamAccepted(),
  ],
  [
    "message-1-again.txt",
    "Message 1 is sent again, the same bytes, after about 1, 2, 4, 8, 16 s; then a new one (S6).",
    message1Again,
  ],
  [
    "message-1-repeated.txt",
    "A repeated message 1 is answered with the same message 2; after the handshake it is ignored (S6).",
    message1Repeated,
  ],
  [
    "message-3-again.txt",
    "Message 3 is sent again, the same bytes, by time and when message 2 comes again (S6).",
    message3Again,
  ],
  [
    "glare-lower.txt",
    "Both begin at once: the lower id ignores the peer's message 1 (S7).",
    glareLower,
  ],
  [
    "glare-higher.txt",
    "Both begin at once: the higher id drops its own handshake and answers (S7).",
    glareHigher,
    { peerByte: 0x20 },
  ],
  [
    "crossing-message-1.txt",
    "The lower id answers no message 1 while it repeats its message 3; that and HELLO go again (S7).",
    crossingMessage1,
  ],
  [
    "crossing-message-3.txt",
    "The lower id has finished its own handshake: what it was answering is given up (S7).",
    crossingMessage3,
    { sizes: { HANDSHAKES: 3, SEND_BLOCKS: 36 } },
  ],
  [
    "forged-message-2.txt",
    "A forged message 2 is forgotten; the right one still works (S8).",
    forgedMessage2,
  ],
  [
    "forged-message-3.txt",
    "A forged message 3 is forgotten; the right one still works (S8).",
    forgedMessage3,
  ],
  [
    "link-renewed-initiator.txt",
    "After 50 minutes the lower id begins a new session; the stream goes on under it (S10).",
    renewedInitiator,
  ],
  [
    "link-renewed-responder.txt",
    "The peer begins a new session; the old one opens until the new one is used (S5, S10).",
    renewedResponder,
  ],
  [
    "hop-rekey-stlink.txt",
    "After 50 minutes the STLink rekeys the hop: REKEY three times, NEWKEYS both ways (4.4).",
    hopRekey,
  ],
];

function message1Again(stage: Stage): void {
  const { rec } = stage;
  stage.hopUp();
  rec.call("link_connect", LINK);
  rec.work();
  const first = packetOf(stage.packets(), 0x11);
  for (const ms of [1250, 2450, 4850, 9650, 19_250]) {
    stage.pass(ms);
    sameBytes(packetOf(stage.packets(), 0x11), first);
  }
  rec.note("A new one, from a new ephemeral.");
  rec.rx(HOP, stage.hop.record({ type: "PING", token: 1 }));
  stage.pass(38_450);
  rec.work();
  const next = packetOf(stage.packets(), 0x11);
  if (next.join() === first.join()) throw new Error("message 1 is the same after five repetitions");
}

function message1Repeated(stage: Stage): void {
  const { rec, link } = stage;
  stage.hopUp();
  const first = link.message1();
  stage.deliver(first);
  rec.work();
  const second = packetOf(stage.packets(), 0x12);
  stage.deliver(first);
  rec.work();
  sameBytes(packetOf(stage.packets(), 0x12), second);
  stage.deliver(link.message3(second));
  rec.work();
  need(stage.data(), "HELLO");
  rec.note("The e of the last finished handshake is remembered.");
  stage.deliver(first);
  rec.work();
  expectNothing(stage.packets());
}

function message3Again(stage: Stage): void {
  const { rec, link } = stage;
  stage.hopUp();
  rec.call("link_connect", LINK);
  rec.work();
  const second = link.message2(packetOf(stage.packets(), 0x11));
  stage.deliver(second);
  rec.work();
  const third = packetOf(stage.packets(), 0x13);
  stage.deliver(second);
  rec.work();
  sameBytes(packetOf(stage.packets(), 0x13), third);
  for (const ms of [1000, 2000, 4000, 8000]) {
    stage.pass(ms);
    sameBytes(packetOf(stage.packets(), 0x13), third);
  }
  rec.note("A packet under the new session shows that message 3 has arrived.");
  link.takeMessage3(third);
  stage.say(link.hello());
  need(stage.data(), "HELLO");
  stage.pass(16_000);
  expectNothing(stage.packets().filter((packet) => packet[0] === 0x13));
}

function glareLower(stage: Stage): void {
  const { rec, link } = stage;
  stage.hopUp();
  rec.call("link_connect", LINK);
  rec.work();
  const first = packetOf(stage.packets(), 0x11);
  stage.deliver(stage.newLinkFar("glare").message1());
  rec.work();
  expectNothing(stage.packets());
  stage.deliver(link.message2(first));
  rec.work();
  link.takeMessage3(packetOf(stage.packets(), 0x13));
}

function glareHigher(stage: Stage): void {
  const { rec, link } = stage;
  stage.hopUp();
  rec.call("link_connect", LINK);
  rec.work();
  const first = packetOf(stage.packets(), 0x11);
  stage.deliver(link.message1());
  rec.work();
  stage.deliver(link.message3(packetOf(stage.packets(), 0x12)));
  rec.work();
  need(stage.data(), "HELLO");
  rec.note("An answer to the message 1 that was dropped is for an index that is gone.");
  stage.deliver(stage.newLinkFar("glare").message2(first));
  stage.dropped(Status.UnknownIndex);
}

function crossingMessage1(stage: Stage): void {
  const { rec, link } = stage;
  stage.hopUp();
  rec.call("link_connect", LINK);
  rec.work();
  stage.deliver(link.message2(packetOf(stage.packets(), 0x11)));
  rec.work();
  const third = packetOf(stage.packets(), 0x13);
  const crossing = stage.newLinkFar("crossing").message1();
  stage.deliver(crossing);
  rec.work();
  const said = stage.packets();
  sameBytes(packetOf(said, 0x13), third);
  packetOf(said, 0x14);
  expectNothing(said.filter((packet) => packet[0] === 0x12));
  rec.note("Message 3 has been repeated often enough: the peer's handshake has its turn.");
  for (const ms of [1000, 2000, 4000, 8000]) {
    stage.pass(ms);
    sameBytes(packetOf(stage.packets(), 0x13), third);
  }
  stage.deliver(crossing);
  rec.work();
  packetOf(stage.packets(), 0x12);
}

function crossingMessage3(stage: Stage): void {
  const { rec, link } = stage;
  stage.hopUp();
  const crossing = stage.newLinkFar("crossing");
  stage.deliver(crossing.message1());
  rec.work();
  const answer = packetOf(stage.packets(), 0x12);
  stage.pass(5000);
  rec.call("link_connect", LINK);
  rec.work();
  stage.deliver(link.message2(packetOf(stage.packets(), 0x11)));
  rec.work();
  link.takeMessage3(packetOf(stage.packets(), 0x13));
  stage.deliver(crossing.message3(answer));
  stage.dropped(Status.UnknownIndex);
}

function flip(packet: Uint8Array, at: number): Uint8Array {
  return packet.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

function forgedMessage2(stage: Stage): void {
  const { rec, link } = stage;
  stage.hopUp();
  rec.call("link_connect", LINK);
  rec.work();
  const second = link.message2(packetOf(stage.packets(), 0x11));
  for (const at of [9, 41, 1160]) {
    stage.deliver(flip(second, at));
    rec.work();
    stage.dropped(Status.BadTag);
    expectNothing(stage.packets());
  }
  stage.deliver(second);
  rec.work();
  link.takeMessage3(packetOf(stage.packets(), 0x13));
}

function forgedMessage3(stage: Stage): void {
  const { rec, link } = stage;
  stage.hopUp();
  stage.deliver(link.message1());
  rec.work();
  const third = link.message3(packetOf(stage.packets(), 0x12));
  for (const at of [5, 52, 68]) {
    stage.deliver(flip(third, at));
    rec.work();
    stage.dropped(Status.BadTag);
    expectNothing(stage.packets());
  }
  stage.deliver(third);
  rec.work();
  need(stage.data(), "HELLO");
}

/** The hop has to live too: it renews its own keys, and each side pings. */
function grow(stage: Stage, ms: number): void {
  for (let left = ms; left > 0; left -= 50_000) {
    stage.pass(Math.min(left, 50_000));
    stage.rec.rx(HOP, stage.hop.record({ type: "PING", token: 7 }));
    stage.frames();
  }
}

function renewedInitiator(stage: Stage): void {
  const far = stage.streamOpened();
  const old = stage.link.session;
  stage.rec.note("Nearly 50 minutes in one stream's life: the peer's packets keep it.");
  holdUntil(stage, RENEW_MS - 120_000);
  stage.rec.note("The hop is renewed by a new one (4.4 has a transcript of its own).");
  stage.redial("renewed");
  holdUntil(stage, 130_000);
  stage.initiate();
  stage.say(far.record("data", Buffer.from("under the new session")));
  stage.rec.out(0);
  if (stage.link.session === old) throw new Error("no new session");
}

/** The peer speaks every 55 s, so that nothing is given up. */
function holdUntil(stage: Stage, ms: number): void {
  for (let left = ms; left > 0; left -= 55_000) {
    stage.pass(Math.min(left, 55_000));
    stage.say({ type: "PROBE", token: left });
    stage.packets();
  }
}

function renewedResponder(stage: Stage): void {
  const { rec } = stage;
  const far = stage.streamAccepted();
  const old = stage.link.session;
  if (!old) throw new Error("no session");
  const again = stage.link.message1();
  stage.deliver(again);
  rec.work();
  stage.deliver(stage.link.message3(packetOf(stage.packets(), 0x12)));
  rec.work();
  const fresh = stage.link.session;
  need(stage.data(), "HELLO");
  rec.note("A late packet of the old session still opens.");
  stage.link.session = old;
  stage.say(far.record("data", Buffer.from("late")));
  rec.out(0);
  rec.note("The first packet under the new one ends the old one.");
  stage.link.session = fresh;
  stage.say(stage.link.hello(), far.record("data", Buffer.from("new")));
  rec.out(0);
  need(stage.data(), "HELLO");
  stage.link.session = old;
  stage.say(far.record("data", Buffer.from("too late")));
  stage.dropped(Status.UnknownIndex);
}

function hopRekey(stage: Stage): void {
  const { rec, hop } = stage;
  stage.hopUp();
  grow(stage, RENEW_MS - 100);
  stage.pass(100);
  rec.work();
  const first = need(stage.frames(), "REKEY");
  const options = { role: "connector", own: stage.connector, psk: HOP_PSK } as const;
  const handshake = hopHandshake("transcript hop rekey", options);
  handshake.readMessage(first.message.subarray(0, 1248));
  rec.rx(HOP, hop.record({ type: "REKEY", version: 1, message: handshake.writeMessage() }));
  rec.work();
  rec.note("Message 3 and NEWKEYS; from the next record on the STLink seals with the new key.");
  const frames = stage.frames();
  handshake.readMessage(need(frames, "REKEY").message.subarray(0, 64));
  need(frames, "NEWKEYS");
  const keys = hopKeys(handshake, "connector");
  hop.switchTo(keys, "receive");
  rec.rx(HOP, hop.record({ type: "NEWKEYS" }));
  hop.switchTo(keys, "send");
  rec.rx(HOP, hop.record({ type: "PING", token: 0x01020304 }));
  need(stage.frames(), "PONG");
}
