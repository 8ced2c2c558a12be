// SPDX-License-Identifier: Apache-2.0
// Scenes on layer 3 with the core as an STLink: every frame of a hop, and every way to spoil one. An
// error of this layer ends the hop and nothing else. PROTOCOL section 4; rules S8, F9, K7, T6.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import { concat } from "../../reference/bytes.ts";
import { seededRandom } from "../../reference/random.ts";
import { framed, HopFar } from "./ends.ts";
import {
  afterFirst,
  expectNothing,
  HOP,
  LINK,
  NO_KEY,
  need,
  type Scene,
  type Stage,
} from "./stage.ts";

const HOP_STATE_CLOSED = 5;
const IDLE_MS = 25_000;
const SILENT_MS = 60_000;

export const HOPS: Scene[] = [
  [
    "hop-ticket.txt",
    "A device that is not activated shows its code's id and ticket behind HOP_HELLO (4.2, 10.2).",
    ticket,
  ],
  ["hop-refused.txt", "REFUSED ends the hop; the host reads the reason (4.2, K5).", refused],
  [
    "hop-ping.txt",
    "PING is answered; after 25 s without a record the core sends one; after 60 s of silence the hop is over (4.5).",
    ping,
  ],
  [
    "hop-close-received.txt",
    "CLOSE from the Connector ends the hop; the link finds none until the host dials (4.2).",
    closeReceived,
  ],
  ["hop-close-sent.txt", "The host ends a hop: CLOSE is the last record (4.2).", closeSent],
  ["hop-drain.txt", "DRAIN is taken; the hop goes on (4.2).", drain],
  ["hop-mute.txt", "The host has an id muted that the Connector named (4.2, K3).", mute],
  [
    "hop-hints.txt",
    "AWAY, BACK and DROPPED may hasten or slow a PROBE, and do nothing else (7.2, D5).",
    hints,
  ],
  ["hop-credit.txt", "Credit comes back before the Connector lacks it (4.5, F2).", credit],
  ["hop-padding.txt", "What stands behind a padding byte is ignored (4.1).", padding],
  ["bad-version.txt", "A handshake body of another version closes the hop.", badVersion],
  ["bad-handshake-hop.txt", "A handshake message of another length closes the hop.", badHandshake],
  ["bad-point-hop.txt", "A DH result of zero ends the handshake (H4).", badPoint],
  [
    "bad-tag-hop.txt",
    "A wrong tag closes the hop, and what comes after it is not read (S8).",
    badTag,
  ],
  ["bad-tag-hop-handshake.txt", "A wrong tag in message 2 closes the hop (S8).", badTagHandshake],
  ["bad-length-hop.txt", "A body shorter than a tag and a byte closes the hop.", badLength],
  ["bad-length-hop-long.txt", "A body longer than the buffer closes the hop.", badLengthLong],
  [
    "bad-frame-hop-unknown.txt",
    "An unknown frame closes the hop.",
    (stage) => badFrame(stage, Uint8Array.of(0x7f)),
  ],
  [
    "bad-frame-hop-cut.txt",
    "A frame that is cut short closes the hop.",
    (stage) => badFrame(stage, Uint8Array.of(0x07, 1, 2)),
  ],
  [
    "bad-frame-hop-way.txt",
    "A frame that travels the wrong way closes the hop.",
    (stage) => badFrame(stage, concat(Uint8Array.of(0x06), new Uint8Array(8))),
  ],
  ["bad-frame-hop-welcome.txt", "A second WELCOME closes the hop.", secondWelcome],
  ["bad-frame-hop-early.txt", "PACKET before WELCOME closes the hop.", earlyPacket],
  [
    "bad-frame-hop-name.txt",
    "NAME of a channel beyond the receiver's closes the hop.",
    (stage) => badFrame(stage, concat(Uint8Array.of(0x05, 5, 0), new Uint8Array(16).fill(1))),
  ],
  ["too-big-hop.txt", "A packet above the receiver's maxPacket (F9).", tooBig],
  [
    "peer-violation-hop.txt",
    "A Connector that sends beyond the credit is at fault (4.5).",
    beyondCredit,
    { sizes: { HOP_CREDIT: 2048 } },
  ],
  ["hop-handshake-late.txt", "A handshake that takes 10 s is given up (K4).", late],
];

function expectClosed(stage: Stage, status: number): void {
  const found = stage.rec.call("hop_status", HOP);
  if (found !== status) throw new Error(`the hop's status is ${found}, not ${status}`);
  expectState(stage, HOP_STATE_CLOSED);
  if (stage.rec.tx(HOP).length > 0) throw new Error("a hop that failed writes on");
}

