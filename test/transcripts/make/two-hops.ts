// SPDX-License-Identifier: Apache-2.0
// Scenes with two hops at one STLink: what moves a link from one to the other, and what does not. The
// first hop (place 0) is the stage's, the second one stands here. PROTOCOL 7.6, 5.3, 4.5; rules D1, D5,
// K3, K7. Which hop wins over time, with losses, is the simulation's (two-*).

import { Reason } from "../../../host/core/abi.gen.ts";
import type { HopFrame } from "../../reference/hop-frames.ts";
import type { LinkFrame } from "../../reference/link-frames.ts";
import { HopFar, type Identity, identityOf, type StreamFar } from "./ends.ts";
import {
  afterFirst,
  expectNothing,
  HOP,
  HOP_PSK,
  LINK,
  need,
  packetOf,
  type Scene,
  type Stage,
} from "./stage.ts";

const SECOND = 1;
const DATA = 0x14;
/** Offset of the hop in what `link_info` says. */
const INFO_HOP = 4;
/** Offset in `hop_peer_ptr`: how often a link left the hop for silence. */
const PEER_SUSPECTED = 128;
/** Above the PTO after a first round trip of 40 ms. */
const PTO_MS = 200;
/** Bit 0 of a PROBE's token (5.3). */
const UNHEARD = 1;

export const TWO_HOPS: Scene[] = [
  [
    "two-hops-away.txt",
    "AWAY at one Connector moves the link to the other; at both it stays (7.6).",
    away,
  ],
  [
    "two-hops-drain.txt",
    "DRAIN moves the link to another hop, with RESUME and PROBE (7.6).",
    drain,
  ],
  ["two-hops-newer.txt", "Of two hops to one Connector the newer one wins (K7).", newer],
  [
    "two-hops-suspect.txt",
    "The third PROBE without an answer says so in bit 0; after the fourth the link moves (7.6).",
    suspect,
  ],
  [
    "two-hops-unheard.txt",
    "A PROBE with bit 0 moves the link at once, at most once per PTO (7.6).",
    unheard,
  ],
  [
    "two-hops-message-1.txt",
    "A first message 1 goes over the next hop each time it is repeated (7.6).",
    messageOne,
  ],
  [
    "two-hops-message-2.txt",
    "Message 2 goes back over the hop of message 1; after message 3 the link goes on there (7.6).",
    messageTwo,
  ],
  ["two-hops-mute.txt", "MUTE goes out on every hop that named the id (K3).", mute],
  [
    "two-hops-silent.txt",
    "A hop that is silent gets PING after 1 s; after 2 s the host dials again (K7).",
    silent,
  ],
];

/** A second hop, driven by hand as the stage's own is. */
class Line {
  readonly #stage: Stage;
  readonly #far: HopFar;
  #isNamed = false;

