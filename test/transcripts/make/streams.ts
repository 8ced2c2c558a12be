// SPDX-License-Identifier: Apache-2.0
// Scenes on layer 1 and delivery: records both ways, their loss and repair, half-close, reset, windows,
// key update, records that break section 6. PROTOCOL 6, 7; rules D1 to D9, F1 to F4, S4, S8.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import type { FrameNamed, LinkFrame } from "../../reference/link-frames.ts";
import { expectClosed, expectReset, expectText } from "./checks.ts";
import type { StreamFar } from "./ends.ts";
import {
  expectNothing,
  FLAG,
  HOP,
  need,
  needRecord,
  type Scene,
  STREAM,
  type Stage,
} from "./stage.ts";

const PTO_FIRST_MS = 1525;
const KEY_MS = 3_000_000;
const HOLD_MS = 120_000;

export const STREAMS: Scene[] = [
  ["stream-data.txt", "Records both ways, acknowledged (6, 7.1).", data],
  ["stream-fin.txt", "Half-close by the core, then by the peer: the clean end (6).", fin],
  [
    "stream-fin-received.txt",
    "Half-close by the peer; the core still sends, then ends (6).",
    finReceived,
  ],
  [
    "stream-fin-unknown.txt",
    "RESET(Unknown) is the clean end where only FIN is not acknowledged (5.4).",
    finUnknown,
  ],
  [
    "stream-reset-sent.txt",
    "The application resets: a RESET record, acknowledged (6, D9).",
    resetSent,
  ],
  [
    "stream-reset-received.txt",
    "A RESET record ends the stream, also ahead of missing records (6).",
    resetReceived,
  ],
  [
    "stream-reset-frame.txt",
    "A RESET frame ends the stream; it is idempotent (5.3, 5.4).",
    resetFrame,
  ],
  ["target-refused.txt", "The accepter's target refuses: RESET as record 0 (5.5).", targetRefused],
  [
    "target-refused-opener.txt",
    "The opener hears that the target refused (5.5).",
    targetRefusedOpener,
  ],
  [
    "reset-unknown.txt",
    "Frames of a stream that nobody knows are answered by RESET(Unknown), a RESET is not (5.4).",
    resetUnknown,
  ],
  [
    "limit-peer.txt",
    "The peer's limit: no record beyond it, and an ACK raises it (7.1).",
    limitPeer,
  ],
  ["limit-own.txt", "The core's limit rises as the application takes bytes (7.4).", limitOwn],
  [
    "ack-delayed.txt",
    "An ACK waits 25 ms, and a quarter of the window at most (7.2).",
    ackDelayed,
    { sizes: { WINDOW: 3072 } },
  ],
  [
    "gap.txt",
    "A record ahead of its turn is a gap: ACK with bit 0, at once; the right ones are taken (7.2).",
    gap,
  ],
  [
    "duplicate.txt",
    "A record that was taken before is acknowledged again, not opened (7.2).",
    duplicate,
  ],
  [
    "go-back.txt",
    "An ACK with a gap: the same bytes go out again, once in a round trip (D3 b, D6).",
    goBack,
  ],
  [
    "probe.txt",
    "Nothing comes back: PROBE after the time-out; PONG shows the loss (D3 c, D4).",
    probe,
  ],
  ["resume-received.txt", "RESUME: everything outstanding goes out again (D3 a).", resumeReceived],
  [
    "resume-sent.txt",
    "A new hop: ACKs of all streams, then RESUME, no handshake (7.3, S4).",
    resumeSent,
  ],
  [
    "key-update-sent.txt",
    "After 50 minutes of a direction: KEY_UPDATE, and the next record under the new key (6).",
    keyUpdateSent,
  ],
  [
    "key-update-received.txt",
    "KEY_UPDATE of the peer: what follows is under the new key (6).",
    keyUpdateReceived,
  ],
  [
    "hold-expired.txt",
    "A stream whose peer is silent is held 120 s, then reset (7.3).",
    holdExpired,
  ],
  ["hold-own.txt", "A Route may hold for another time (S4).", holdOwn],
  [
    "bad-record-tag.txt",
    "A record with a wrong tag resets its stream (S8).",
    (stage) =>
      badRecord(stage, (far) => ({
        ...far.record("data", Buffer.from("x")),
        record: new Uint8Array(40),
      })),
  ],
  [
    "bad-record-type.txt",
    "A record of an unknown type resets its stream (6).",
    (stage) => badRecord(stage, (far) => far.sealed(0x46, Buffer.from("x"))),
  ],
  ["bad-record-after-fin.txt", "DATA after FIN resets the stream (6).", afterFin],
  [
    "bad-record-connected.txt",
    "An accepter's first record that is not CONNECTED resets the stream (6).",
    noConnected,
  ],
  [
    "bad-record-empty.txt",
    "DATA without bytes resets the stream (6).",
    (stage) => badRecord(stage, (far) => far.record("data")),
  ],
];

