// SPDX-License-Identifier: Apache-2.0
// Scenes on layer 2: packets that open and packets that do not, HELLO, NO_SESSION, GOODBYE, violations.
// What is wrong here is dropped and counted and changes nothing, unless the peer itself is at fault.
// PROTOCOL 5, 7.3, 7.5; rules S1, S2, S5, S8, S9, F10.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import { concat } from "../../reference/bytes.ts";
import type { LinkFrame } from "../../reference/link-frames.ts";
import { expectClosed, expectReason } from "./checks.ts";
import { LinkFar } from "./ends.ts";
import {
  expectNothing,
  FLAG,
  HOP,
  LINK,
  LINK_PSK,
  need,
  PSK_NAME,
  packetOf,
  type Scene,
  STREAM,
  type Stage,
} from "./stage.ts";

const PENALTY_MS = 60_000;
/** 5 s, and the millisecond that the core's marks may be rounded by. */
const NO_SESSION_MS = 5001;

export const LINKS: Scene[] = [
  ["bad-tag-link.txt", "A packet with a wrong tag is dropped; the next one opens (S8).", badTag],
  ["stale.txt", "A packet that came before, or is older than the window, is dropped (5.2).", stale],
  [
    "unknown-index.txt",
    "A packet of no session is dropped and answered by NO_SESSION, once in 5 s (S9).",
    unknownIndex,
  ],
  [
    "no-session.txt",
    "NO_SESSION for the current session permits a handshake, once in 5 s (S9).",
    noSession,
  ],
  [
    "unknown-peer-name.txt",
    "Message 1 that names another pre-shared key is dropped (3.3).",
    unknownName,
  ],
  [
    "unknown-peer-key.txt",
    "Message 3 that shows another key than the id's is dropped (3.3).",
    unknownKey,
  ],
  ["bad-tag-psk.txt", "Another pre-shared key shows as a wrong tag in message 3.", wrongPsk],
  [
    "handshake-rate.txt",
    "A burst of one handshake for each link slot; the next one is dropped until 5 s are over (S9).",
    rate,
  ],
  [
    "bad-handshake-link.txt",
    "A handshake packet of another length, or whose padding is not zero, is dropped (5.1).",
    badHandshake,
  ],
  [
    "bad-point-link.txt",
    "Message 1 with a point of small order ends that handshake (H4).",
    badPoint,
  ],
  [
    "bad-frame-link.txt",
    "From an unknown or cut frame on a packet is dropped; what stood before it counts (5.3).",
    badFrame,
  ],
  [
    "bad-frame-packet.txt",
    "A packet of an unknown type, or shorter than it can be, is dropped (5.1).",
    badPacket,
  ],
  ["no-hello.txt", "Frames before the sender's HELLO of the session are dropped (5.4).", noHello],
  [
    "hello-again.txt",
    "Until the peer shows that it has this side's HELLO, every packet begins with it (5.4).",
    helloAgain,
  ],
  [
    "peer-lost.txt",
    "A HELLO with another linkId resets the streams towards the applications (S2).",
    peerLost,
  ],
  ["goodbye-received.txt", "GOODBYE ends every stream of the link (5.3).", goodbyeReceived],
  ["goodbye-sent.txt", "The host ends a link: GOODBYE (5.3).", goodbyeSent],
  [
    "violation-hello.txt",
    "A HELLO out of range: PeerViolation, GOODBYE, 60 s of silence (7.5).",
    (stage) => violation(stage, [stage.link.hello({ maxPacket: 2047 })]),
  ],
  [
    "violation-hello-flight.txt",
    "A HELLO whose maxInFlight is below two packets (5.4, 7.5).",
    (stage) => violation(stage, [stage.link.hello({ maxInFlight: 4095 })]),
  ],
  [
    "violation-ack.txt",
    "An ACK beyond what was sent (7.5).",
    (stage) => violation(stage, [{ type: "ACK", stream: 0, flags: 0, next: 1n, limit: 65_536n }]),
  ],
  ["violation-parity.txt", "An OPEN with a number of this side's parity (7.5).", violationParity],
  ["violation-limit.txt", "A record beyond the limit that was granted (7.5).", violationLimit],
  ["probe-answered.txt", "PROBE is answered: ACKs of all streams, then PONG (7.2).", probeAnswered],
  [
    "link-quiet.txt",
    "A link with an open stream asks when it hears nothing for a quarter of the hold, at most 40 s (7.3).",
    quiet,
  ],
];

