// SPDX-License-Identifier: Apache-2.0
// Scenes on layer 1 and delivery: records both ways, their loss and repair, half-close, reset, windows,
// key update, refusals of OPEN. PROTOCOL 5.5, 6, 7; rules H7, D1 to D9, F1 to F4, F10, F11, S4.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import type { FrameNamed, LinkFrame } from "../../reference/link-frames.ts";
import { StreamFar } from "./ends.ts";
import {
  BINDING,
  expectNothing,
  FLAG,
  HOP,
  LINK,
  MAPPING,
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
  [
    "bad-kem-key.txt",
    "OPEN with an encapsulation key that is not reduced resets that stream (H4).",
    badKemKey,
  ],
  ["bad-tag-accept.txt", "ACCEPT that does not open resets that stream (S8).", badAccept],
  ["open-again.txt", "A repeated OPEN is answered by the same ACCEPT (5.5).", openAgain],
  ["open-lost.txt", "An OPEN that was lost is sent again, the same bytes (7.2, H7).", openLost],
  [
    "open-renumbered.txt",
    "RESET(Unknown) for an OPEN: a new number and new ephemerals (5.5).",
    openRenumbered,
  ],
  [
    "open-session-gone.txt",
    "The session of an OPEN is gone: a new number and new ephemerals under the new one (H7).",
    openSessionGone,
  ],
  [
    "open-config-behind.txt",
    "An OPEN of a newer configuration: RESET(ConfigBehind) (F11).",
    configBehind,
  ],
  [
    "open-other-version.txt",
    "An OPEN of another version or kind: RESET(BadRecord) (5.5).",
    otherVersion,
  ],
  [
    "open-old-number.txt",
    "An OPEN of a number below the highest: RESET(Unknown) (5.5).",
    oldNumber,
  ],
  [
    "open-beyond-pending.txt",
    "An OPEN beyond maxPendingOpens is not answered; the peer repeats it (5.5).",
    beyondPending,
  ],
  [
    "open-queued.txt",
    "The core opens no more at once than the peer's maxPendingOpens (5.5).",
    queued,
  ],
  [
    "no-stream-slot.txt",
    "Every stream slot is taken: NoStreamSlot for the host, RESET(TooManyStreams) for the peer.",
    noStreamSlot,
  ],
];

const text = (words: string) => Buffer.from(words);

function takeRecords(far: StreamFar, frames: readonly LinkFrame[]): string {
  const parts = frames.flatMap((frame) =>
    frame.type === "STREAM" ? [Buffer.from(needRecord(far.take(frame), "data"))] : [],
  );
  return Buffer.concat(parts).toString();
}

function expectText(found: string, expected: string): void {
  if (found !== expected) throw new Error(`"${found}" instead of "${expected}"`);
}

/** The application takes exactly this. */
function expectOut(stage: Stage, expected: string): void {
  expectText(Buffer.from(stage.rec.out(STREAM)).toString(), expected);
}

function expectClosed(stage: Stage, reason: number): void {
  const flags = stage.rec.call("stream_flags", STREAM);
  if ((flags & FLAG.closed) === 0) throw new Error(`flags ${flags}: not closed`);
  stage.rec.call("stream_info", STREAM);
  const found = stage.rec.readArg(11)[10];
  if (found !== reason) throw new Error(`reason ${found}, not ${reason}`);
}

