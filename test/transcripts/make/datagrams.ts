// SPDX-License-Identifier: Apache-2.0
// Scenes with datagram channels: opened by either side, what arrives twice, late or forged, and the
// size that fits. PROTOCOL section 8; rules U1 to U4.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import { DatagramChannel } from "../../reference/connection.ts";
import type { LinkFrame } from "../../reference/link-frames.ts";
import { expectText } from "./checks.ts";
import type { StreamFar } from "./ends.ts";
import { expectNothing, FLAG, need, type Scene, STREAM, type Stage } from "./stage.ts";

const KIND = 2;
const WINDOW = 64;
/** The handle of a second channel. */
const SECOND = 1;
const COUNT = 2n ** 32n;
/** Above the PTO after the first round trip. */
const PTO_MS = 400;
/** The least that HELLO may state: two packets. And what a record holds at the least maxRecord. */
const IN_FLIGHT = 4096;
const RECORD_LEN = 495;
/** Payload of a full Ethernet datagram. */
const ETHERNET_LEN = 1472;

export const DATAGRAMS: Scene[] = [
  ["datagram-opener.txt", "The core opens a channel and sends; the peer answers (8).", opener],
  ["datagram-accepter.txt", "The peer opens a channel and sends; the core answers (8).", accepter],
  [
    "datagram-stale.txt",
    "A datagram that came before, or is older than the window, is dropped (U2).",
    stale,
  ],
  [
    "datagram-forged.txt",
    "A datagram with a wrong tag or flow is dropped and nothing else (8).",
    forged,
  ],
  ["datagram-newest.txt", "Where the application takes none, the newest are kept (U4).", newest],
  ["datagram-too-big.txt", "What does not fit the path's maxPacket is refused (U4).", tooBig],
  [
    "datagram-age.txt",
    "What is older than the channel's age is dropped before it is sent (U4).",
    age,
  ],
  [
    "datagram-share.txt",
    "While a stream waits, datagrams in flight have half of maxInFlight, for one round trip (U4).",
    share,
    { limits: { maxRecord: 512, maxInFlight: IN_FLIGHT } },
  ],
  [
    "datagram-successor.txt",
    "After 2^32 datagrams a successor is wanted; with it the old one ends (U3).",
    successor,
  ],
  ["datagram-reset.txt", "A channel ends by the RESET frame (8).", reset],
  ["datagram-reset-lost.txt", "RESET goes beside each PROBE until one is answered (8).", resetLost],
];

type Channel = { far: StreamFar; channel: DatagramChannel };

function channelOf(far: StreamFar): Channel {
  if (!far.keys) throw new Error("the channel has no keys");
  return { far, channel: new DatagramChannel(far.keys, WINDOW) };
}

function opened(stage: Stage): Channel {
  stage.linkInitiated();
  return channelOf(stage.openAndConnect(KIND));
}

function offered(stage: Stage): Channel {
  stage.linkAnswered();
  const far = stage.offer(KIND);
  stage.rec.call("stream_connected", STREAM);
  return channelOf(far);
}

function datagram({ far, channel }: Channel, flow: number, text: string): LinkFrame {
  const { counter, sealed } = channel.seal(flow, Buffer.from(text));
  return { type: "DATAGRAM", stream: far.number, flow, counter, sealed };
}

/** The core sends this, and it opens. */
function sends(stage: Stage, { channel }: Channel, flow: number, text: string): void {
  stage.rec.datagram(STREAM, flow, Buffer.from(text));
  const frame = need(stage.data(), "DATAGRAM");
  const bytes = channel.open(frame.flow, frame.counter, frame.sealed);
  if (frame.flow !== flow || Buffer.from(bytes).toString() !== text) throw new Error("another one");
}

function takes(stage: Stage, text: string | undefined): void {
  const bytes = stage.rec.takeDatagram(STREAM);
  const found = bytes === undefined ? undefined : Buffer.from(bytes).toString();
  if (found !== text) throw new Error(`${found} instead of ${text}`);
}