function expectState(stage: Stage, state: number): number {
  const word = stage.rec.call("hop_state", HOP);
  if ((word & 0xff) !== state) throw new Error(`the hop is in state ${word & 0xff}, not ${state}`);
  return word >> 8;
}

function ticket(stage: Stage): void {
  const { rec } = stage;
  const [codeId, shown] = [seededRandom("code id")(8), seededRandom("ticket")(32)];
  stage.hop = new HopFar("ticket", { role: "connector", own: stage.connector });
  stage.start();
  rec.arg(stage.connector.key, NO_KEY, codeId, shown);
  rec.call("hop_open", 1);
  rec.work();
  rec.rx(HOP, stage.hop.answer(rec.tx(HOP)));
  rec.work();
  const third = rec.tx(HOP);
  stage.hop.answer(third);
  const frames = stage.hop.open(afterFirst(third));
  const found = need(frames, "TICKET");
  if (frames[0]?.type !== "HOP_HELLO") throw new Error("TICKET is not behind HOP_HELLO");
  if (!Buffer.from(found.ticket).equals(shown)) throw new Error("another ticket");
}

function refused(stage: Stage): void {
  const { rec } = stage;
  stage.start();
  rec.rx(HOP, stage.hop.answer(stage.dial()));
  rec.work();
  stage.hop.answer(rec.tx(HOP));
  rec.rx(HOP, stage.hop.record({ type: "REFUSED", reason: Reason.NotAdmitted }));
  if (expectState(stage, HOP_STATE_CLOSED) % 256 !== Reason.NotAdmitted) throw new Error("reason");
}

function ping(stage: Stage): void {
  const { rec, hop } = stage;
  stage.hopUp();
  rec.rx(HOP, hop.record({ type: "PING", token: 0x01020304 }));
  if (need(stage.frames(), "PONG").token !== 0x01020304) throw new Error("another token");
  stage.pass(IDLE_MS);
  const { token } = need(stage.frames(), "PING");
  rec.rx(HOP, hop.record({ type: "PONG", token }));
  expectNothing(stage.frames());
  stage.pass(SILENT_MS);
  expectState(stage, HOP_STATE_CLOSED);
}

function closeReceived(stage: Stage): void {
  stage.streamOpened();
  stage.rec.rx(HOP, stage.hop.record({ type: "CLOSE", reason: Reason.Superseded }));
  if (expectState(stage, HOP_STATE_CLOSED) % 256 !== Reason.Superseded) throw new Error("reason");
  stage.pass(1);
  stage.rec.note("Bit 2: a link has something to say and no hop.");
  if ((stage.rec.call("flags") & 4) === 0) throw new Error("no hop is wanted");
}

function closeSent(stage: Stage): void {
  stage.hopUp();
  stage.rec.call("hop_close", HOP, Reason.Draining);
  need(stage.frames(), "CLOSE");
  expectState(stage, HOP_STATE_CLOSED);
}

function drain(stage: Stage): void {
  stage.hopUp();
  stage.rec.rx(HOP, stage.hop.record({ type: "DRAIN", afterMs: 5000 }));
  stage.rec.rx(HOP, stage.hop.record({ type: "PING", token: 9 }));
  need(stage.frames(), "PONG");
}

function mute(stage: Stage): void {
  stage.linkAnswered();
  stage.rec.call("link_mute", LINK, 60);
  const { channel, seconds } = need(stage.frames(), "MUTE");
  if (channel !== 0 || seconds !== 60) throw new Error("another MUTE");
}

function hints(stage: Stage): void {
  const { rec, hop } = stage;
  const far = stage.streamOpened();
  rec.in(0, Buffer.from("lost on the way"));
  far.take(need(stage.data(), "STREAM"));
  rec.note("DROPPED: the probe time-out fires now.");
  rec.rx(HOP, hop.record({ type: "DROPPED", channel: 0, reason: Reason.QueueFull, count: 1 }));
  stage.pass(0);
  const { token } = need(stage.data(), "PROBE");
  stage.say({ type: "PONG", token, load: 0 });
  need(stage.data(), "STREAM");
  rec.note("AWAY: the next one comes later. BACK: now.");
  rec.rx(HOP, hop.record({ type: "AWAY", channel: 0 }));
  stage.pass(1000);
  rec.rx(HOP, hop.record({ type: "BACK", channel: 0 }));
  stage.pass(0);
  need(stage.data(), "PROBE");
  rec.note("Of a channel that nobody named: nothing.");
  rec.rx(HOP, hop.record({ type: "BACK", channel: 3 }));
  stage.pass(0);
  expectNothing(stage.frames());
}