const text = (words: string) => Buffer.from(words);

function takeRecords(far: StreamFar, frames: readonly LinkFrame[]): string {
  const parts = frames.flatMap((frame) =>
    frame.type === "STREAM" ? [Buffer.from(needRecord(far.take(frame), "data"))] : [],
  );
  return Buffer.concat(parts).toString();
}

/** The application takes exactly this. */
function expectOut(stage: Stage, expected: string): void {
  expectText(Buffer.from(stage.rec.out(STREAM)).toString(), expected);
}

function data(stage: Stage): void {
  const far = stage.streamOpened();
  stage.rec.in(STREAM, text("one"));
  stage.rec.in(STREAM, text("two"));
  expectText(takeRecords(far, stage.data()), "onetwo");
  stage.say(far.ack());
  stage.say(far.record("data", text("three")));
  stage.say(far.record("data", text("four")));
  expectOut(stage, "threefour");
  stage.pass(25);
  if (need(stage.data(), "ACK").next !== 3n) throw new Error("another ACK");
}

function fin(stage: Stage): void {
  const far = stage.streamOpened();
  stage.rec.in(STREAM, text("last"));
  stage.rec.call("stream_fin", STREAM);
  const [first, second] = stage.data().filter((frame) => frame.type === "STREAM");
  needRecord(far.take(first as FrameNamed<"STREAM">), "data");
  needRecord(far.take(second as FrameNamed<"STREAM">), "fin");
  stage.say(far.ack());
  stage.say(far.record("data", text("still here")));
  stage.say(far.record("fin"));
  stage.rec.call("stream_flags", STREAM);
  expectOut(stage, "still here");
  expectClosed(stage, 0);
  need(stage.data(), "ACK");
  stage.rec.call("stream_release", STREAM);
}

function finReceived(stage: Stage): void {
  const far = stage.streamAccepted();
  stage.say(far.record("fin"));
  if ((stage.rec.call("stream_flags", STREAM) & FLAG.fin) === 0) throw new Error("no FIN");
  need(stage.data(), "ACK");
  stage.rec.in(STREAM, text("answer"));
  stage.rec.call("stream_fin", STREAM);
  const frames = stage.data().filter((frame) => frame.type === "STREAM");
  for (const frame of frames) far.take(frame as FrameNamed<"STREAM">);
  stage.say(far.ack());
  expectClosed(stage, 0);
}

function finUnknown(stage: Stage): void {
  const far = stage.streamAccepted();
  stage.say(far.record("fin"));
  need(stage.data(), "ACK");
  stage.rec.call("stream_fin", STREAM);
  need(stage.data(), "STREAM");
  stage.say({ type: "RESET", stream: far.number, reason: Reason.Unknown });
  expectClosed(stage, 0);
}

function resetSent(stage: Stage): void {
  const far = stage.streamOpened();
  stage.rec.in(STREAM, text("never sent"));
  stage.rec.call("stream_reset", STREAM, Reason.Application);
  const frame = need(stage.data(), "STREAM");
  if (frame.stream !== far.number || frame.number !== 1n) throw new Error("another record");
  stage.say({ ...far.ack({ next: 2n }) });
  expectClosed(stage, Reason.Application);
}

function resetReceived(stage: Stage): void {
  const far = stage.streamOpened();
  far.record("data", text("lost"));
  stage.say(far.record("reset", Uint8Array.of(Reason.Application)));
  expectClosed(stage, Reason.Application);
}

function resetFrame(stage: Stage): void {
  const far = stage.streamOpened();
  const reset: LinkFrame = { type: "RESET", stream: far.number, reason: Reason.Revoked };
  stage.say(reset);
  expectClosed(stage, Reason.Revoked);
  stage.say(reset);
  expectNothing(stage.data());
}

function targetRefused(stage: Stage): void {
  stage.linkAnswered();
  const far = stage.offer(1);
  stage.rec.call("stream_reset", STREAM, Reason.TargetRefused);
  const bytes = needRecord(far.take(need(stage.data(), "STREAM")), "reset");
  if (bytes[0] !== Reason.TargetRefused) throw new Error("another reason");
  stage.say(far.ack());
  expectClosed(stage, Reason.TargetRefused);
}