function flip(packet: Uint8Array, at: number): Uint8Array {
  return packet.map((byte, i) => (i === at ? byte ^ 0x40 : byte));
}

function answersProbe(stage: Stage): void {
  stage.say({ type: "PROBE", token: 0x0a0b0c0d });
  if (need(stage.data(), "PONG").token !== 0x0a0b0c0d) throw new Error("another token");
}

function badTag(stage: Stage): void {
  stage.linkAnswered();
  const packet = stage.link.packet({ type: "PROBE", token: 1 });
  for (const at of [5, 13, packet.length - 1]) {
    stage.deliver(flip(packet, at));
    stage.dropped(Status.BadTag);
  }
  expectNothing(stage.frames());
  answersProbe(stage);
}

function stale(stage: Stage): void {
  stage.linkAnswered();
  const probe: LinkFrame = { type: "PROBE", token: 1 };
  const packets = Array.from({ length: 80 }, () => stage.link.packet(probe));
  const [first, second, third] = packets as [Uint8Array, Uint8Array, Uint8Array];
  stage.deliver(second);
  need(stage.data(), "PONG");
  stage.deliver(second);
  stage.dropped(Status.Stale);
  stage.rec.note("Out of order inside the window: taken, once.");
  stage.deliver(first);
  need(stage.data(), "PONG");
  stage.deliver(first);
  stage.dropped(Status.Stale);
  stage.rec.note("A window's length further the third is too old.");
  stage.deliver(packets.at(-1) as Uint8Array);
  need(stage.data(), "PONG");
  stage.deliver(third);
  stage.dropped(Status.Stale);
  expectNothing(stage.frames());
}

function unknownIndex(stage: Stage): void {
  stage.linkAnswered();
  const packet = stage.link.packet({ type: "PROBE", token: 1 });
  const stranger = flip(packet, 4);
  stage.deliver(stranger);
  stage.dropped(Status.UnknownIndex);
  const answer = packetOf(stage.packets(), 0x15);
  if (!Buffer.from(answer.subarray(1, 5)).equals(stranger.subarray(1, 5))) throw new Error("index");
  stage.deliver(stranger);
  stage.dropped(Status.UnknownIndex);
  expectNothing(stage.packets());
  stage.pass(NO_SESSION_MS);
  stage.deliver(stranger);
  stage.dropped(Status.UnknownIndex);
  packetOf(stage.packets(), 0x15);
}

function noSession(stage: Stage): void {
  const { rec } = stage;
  stage.linkInitiated();
  const index = stage.link.session?.index ?? 0;
  const told = new Uint8Array(64);
  told[0] = 0x15;
  new DataView(told.buffer).setUint32(1, index, true);
  stage.deliver(flip(told, 1));
  stage.dropped(Status.UnknownIndex);
  stage.deliver(told);
  rec.work();
  packetOf(stage.packets(), 0x11);
  rec.note("A second one within 5 s begins nothing.");
  stage.deliver(told);
  rec.work();
  expectNothing(stage.packets());
}

function unknownName(stage: Stage): void {
  stage.hopUp();
  const names = { psk: LINK_PSK, pskName: PSK_NAME.map((byte) => byte ^ 1) };
  const far = new LinkFar("other name", { own: stage.peer, peer: stage.own, ...names });
  stage.deliver(far.message1());
  stage.dropped(Status.UnknownPeer);
  stage.rec.work();
  expectNothing(stage.packets());
}

/** Messages 1 and 2 with a peer that is not quite the one that is known; its message 3 fails. */
function failsAt3(stage: Stage, far: LinkFar, status: number): void {
  stage.hopUp();
  stage.deliver(far.message1());
  stage.rec.work();
  stage.deliver(far.message3(packetOf(stage.packets(), 0x12)));
  stage.rec.work();
  stage.dropped(status);
  expectNothing(stage.packets());
}

