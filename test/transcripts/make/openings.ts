// SPDX-License-Identifier: Apache-2.0
// Scenes of OPEN and ACCEPT: lost, repeated, refused, out of place, too many. PROTOCOL 5.5; rules H4, H7,
// F10, F11.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import type { FrameNamed } from "../../reference/link-frames.ts";
import { expectClosed, expectReset, expectText } from "./checks.ts";
import { StreamFar } from "./ends.ts";
import { BINDING, expectNothing, LINK, MAPPING, need, type Scene, type Stage } from "./stage.ts";

/** The probe time-out before a round trip was measured. */
const PTO_FIRST_MS = 1525;

export const OPENINGS: Scene[] = [
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
    { sizes: { STREAMS: 4 } },
  ],
];

function openLike(stream: number) {
  return { stream, kind: 1, bindingId: BINDING, mappingId: MAPPING };
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