  constructor(stage: Stage, connector: Identity) {
    const { rec } = stage;
    this.#stage = stage;
    this.#far = new HopFar("second", { role: "connector", own: connector, psk: HOP_PSK });
    rec.arg(connector.key, HOP_PSK);
    if (rec.call("hop_open", 1 << 8) !== SECOND) throw new Error("another hop");
    rec.work();
    rec.rx(SECOND, this.#far.answer(rec.tx(SECOND)));
    rec.work();
    const third = rec.tx(SECOND);
    this.#far.answer(third);
    need(this.#far.open(afterFirst(third)), "HOP_HELLO");
    this.put(stage.welcome());
  }

  put(...frames: HopFrame[]): void {
    this.#stage.rec.rx(SECOND, this.#far.record(...frames));
  }

  /** What the core has for this Connector. */
  frames(): HopFrame[] {
    return this.#far.open(this.#stage.rec.tx(SECOND));
  }

  packets(): Uint8Array[] {
    return this.frames().flatMap((frame) => (frame.type === "PACKET" ? [frame.packet] : []));
  }

  data(): LinkFrame[] {
    const packets = this.packets().filter((packet) => packet[0] === DATA);
    return packets.flatMap((packet) => this.#stage.link.open(packet));
  }

  /** A packet from the peer, as this Connector sends it on; the first time with its name. */
  deliver(packet: Uint8Array): void {
    const frame: HopFrame = { type: "PACKET", class: 0, channel: 0, packet };
    const name: HopFrame = { type: "NAME", channel: 0, id: this.#stage.peerId };
    this.put(...(this.#isNamed ? [frame] : [name, frame]));
    this.#isNamed = true;
  }

  say(...frames: LinkFrame[]): void {
    this.deliver(this.#stage.link.packet(...frames));
  }
}

/** A connected stream over the first hop, and a second hop to another Connector. */
function connected(stage: Stage): { line: Line; far: StreamFar } {
  const far = stage.streamOpened();
  const line = new Line(stage, identityOf("second connector", 0));
  stage.rec.note(
    "A hop that comes up: what is open is said again, over the hop that the link has.",
  );
  const { token } = need(stage.data(), "PROBE");
  stage.say({ type: "PONG", token, load: 0 });
  need(line.frames(), "CREDIT");
  expectHop(stage, HOP);
  return { line, far };
}

function expectHop(stage: Stage, hop: number): void {
  stage.rec.call("link_info", LINK);
  const [found] = new Int32Array(stage.rec.readArg(INFO_HOP + 4).slice(INFO_HOP).buffer);
  if (found !== hop) throw new Error(`the link is on hop ${found}, not ${hop}`);
}

/** The link has moved here: it says so, asks, and says no more over the other hop. Gives the token. */
function expectMoved(stage: Stage, frames: readonly LinkFrame[], hop: number): number {
  need(frames, "RESUME");
  need(frames, "ACK");
  expectHop(stage, hop);
  return need(frames, "PROBE").token;
}

function away(stage: Stage): void {
  const { line, far } = connected(stage);
  stage.rec.rx(HOP, stage.hop.record({ type: "AWAY", channel: 0 }));
  expectNothing(stage.frames());
  const token = expectMoved(stage, line.data(), SECOND);
  line.say({ type: "PONG", token, load: 0 });
  stage.rec.in(0, Buffer.from("over the second Connector"));
  far.take(need(line.data(), "STREAM"));
  line.say(far.ack());
  stage.rec.note("There too: the link stays where it is.");
  stage.pass(1000);
  line.put({ type: "AWAY", channel: 0 });
  expectNothing(stage.data());
  expectHop(stage, SECOND);
  stage.rec.note("BACK at the first one: it is better again.");
  stage.rec.rx(HOP, stage.hop.record({ type: "BACK", channel: 0 }));
  expectMoved(stage, stage.data(), HOP);
}

function drain(stage: Stage): void {
  const { line, far } = connected(stage);
  stage.rec.in(0, Buffer.from("lost with the hop"));
  need(stage.data(), "STREAM");
  stage.rec.rx(HOP, stage.hop.record({ type: "DRAIN", afterMs: 5000 }));
  const token = expectMoved(stage, line.data(), SECOND);
  expectNothing(stage.frames());
  line.say({ type: "PONG", token, load: 0 });
  stage.rec.note("PONG without an ACK: what was sent over the other hop is lost.");
  far.take(need(line.data(), "STREAM"));
  line.say(far.ack());
}

function newer(stage: Stage): void {
  stage.streamOpened();
  const line = new Line(stage, stage.connector);
  expectMoved(stage, line.data(), SECOND);
  expectNothing(stage.data());
  stage.rec.note("The older one ends: nothing changes.");
  stage.rec.rx(HOP, stage.hop.record({ type: "CLOSE", reason: Reason.Superseded }));
  expectHop(stage, SECOND);
}

/** The next PROBE over the first hop, after the time-out has doubled so often. */
function nextProbe(stage: Stage, doubled: number): number {
  for (let ms = 0; ms <= PTO_MS << doubled; ms += 50) {
    stage.pass(50);
    const found = stage.data().find((frame) => frame.type === "PROBE");
    if (found) return found.token;
  }
  throw new Error("no PROBE");
}

function suspect(stage: Stage): void {
  const { line, far } = connected(stage);
  stage.rec.in(0, Buffer.from("nobody hears this"));
  far.take(need(stage.data(), "STREAM"));
  const bits = [0, 1, 2, 3].map((doubled) => nextProbe(stage, doubled) & UNHEARD);
  if (bits.join() !== "0,0,1,1") throw new Error(`bit 0 of the tokens: ${bits}`);
  stage.pass(PTO_MS << 5);
  const token = expectMoved(stage, line.data(), SECOND);
  expectNothing(stage.data());
  stage.rec.note("ConnectorSuspect is counted at the hop that was left.");
  const left = stage.rec.readAt(PEER_SUSPECTED + 1, "hop_peer_ptr", HOP)[PEER_SUSPECTED];
  if (left !== 1) throw new Error(`it left ${left} times`);
  line.say(far.ack(), { type: "PONG", token, load: 0 });
}

function unheard(stage: Stage): void {
  const { line } = connected(stage);
  stage.pass(1000);
  stage.say({ type: "PROBE", token: 2 });
  if (need(stage.data(), "PONG").token !== 2) throw new Error("another token");
  expectHop(stage, HOP);
  stage.rec.note("Bit 0: the peer has no answers. PONG goes out over the other hop.");
  stage.say({ type: "PROBE", token: 5 });
  const frames = line.data();
  if (need(frames, "PONG").token !== 5) throw new Error("another token");
  expectMoved(stage, frames, SECOND);
  expectNothing(stage.data());
  stage.rec.note("Again within the PTO: it stays.");
  stage.say({ type: "PROBE", token: 7 });
  if (need(line.data(), "PONG").token !== 7) throw new Error("another token");
  stage.pass(1000);
  line.data();
  stage.rec.note("After it: back to the first one.");
  line.say({ type: "PROBE", token: 9 });
  expectMoved(stage, stage.data(), HOP);
}

/** Two hops and a known peer, and no session. */
function strangers(stage: Stage): Line {
  stage.hopUp();
  const line = new Line(stage, identityOf("second connector", 0));
  need(line.frames(), "CREDIT");
  return line;
}

function messageOne(stage: Stage): void {
  const line = strangers(stage);
  stage.rec.call("link_connect", LINK);
  stage.rec.work();
  const first = packetOf(stage.packets(), 0x11);
  stage.pass(1200);
  const again = packetOf(line.packets(), 0x11);
  if (!Buffer.from(first).equals(again)) throw new Error("another message 1");
  expectNothing(stage.frames());
  stage.pass(2400);
  packetOf(stage.packets(), 0x11);
  expectNothing(line.frames());
  stage.rec.note("What is answered last was the first hop's: message 3 goes there.");
  stage.goOn(first);
  expectHop(stage, HOP);
}

function messageTwo(stage: Stage): void {
  const line = strangers(stage);
  expectHop(stage, HOP);
  line.deliver(stage.link.message1());
  stage.rec.work();
  const second = packetOf(line.packets(), 0x12);
  expectNothing(stage.packets());
  stage.rec.note("A message 1 alone moves nothing: it may be an old one.");
  expectHop(stage, HOP);
  line.deliver(stage.link.message3(second));
  stage.rec.work();
  need(line.data(), "HELLO");
  expectNothing(stage.packets());
  expectHop(stage, SECOND);
}

function mute(stage: Stage): void {
  const { line } = connected(stage);
  stage.rec.note("One hop alone has named the peer.");
  if (stage.rec.call("link_mute", LINK, 60) !== 1) throw new Error("not on one hop");
  const { channel, seconds } = need(stage.frames(), "MUTE");
  if (channel !== 0 || seconds !== 60) throw new Error("another MUTE");
  expectNothing(line.frames());
  line.say({ type: "PROBE", token: 2 });
  stage.data();
  if (stage.rec.call("link_mute", LINK, 600) !== 2) throw new Error("not on both hops");
  for (const frames of [stage.frames(), line.frames()]) {
    if (need(frames, "MUTE").seconds !== 600) throw new Error("another MUTE");
  }
}

function silent(stage: Stage): void {
  const { rec, hop } = stage;
  const far = stage.streamOpened();
  const asked = (ms: number): number => {
    stage.pass(ms);
    return rec.call("hop_silent", HOP);
  };
  rec.in(0, Buffer.from("no answer"));
  far.take(need(stage.data(), "STREAM"));
  if (asked(500) !== 0 || asked(500) !== 0) throw new Error("too early");
  const { token } = need(stage.frames(), "PING");
  rec.note("A Connector that answers is not silent, whether the peer answers or not.");
  rec.rx(HOP, hop.record({ type: "PONG", token }));
  stage.frames();
  if (asked(500) !== 0 || asked(500) !== 0) throw new Error("it answered");
  rec.note("One that does not is, 2 s after what was asked.");
  stage.frames();
  const silences = Array.from({ length: 12 }, () => asked(500));
  if (!silences.some((ms) => ms >= 2000)) throw new Error(`silent for ${silences} ms`);
}