function expectReset(frames: readonly LinkFrame[], stream: number, reason: number): void {
  const frame = need(frames, "RESET");
  if (frame.stream !== stream || frame.reason !== reason) {
    throw new Error(`RESET of ${frame.stream} with ${frame.reason}`);
  }
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

function openLike(stream: number) {
  return { stream, kind: 1, bindingId: BINDING, mappingId: MAPPING };
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
  for (let i = 0; i < 2; i++) stage.say(far.record("data", new Uint8Array(1400).fill(i)));
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

function peerOpen(stage: Stage, number = 1): FrameNamed<"OPEN"> {
  return new StreamFar(stage.link, openLike(number), true).open();
}

function badKemKey(stage: Stage): void {
  stage.linkAnswered();
  const open = peerOpen(stage);
  open.message.fill(0xff, 32);
  stage.say(open);
  stage.rec.work();
  stage.dropped(Status.BadKemKey);
  expectReset(stage.data(), 1, Reason.BadRecord);
}

function badAccept(stage: Stage): void {
  stage.linkInitiated();
  const { far, open } = stage.open(1);
  const accept = far.accept(open);
  accept.message[200] = (accept.message[200] ?? 0) ^ 1;
  stage.say(accept);
  stage.rec.work();
  stage.dropped(Status.BadTag);
  expectReset(stage.data(), far.number, Reason.BadRecord);
  expectClosed(stage, Reason.BadRecord);
}

function openAgain(stage: Stage): void {
  stage.linkAnswered();
  const open = peerOpen(stage);
  stage.say(open);
  stage.rec.note("While the answer is being computed: silence.");
  stage.say(open);
  expectNothing(stage.data());
  stage.rec.work();
  const accept = need(stage.data(), "ACCEPT");
  stage.say(open);
  const again = need(stage.data(), "ACCEPT");
  expectText(
    Buffer.from(again.message).toString("hex"),
    Buffer.from(accept.message).toString("hex"),
  );
}

function openLost(stage: Stage): void {
  stage.linkInitiated();
  const { open } = stage.open(1);
  stage.pass(PTO_FIRST_MS);
  const { token } = need(stage.data(), "PROBE");
  stage.say({ type: "PONG", token, load: 0 });
  const again = need(stage.data(), "OPEN");
  expectText(Buffer.from(again.message).toString("hex"), Buffer.from(open.message).toString("hex"));
}

function renumbered(stage: Stage, open: FrameNamed<"OPEN">): void {
  stage.rec.work();
  const again = need(stage.data(), "OPEN");
  if (again.stream <= open.stream) throw new Error(`stream ${again.stream} again`);
  if (Buffer.from(again.message).equals(open.message)) throw new Error("the same ephemerals");
  const far = new StreamFar(stage.link, again, false);
  stage.say(far.accept(again));
  stage.rec.work();
  need(stage.data(), "ACK");
}

function openRenumbered(stage: Stage): void {
  stage.linkInitiated();
  const { open } = stage.open(1);
  stage.say({ type: "RESET", stream: open.stream, reason: Reason.Unknown });
  renumbered(stage, open);
}

function openSessionGone(stage: Stage): void {
  stage.linkInitiated();
  const { open } = stage.open(1);
  stage.rec.note("The peer has restarted: its session is new, and it knows nothing of the OPEN.");
  stage.link = stage.newLinkFar("restarted");
  stage.answer();
  renumbered(stage, open);
}

function configBehind(stage: Stage): void {
  stage.linkAnswered();
  stage.say({ ...peerOpen(stage), epoch: 1 });
  expectReset(stage.data(), 1, Reason.ConfigBehind);
}

function otherVersion(stage: Stage): void {
  stage.linkAnswered();
  stage.say({ ...peerOpen(stage), version: 2 });
  expectReset(stage.data(), 1, Reason.BadRecord);
  stage.say({ ...peerOpen(stage, 3), kind: 4 });
  expectReset(stage.data(), 3, Reason.BadRecord);
}

function oldNumber(stage: Stage): void {
  stage.linkAnswered();
  stage.offer(1, 5);
  stage.say(peerOpen(stage, 3));
  expectReset(stage.data(), 3, Reason.Unknown);
}

function beyondPending(stage: Stage): void {
  stage.linkAnswered();
  const second = new StreamFar(stage.link, openLike(3), true);
  const open = second.open();
  stage.say(peerOpen(stage, 1));
  stage.say(open);
  stage.rec.work();
  const accepts = stage.data().filter(({ type }) => type === "ACCEPT");
  if (accepts.length !== 1) throw new Error(`${accepts.length} times ACCEPT`);
  stage.say({ type: "ACK", stream: 1, flags: 0, next: 0n, limit: 65_536n }, open);
  stage.rec.work();
  second.accepted(need(stage.data(), "ACCEPT"));
}

function queued(stage: Stage): void {
  const { rec, link } = stage;
  stage.linkInitiated();
  stage.say(link.hello({ maxPendingOpens: 1 }));
  for (let i = 0; i < 2; i++) {
    rec.arg(BINDING, MAPPING);
    rec.call("stream_open", LINK, 1);
  }
  rec.work();
  const opens = stage.data().flatMap((frame) => (frame.type === "OPEN" ? [frame] : []));
  if (opens.length !== 1) throw new Error(`${opens.length} times OPEN`);
  const open = opens[0] as FrameNamed<"OPEN">;
  stage.say(new StreamFar(link, open, false).accept(open));
  rec.work();
  need(stage.data(), "OPEN");
}

function noStreamSlot(stage: Stage): void {
  const { rec } = stage;
  stage.linkAnswered();
  rec.arg(BINDING, MAPPING);
  let status = 0;
  for (let i = 0; i < 20 && status >= 0; i++) status = rec.call("stream_open", LINK, 1);
  if (status !== Status.NoStreamSlot) throw new Error(`stream_open gave ${status}`);
  stage.say(peerOpen(stage));
  expectReset(stage.data(), 1, Reason.TooManyStreams);
}