function targetRefusedOpener(stage: Stage): void {
  stage.linkInitiated();
  const { far, open } = stage.open(1);
  stage.say(far.accept(open));
  stage.rec.work();
  need(stage.data(), "ACK");
  stage.say(far.record("reset", Uint8Array.of(Reason.TargetRefused)));
  expectClosed(stage, Reason.TargetRefused);
}

function resetUnknown(stage: Stage): void {
  stage.linkAnswered();
  stage.say({ type: "STREAM", stream: 9, number: 0n, record: new Uint8Array(30) });
  expectReset(stage.data(), 9, Reason.Unknown);
  stage.say({ type: "ACK", stream: 11, flags: 0, next: 0n, limit: 0n });
  expectReset(stage.data(), 11, Reason.Unknown);
  stage.say({ type: "RESET", stream: 13, reason: Reason.Application });
  expectNothing(stage.data());
}

function limitPeer(stage: Stage): void {
  const { rec } = stage;
  const far = stage.streamOpened(1000n);
  rec.in(STREAM, new Uint8Array(600).fill(1));
  takeRecords(far, stage.data());
  if (rec.call("in_room", STREAM) !== 400) throw new Error("another room");
  if (rec.in(STREAM, new Uint8Array(401)) !== Status.BadLength) throw new Error("beyond the limit");
  rec.in(STREAM, new Uint8Array(400).fill(2));
  takeRecords(far, stage.data());
  if (rec.call("in_room", STREAM) !== 0) throw new Error("another room");
  stage.say(far.ack({ limit: 1100n }));
  if (rec.call("in_room", STREAM) !== 100) throw new Error("another room");
  rec.note("A limit that falls is ignored.");
  stage.say(far.ack({ limit: 900n }));
  if (rec.call("in_room", STREAM) !== 100) throw new Error("another room");
}

function limitOwn(stage: Stage): void {
  const far = stage.streamOpened();
  for (let i = 0; i < 2; i++) stage.say(far.record("data", new Uint8Array(760).fill(i)));
  stage.pass(25);
  const { limit } = need(stage.data(), "ACK");
  stage.rec.out(STREAM);
  const raised = need(stage.data(), "ACK");
  if (raised.limit <= limit) throw new Error(`limit ${raised.limit} after ${limit}`);
}

function ackDelayed(stage: Stage): void {
  const far = stage.streamOpened();
  stage.say(far.record("data", text("little")));
  expectNothing(stage.data());
  stage.pass(24);
  expectNothing(stage.data());
  stage.pass(1);
  need(stage.data(), "ACK");
  stage.say(far.record("data", new Uint8Array(1460)));
  stage.say(far.record("data", new Uint8Array(1460)));
  need(stage.data(), "ACK");
}

function gap(stage: Stage): void {
  const far = stage.streamOpened();
  const first = far.record("data", text("first "));
  const second = far.record("data", text("second"));
  stage.say(second);
  const ack = need(stage.data(), "ACK");
  if (ack.next !== 1n || ack.flags !== 1) throw new Error("another ACK");
  stage.say(first);
  stage.say(second);
  expectOut(stage, "first second");
}

function duplicate(stage: Stage): void {
  const far = stage.streamOpened();
  const record = far.record("data", text("once"));
  stage.say(record);
  stage.say(record);
  if (need(stage.data(), "ACK").next !== 2n) throw new Error("another ACK");
  expectOut(stage, "once");
}

function sameRecords(found: readonly LinkFrame[], expected: readonly LinkFrame[]): void {
  const records = (frames: readonly LinkFrame[]) =>
    frames.flatMap((frame) =>
      frame.type === "STREAM"
        ? [`${frame.number} ${Buffer.from(frame.record).toString("hex")}`]
        : [],
    );
  if (records(expected).length === 0) throw new Error("no record at all");
  expectText(records(found).join(), records(expected).join());
}

function goBack(stage: Stage): void {
  const { rec } = stage;
  const far = stage.streamOpened();
  for (const words of ["one", "two", "three"]) rec.in(STREAM, text(words));
  const sent = stage.data();
  far.take(sent.find((frame) => frame.type === "STREAM") as FrameNamed<"STREAM">);
  stage.say(far.ack({ flags: 1 }));
  sameRecords(stage.data(), sent.slice(1));
  rec.note("Within the round trip the same report changes nothing.");
  stage.say(far.ack({ flags: 1 }));
  expectNothing(stage.data());
  stage.pass(500);
  stage.say(far.ack({ flags: 1 }));
  sameRecords(stage.data(), sent.slice(1));
}