function credit(stage: Stage): void {
  stage.linkAnswered();
  const totals: bigint[] = [];
  for (let i = 0; i < 8; i++) {
    stage.deliver(stage.link.sealed(concat(Uint8Array.of(0x28), new Uint8Array(1900))));
    for (const frame of stage.frames()) if (frame.type === "CREDIT") totals.push(frame.total);
  }
  if (totals.length < 2) throw new Error(`CREDIT came ${totals.length} times`);
}

function padding(stage: Stage): void {
  stage.hopUp();
  const ping1 = concat(Uint8Array.of(0x07, 1, 0, 0, 0), new Uint8Array(50));
  stage.rec.rx(HOP, stage.hop.sealed(ping1));
  need(stage.frames(), "PONG");
}

/** Message 1 is out and the answer is ready. */
function half(stage: Stage): Uint8Array {
  stage.start();
  return stage.hop.answer(stage.dial());
}

function badVersion(stage: Stage): void {
  const second = half(stage);
  second[2] = 2;
  stage.rec.rx(HOP, second);
  expectClosed(stage, Status.BadVersion);
}

function badHandshake(stage: Stage): void {
  const second = half(stage);
  stage.rec.rx(HOP, framed(second.subarray(2, 1000)));
  expectClosed(stage, Status.BadHandshake);
}

function badPoint(stage: Stage): void {
  const second = half(stage);
  stage.rec.rx(HOP, second.fill(0, 3, 35));
  stage.rec.work();
  expectClosed(stage, Status.BadPoint);
}

function badTagHandshake(stage: Stage): void {
  const second = half(stage);
  second[600] = (second[600] ?? 0) ^ 0x10;
  stage.rec.rx(HOP, second);
  stage.rec.work();
  expectClosed(stage, Status.BadTag);
}

function badTag(stage: Stage): void {
  stage.streamOpened();
  const record = stage.hop.record({ type: "PING", token: 1 });
  record[20] = (record[20] ?? 0) ^ 1;
  stage.rec.rx(HOP, record, stage.hop.record({ type: "PING", token: 2 }));
  expectClosed(stage, Status.BadTag);
  stage.rec.note("The link and its stream live.");
  const frames = stage.redial("after a bad tag");
  if (!frames.some(({ type }) => type === "PACKET")) throw new Error("the link says nothing");
}

function badLength(stage: Stage): void {
  stage.hopUp();
  stage.rec.rx(HOP, framed(new Uint8Array(16)));
  expectClosed(stage, Status.BadLength);
}

function badLengthLong(stage: Stage): void {
  stage.hopUp();
  stage.rec.rx(HOP, Uint8Array.of(0xff, 0xff, 0));
  expectClosed(stage, Status.BadLength);
}

function badFrame(stage: Stage, plaintext: Uint8Array): void {
  stage.hopUp();
  stage.rec.rx(HOP, stage.hop.sealed(plaintext));
  expectClosed(stage, Status.BadFrame);
}

function secondWelcome(stage: Stage): void {
  stage.hopUp();
  stage.rec.rx(HOP, stage.hop.record(stage.welcome()));
  expectClosed(stage, Status.BadFrame);
}

function earlyPacket(stage: Stage): void {
  const { rec } = stage;
  rec.rx(HOP, half(stage));
  rec.work();
  stage.hop.answer(rec.tx(HOP));
  rec.rx(
    HOP,
    stage.hop.record({ type: "PACKET", class: 0, channel: 0, packet: new Uint8Array(64) }),
  );
  expectClosed(stage, Status.BadFrame);
}

function tooBig(stage: Stage): void {
  stage.hopUp();
  stage.deliver(new Uint8Array(2049));
  stage.rec.call("hop_status", HOP);
  stage.rec.call("take_drop");
}

function beyondCredit(stage: Stage): void {
  stage.hopUp();
  stage.rec.note("The credit is 2,048 bytes.");
  stage.deliver(new Uint8Array(2100));
  expectClosed(stage, Status.PeerViolation);
}

function late(stage: Stage): void {
  stage.start();
  stage.dial();
  stage.pass(10_000);
  expectState(stage, HOP_STATE_CLOSED);
}