function unknownKey(stage: Stage): void {
  const own = { ...stage.connector, id: stage.peer.id };
  const shared = { psk: LINK_PSK, pskName: PSK_NAME };
  failsAt3(
    stage,
    new LinkFar("other key", { own, peer: stage.own, ...shared }),
    Status.UnknownPeer,
  );
}

function wrongPsk(stage: Stage): void {
  const shared = { psk: LINK_PSK.map((byte) => byte ^ 1), pskName: PSK_NAME };
  const far = new LinkFar("other psk", { own: stage.peer, peer: stage.own, ...shared });
  failsAt3(stage, far, Status.BadTag);
}

function rate(stage: Stage): void {
  stage.hopUp();
  const fresh = (i: number) => stage.newLinkFar(`rate ${i}`).message1();
  for (let i = 0; i < 4; i++) {
    stage.deliver(fresh(i));
    stage.rec.work();
    packetOf(stage.packets(), 0x12);
  }
  stage.deliver(fresh(4));
  stage.dropped(Status.HandshakeRate);
  stage.rec.work();
  expectNothing(stage.packets());
  stage.pass(NO_SESSION_MS);
  stage.deliver(fresh(5));
  stage.rec.work();
  packetOf(stage.packets(), 0x12);
}

function badHandshake(stage: Stage): void {
  stage.hopUp();
  const first = stage.link.message1();
  for (const packet of [
    flip(first, 1279),
    first.subarray(0, 1279),
    concat(first, Uint8Array.of(0)),
  ]) {
    stage.deliver(packet);
    stage.dropped(Status.BadHandshake);
  }
  stage.rec.work();
  expectNothing(stage.packets());
}

function badPoint(stage: Stage): void {
  stage.hopUp();
  stage.deliver(stage.link.message1().fill(0, 13, 45).fill(1, 13, 14));
  stage.rec.work();
  stage.dropped(Status.BadPoint);
  expectNothing(stage.packets());
}

function badFrame(stage: Stage): void {
  stage.linkAnswered();
  const probe = Uint8Array.of(0x26, 1, 2, 3, 4);
  stage.deliver(stage.link.sealed(concat(probe, Uint8Array.of(0x3f))));
  stage.dropped(Status.BadFrame);
  need(stage.data(), "PONG");
  stage.deliver(stage.link.sealed(concat(Uint8Array.of(0x3f), probe)));
  stage.dropped(Status.BadFrame);
  stage.deliver(stage.link.sealed(probe.subarray(0, 4)));
  stage.dropped(Status.BadFrame);
  expectNothing(stage.frames());
  answersProbe(stage);
}

function badPacket(stage: Stage): void {
  stage.linkAnswered();
  for (const packet of [Uint8Array.of(0x16, 1, 2, 3, 4, 5), Uint8Array.of(0x14, 1, 2, 3)]) {
    stage.deliver(packet);
    stage.dropped(Status.BadFrame);
  }
  stage.deliver(new Uint8Array(29).fill(0x14));
  stage.dropped(Status.BadFrame);
  expectNothing(stage.frames());
}

function noHello(stage: Stage): void {
  const { rec } = stage;
  stage.hopUp();
  stage.deliver(stage.link.message1());
  rec.work();
  stage.deliver(stage.link.message3(packetOf(stage.packets(), 0x12)));
  rec.work();
  need(stage.data(), "HELLO");
  stage.say({ type: "PROBE", token: 1 });
  stage.dropped(Status.NoHello);
  expectNothing(stage.frames());
  stage.say(stage.link.hello(), { type: "PROBE", token: 1 });
  need(stage.data(), "PONG");
}

function helloAgain(stage: Stage): void {
  const { rec, link } = stage;
  stage.hopUp();
  stage.deliver(link.message1());
  rec.work();
  stage.deliver(link.message3(packetOf(stage.packets(), 0x12)));
  rec.work();
  need(stage.data(), "HELLO");
  rec.note("A peer that has not opened it: zeros in the place of this side's linkId.");
  const unheard = link.hello({ yourLinkId: new Uint8Array(8) });
  stage.say(unheard, { type: "PROBE", token: 1 });
  need(stage.data(), "HELLO");
  stage.say(unheard, { type: "PROBE", token: 2 });
  need(stage.data(), "HELLO");
  stage.say(link.hello());
  stage.data();
  stage.say({ type: "PROBE", token: 3 });
  if (stage.data().some(({ type }) => type === "HELLO")) throw new Error("HELLO goes on");
}