function probe(stage: Stage): void {
  const { rec } = stage;
  stage.streamOpened();
  rec.in(STREAM, text("lost"));
  const sent = stage.data();
  stage.pass(PTO_FIRST_MS);
  const { token } = need(stage.data(), "PROBE");
  rec.note("A PONG of another token says nothing.");
  stage.say({ type: "PONG", token: (token ^ 1) >>> 0, load: 0 });
  expectNothing(stage.data());
  stage.say({ type: "PONG", token, load: 0 });
  sameRecords(stage.data(), sent);
}

function resumeReceived(stage: Stage): void {
  stage.streamOpened();
  stage.rec.in(STREAM, text("was on the way"));
  const sent = stage.data();
  stage.say({ type: "RESUME" });
  sameRecords(stage.data(), sent);
}

function resumeSent(stage: Stage): void {
  const { rec } = stage;
  const far = stage.streamOpened();
  rec.in(STREAM, text("was on the way"));
  const sent = stage.data();
  const frames = stage
    .redial("second")
    .flatMap((frame) => (frame.type === "PACKET" ? stage.link.open(frame.packet) : []));
  const types = frames.map(({ type }) => type);
  if (types.indexOf("ACK") > types.indexOf("RESUME")) throw new Error("RESUME before ACK");
  need(frames, "ACK");
  need(frames, "RESUME");
  const { token } = need(frames, "PROBE");
  stage.say({ type: "PONG", token, load: 0 });
  sameRecords(stage.data(), sent);
  stage.say(far.ack({ next: 1n }));
}

/** The peer speaks now and then; hop and session are renewed where they get too old. */
function live(stage: Stage, ms: number): void {
  for (let left = ms; left > 0; left -= 55_000) {
    stage.pass(Math.min(left, 55_000));
    stage.say({ type: "PROBE", token: left });
    stage.packets();
  }
}

function keyUpdateSent(stage: Stage): void {
  const { rec } = stage;
  const far = stage.streamOpened();
  live(stage, KEY_MS - 200_000);
  stage.redial("renewed");
  live(stage, 210_000);
  rec.in(STREAM, text("old key"));
  rec.in(STREAM, text("new key"));
  const frames = stage.data().filter((frame) => frame.type === "STREAM");
  const types = frames.map((frame) => far.take(frame as FrameNamed<"STREAM">).type.toString(16));
  expectText(types.join(), "41,44,41");
}

function keyUpdateReceived(stage: Stage): void {
  const far = stage.streamOpened();
  stage.say(far.record("data", text("old key, ")));
  stage.say(far.record("keyUpdate"));
  stage.say(far.record("data", text("new key")));
  expectOut(stage, "old key, new key");
}

/** The hop lives, the peer is silent. */
function silence(stage: Stage, ms: number): void {
  for (let left = ms; left > 0; left -= 50_000) {
    stage.pass(Math.min(left, 50_000));
    stage.rec.rx(HOP, stage.hop.record({ type: "PING", token: left }));
    stage.frames();
  }
}

function holdExpired(stage: Stage): void {
  stage.streamOpened();
  silence(stage, HOLD_MS - 1000);
  if (stage.rec.call("stream_flags", STREAM) & FLAG.closed) throw new Error("too early");
  stage.pass(1000);
  expectClosed(stage, Reason.HoldExpired);
}

function holdOwn(stage: Stage): void {
  stage.streamOpened();
  stage.rec.call("stream_hold", STREAM, 4000);
  stage.pass(3900);
  if (stage.rec.call("stream_flags", STREAM) & FLAG.closed) throw new Error("too early");
  stage.pass(100);
  expectClosed(stage, Reason.HoldExpired);
}

function badRecord(stage: Stage, record: (far: StreamFar) => LinkFrame): void {
  const far = stage.streamOpened();
  stage.say(record(far));
  stage.dropped(Status.BadRecord);
  expectReset(stage.data(), far.number, Reason.BadRecord);
  expectClosed(stage, Reason.BadRecord);
}

function afterFin(stage: Stage): void {
  badRecord(stage, (far) => {
    stage.say(far.record("fin"));
    stage.frames();
    return far.record("data", text("too late"));
  });
}

function noConnected(stage: Stage): void {
  stage.linkInitiated();
  const { far, open } = stage.open(1);
  stage.say(far.accept(open));
  stage.rec.work();
  need(stage.data(), "ACK");
  stage.say(far.record("data", text("before CONNECTED")));
  expectReset(stage.data(), far.number, Reason.BadRecord);
  expectClosed(stage, Reason.BadRecord);
}