function opener(stage: Stage): void {
  const channel = opened(stage);
  sends(stage, channel, 7, "question");
  sends(stage, channel, 8, "");
  stage.say(datagram(channel, 7, "answer"));
  takes(stage, "answer");
  takes(stage, undefined);
}

function accepter(stage: Stage): void {
  const channel = offered(stage);
  stage.say(datagram(channel, 65_535, "question"));
  stage.rec.call("stream_next");
  takes(stage, "question");
  sends(stage, channel, 65_535, "answer");
}

function stale(stage: Stage): void {
  const channel = offered(stage);
  const frames = Array.from({ length: 80 }, (_, i) => datagram(channel, 1, `number ${i}`));
  const [first, second] = frames as [LinkFrame, LinkFrame];
  stage.say(second);
  stage.say(second);
  stage.dropped(Status.Stale);
  takes(stage, "number 1");
  takes(stage, undefined);
  stage.say(first);
  takes(stage, "number 0");
  stage.say(frames.at(-1) as LinkFrame);
  takes(stage, "number 79");
  stage.say(frames[3] as LinkFrame);
  stage.dropped(Status.Stale);
  takes(stage, undefined);
  expectNothing(stage.data());
}

function forged(stage: Stage): void {
  const channel = offered(stage);
  const good = datagram(channel, 1, "good");
  if (good.type !== "DATAGRAM") throw new Error("no datagram");
  const sealed = good.sealed.map((byte, i) => (i === 2 ? byte ^ 1 : byte));
  for (const change of [{ sealed }, { flow: 2 }, { counter: 5n }]) {
    stage.say({ ...good, ...change });
    stage.dropped(Status.BadTag);
  }
  takes(stage, undefined);
  stage.say(good);
  takes(stage, "good");
}

function newest(stage: Stage): void {
  const channel = offered(stage);
  for (let i = 0; i < 8; i++) {
    stage.say(datagram(channel, 1, `${i}`.repeat(900)));
    stage.frames();
  }
  let last = "";
  for (let i = 0; i < 8; i++) {
    const bytes = stage.rec.takeDatagram(STREAM);
    if (bytes === undefined) break;
    last = Buffer.from(bytes.subarray(0, 1)).toString();
  }
  if (last !== "7") throw new Error(`the last one is ${last}`);
}

function tooBig(stage: Stage): void {
  const channel = opened(stage);
  const most = stage.rec.call("in_room", STREAM);
  sends(stage, channel, 1, "x".repeat(ETHERNET_LEN));
  sends(stage, channel, 1, "y".repeat(most));
  const status = stage.rec.datagram(STREAM, 1, new Uint8Array(most + 1));
  if (status !== Status.TooBig) throw new Error("it was taken");
}

function reset(stage: Stage): void {
  const channel = opened(stage);
  stage.rec.call("stream_reset", STREAM, Reason.Application);
  const frame = need(stage.data(), "RESET");
  if (frame.stream !== channel.far.number) throw new Error("another stream");
  if ((stage.rec.call("stream_flags", STREAM) & FLAG.closed) === 0) throw new Error("not closed");
  stage.say(datagram(channel, 1, "late"));
  if (stage.rec.datagram(STREAM, 1, new Uint8Array(1)) !== Status.BadState) throw new Error("open");
}

/** The classes of the packets that the core has now. */
function classes(stage: Stage): number[] {
  return stage.frames().flatMap((frame) => (frame.type === "PACKET" ? [frame.class] : []));
}