function expectFlags(stage: Stage, flags: number): void {
  const found = stage.rec.call("stream_flags", STREAM);
  if (found !== flags) throw new Error(`flags ${found}, not ${flags}`);
}

function peerLost(stage: Stage): void {
  stage.streamOpened();
  const restarted = stage.newLinkFar("restarted");
  stage.say(stage.link.hello({ myLinkId: restarted.linkId }));
  expectClosed(stage, Reason.PeerLost);
}

function goodbyeReceived(stage: Stage): void {
  stage.streamAccepted();
  stage.say({ type: "GOODBYE", reason: Reason.Stopping });
  expectClosed(stage, Reason.Stopping);
}

function goodbyeSent(stage: Stage): void {
  stage.streamAccepted();
  stage.rec.call("link_goodbye", LINK, Reason.Stopping);
  if (need(stage.data(), "GOODBYE").reason !== Reason.Stopping) throw new Error("another reason");
  expectClosed(stage, Reason.Stopping);
}

/** The peer says what it may not: GOODBYE, then nothing of it is answered for 60 s. */
function violation(stage: Stage, frames: LinkFrame[], begin = () => stage.streamOpened()): void {
  if (stage.link.session === undefined) begin();
  const packet = stage.link.packet(...frames);
  stage.deliver(packet);
  punished(stage);
}

function punished(stage: Stage): void {
  stage.dropped(Status.PeerViolation);
  if (need(stage.data(), "GOODBYE").reason !== Reason.PeerViolation)
    throw new Error("another reason");
  expectFlags(stage, stage.rec.call("stream_flags", STREAM) | FLAG.closed);
  expectReason(stage, Reason.PeerViolation);
  stage.rec.note("For 60 s nothing is answered.");
  const next = stage.newLinkFar("after a violation");
  stage.deliver(next.message1());
  stage.dropped(Status.PeerViolation);
  stage.pass(PENALTY_MS / 2);
  stage.rec.rx(HOP, stage.hop.record({ type: "PING", token: 1 }));
  stage.frames();
  stage.pass(PENALTY_MS / 2);
  stage.rec.note("Then a handshake is.");
  stage.deliver(next.message1());
  stage.rec.work();
  packetOf(stage.packets(), 0x12);
}

function violationParity(stage: Stage): void {
  const far = stage.streamOpened();
  const ids = { bindingId: new Uint8Array(16), mappingId: new Uint8Array(16) };
  const version = { epoch: 0, serial: 0n, limit: 100n, version: 1 };
  const message = new Uint8Array(1216);
  stage.say({ type: "OPEN", stream: far.number + 2, kind: 1, ...ids, ...version, message });
  punished(stage);
}

function violationLimit(stage: Stage): void {
  const far = stage.streamAccepted();
  stage.rec.note("The application takes nothing; the peer sends on and on.");
  for (let i = 0; i < 40; i++) {
    stage.say(far.record("data", new Uint8Array(1400).fill(i)));
    if (stage.rec.call("take_drop") === Status.PeerViolation) break;
    stage.frames();
  }
  need(stage.data(), "GOODBYE");
  expectClosed(stage, Reason.PeerViolation);
}

function probeAnswered(stage: Stage): void {
  const far = stage.streamAccepted();
  stage.say(far.record("data", Buffer.from("before the probe")));
  stage.say({ type: "PROBE", token: 0x01020304 });
  const frames = stage.data();
  const types = frames.map(({ type }) => type);
  if (types.indexOf("ACK") > types.indexOf("PONG")) throw new Error("PONG before ACK");
  if (need(frames, "ACK").next !== 1n) throw new Error("another ACK");
  need(frames, "PONG");
}

function quiet(stage: Stage): void {
  stage.streamAccepted();
  stage.pass(29_000);
  if (stage.data().some(({ type }) => type === "PROBE")) throw new Error("too early");
  stage.pass(1000);
  need(stage.data(), "PROBE");
}