function age(stage: Stage): void {
  const channel = opened(stage);
  for (const ms of [49, 10_001]) stage.rec.call("stream_hold", STREAM, ms);
  stage.rec.call("stream_hold", STREAM, 299);
  stage.rec.datagram(STREAM, 1, Buffer.from("in time"));
  if (classes(stage).join() !== "5") throw new Error("another class");
  stage.rec.datagram(STREAM, 1, Buffer.from("old"));
  stage.pass(251);
  stage.rec.datagram(STREAM, 2, Buffer.from("new"));
  const frames = stage.data().filter((frame) => frame.type === "DATAGRAM");
  const [frame] = frames;
  if (frame?.type !== "DATAGRAM" || frames.length !== 1) throw new Error("not one datagram");
  const bytes = channel.channel.open(frame.flow, frame.counter, frame.sealed);
  if (Buffer.from(bytes).toString() !== "new") throw new Error("the old one");
}

/** DATAGRAM and STREAM frames that go out now, in short: "DDS". */
function flown(stage: Stage): string {
  const letters: Readonly<Record<string, string>> = { DATAGRAM: "D", STREAM: "S" };
  return stage
    .data()
    .map(({ type }) => letters[type] ?? "")
    .join("");
}

function share(stage: Stage): void {
  const { rec } = stage;
  stage.linkInitiated();
  stage.openAndConnect(KIND);
  const { far, open } = stage.open(1);
  stage.say(far.accept(open));
  rec.work();
  stage.say(far.record("connected"));
  stage.pass(1000);
  stage.frames();
  rec.note("Of 4,096 bytes in flight a datagram takes 980: two are the half.");
  const put = () => rec.datagram(STREAM, 1, new Uint8Array(900));
  put();
  expectText(flown(stage), "D");
  for (let i = 0; i < 3; i++) rec.in(SECOND, new Uint8Array(RECORD_LEN));
  put();
  put();
  rec.note("While records wait the third datagram stays behind, although there is room for it.");
  expectText(flown(stage), "SDSS");
  rec.note("A round trip after the first one they count no longer.");
  stage.pass(40);
  expectText(flown(stage), "D");
}

function successor(stage: Stage): void {
  const { rec } = stage;
  const old = opened(stage);
  const sealed = old.channel.sealAt(COUNT, 1, Buffer.from("one of very many"));
  stage.say({ type: "DATAGRAM", stream: old.far.number, flow: 1, counter: COUNT, sealed });
  takes(stage, "one of very many");
  stage.pass(1000);
  if (rec.call("stream_next") !== STREAM) throw new Error("no news");
  if ((rec.call("stream_flags", STREAM) & FLAG.successor) === 0) throw new Error("not wanted");
  const { far, open } = stage.open(KIND);
  stage.say(far.accept(open));
  rec.work();
  need(stage.data(), "ACK");
  const next = channelOf(far);
  stage.say(datagram(old, 1, "before the first"));
  takes(stage, "before the first");
  rec.datagram(SECOND, 1, Buffer.from("first"));
  const frame = need(stage.data(), "DATAGRAM");
  next.channel.open(frame.flow, frame.counter, frame.sealed);
  stage.pass(9999);
  stage.say(datagram(old, 1, "nine seconds later"));
  takes(stage, "nine seconds later");
  stage.pass(1);
  const { stream, reason } = need(stage.data(), "RESET");
  if (stream !== old.far.number || reason !== Reason.SessionGone) throw new Error("another RESET");
  rec.call("stream_flags", STREAM);
  rec.call("stream_flags", SECOND);
}

function resetLost(stage: Stage): void {
  const { far } = opened(stage);
  stage.rec.call("stream_reset", STREAM, Reason.Application);
  need(stage.data(), "RESET");
  stage.pass(PTO_MS);
  const frames = stage.data();
  const { reason, stream } = need(frames, "RESET");
  if (stream !== far.number || reason !== Reason.Application) throw new Error("another RESET");
  stage.say({ type: "PONG", token: need(frames, "PROBE").token, load: 0 });
  stage.pass(60_000);
  const later = stage.data().filter((frame) => frame.type === "RESET");
  expectNothing(later);
}
