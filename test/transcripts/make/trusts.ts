// SPDX-License-Identifier: Apache-2.0
// Scenes of trust: a device boots with its configuration, and its Commander or its peer changes: Routes
// that are withdrawn or pinned, peers that are revoked or rotate, the recovery key, the lease, a PSK.
// The far ends are the Commander and the peer. PROTOCOL 5.2, 10.1 to 10.6; rules T3, T8 to T12.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import {
  type Configuration,
  type ConfiguredPeer,
  type ConfiguredRoute,
  configurationHash,
} from "../../reference/configuration.ts";
import { type ControlMessage, encodeControl } from "../../reference/control.ts";
import { expectReset, expectStatus } from "./checks.ts";
import {
  acceptControlStream,
  COMMANDER,
  commanderFar,
  configurationOf,
  confirmOf,
  expectFlag,
  expectSaid,
  PAUSE_MS,
  RECOVERY,
  RECOVERY_KEY,
  reportOf,
  SIZES,
  says,
  storedOf,
  takeControlStream,
  taken,
  WANTS_STORE,
} from "./commander.ts";
import { type Identity, identityOf, LinkFar, readU32, StreamFar } from "./ends.ts";
import {
  BINDING,
  expectNothing,
  PSK_NAME as FIRST_PSK_NAME,
  FLAG,
  HOP,
  LINK,
  MAPPING,
  NO_KEY,
  need,
  needRecord,
  packetOf,
  type Scene,
  type Stage,
  sameBytes,
} from "./stage.ts";

const NO_ID = new Uint8Array(16);
const OTHER_MAPPING = new Uint8Array(16).fill(0x33);
const PSK = new Uint8Array(32).fill(8);
const PSK_NAME = new Uint8Array(8).fill(7);
const NEW_PSK = new Uint8Array(32).fill(9);
const NEW_PSK_NAME = new Uint8Array(8).fill(6);
const LEASE_EXPIRED = 1 << 16;
const PEER_KEY_CHANGED = 1 << 18;
const INFO_REASON = 10;
const STEP_MS = 20_000;
/** Below the 60 s after which a silent hop is closed. */
const LONG_STEP_MS = 50_000;
const MINUTE_MS = 60_000;
/** The Commander under a key that is installed. */
const NEXT: Identity = { ...identityOf("commander, next", 0xc0), id: COMMANDER.id };
const BYTES = new TextEncoder().encode("still here");
/** Streams of the peer: the control stream is the first. */
const [FIRST, SECOND] = [1, 2];
const options = { sizes: { ...SIZES, SEND_BLOCKS: 60 } };

export const TRUSTS: Scene[] = [
  [
    "config-in-force.txt",
    "A stored configuration is in force; STATE goes first, and others wait for CURRENT (10.3, 10.4).",
    inForce,
    options,
  ],
  [
    "route-withdrawn.txt",
    "A configuration without a Mapping ends its stream, and no other (10.3).",
    withdrawn,
    options,
  ],
  [
    "peer-revoked.txt",
    "A configuration without the peer: streams end, and it gets no answer (10.3, T10).",
    revoked,
    options,
  ],
  [
    "peer-rotated.txt",
    "A peer under its nextKey, then under that key: its stream goes on, nothing is marked (10.4, T3).",
    rotated,
    options,
  ],
  [
    "route-pinned.txt",
    "A peer's key changed unannounced: pinned Routes refuse it until the host confirms (10.4, T12).",
    pinned,
    options,
  ],
  [
    "route-pinned-stored.txt",
    "The mark of a changed key survives a restart, and goes with the confirmation (10.4, T12).",
    pinnedStored,
    options,
  ],
  [
    "report.txt",
    "Two configurations without effect make one REPORT, with the last status (10.1, F3).",
    report,
    options,
  ],
  [
    "recovery.txt",
    "The Commander is silent for ten minutes; the recovery key installs new keys (10.5, T8).",
    recovery,
    options,
  ],
  [
    "install-in-force.txt",
    "Keys that the current key installed: a new session with current', STATE with another hash (10.5).",
    installed,
    options,
  ],
  [
    "lease-expired.txt",
    "The lease ends: links are cut, until the Commander is heard again (10.6, T11).",
    lease,
    options,
  ],
  [
    "psk-replaced-responder.txt",
    "A new PSK and the one before it both count, until a session under the new one (5.2).",
    pskAnswered,
  ],
  [
    "psk-replaced-initiator.txt",
    "Two PSKs are tried in turn, until a session under the new one (5.2).",
    pskTried,
  ],
];

function peerOf(stage: Stage, change: Partial<ConfiguredPeer> = {}): ConfiguredPeer {
  const { id, key } = stage.peer;
  return { id, key, nextKey: NO_KEY, keyEpoch: 1, pskName: PSK_NAME, psk: PSK, ...change };
}

export function routeOf(stage: Stage, change: Partial<ConfiguredRoute> = {}): ConfiguredRoute {
  const rest = { holdSeconds: 120, port: 80, address: "camera.local", mappingId: NO_ID };
  return {
    id: MAPPING,
    kind: 1,
    protocol: 1,
    flags: 0,
    peers: [stage.peer.id],
    ...rest,
    ...change,
  };
}

/** Version (1, 5) with the peer and its Mapping. */
export function versionOf(stage: Stage, change: Partial<Configuration> = {}): Uint8Array {
  const usual = { id: stage.own.id, peers: [peerOf(stage)], routes: [routeOf(stage)] };
  return configurationOf(stage, { ...usual, ...change });
}

/** A device with what it has stored, on a hop under its own id. */
export function booted(stage: Stage, configuration: Uint8Array, mark = 0): void {
  const { rec } = stage;
  stage.start();
  const stored = storedOf(configuration, mark);
  rec.config(stored);
  expectStatus(rec.call("config_load", stored.length), 0);
  stage.meet(stage.dial());
}

export function stateOf(configuration: Uint8Array, serial = 5n): ControlMessage {
  return { type: "STATE", epoch: 1, serial, hash: configurationHash(configuration) };
}

/** The Commander's session and stream; it has said that the configuration is current. */
export function commanded(stage: Stage, configuration: Uint8Array): StreamFar {
  stage.turnTo(COMMANDER.id, commanderFar(stage, stage.own.id));
  stage.initiate();
  const { far, said } = takeControlStream(stage);
  expectSaid(said, stateOf(configuration));
  says(stage, far, { type: "CURRENT", epoch: 1, serial: 5n });
  return far;
}

function peerFar(stage: Stage, name = "peer", own: Identity = stage.peer): LinkFar {
  return new LinkFar(name, { own, peer: stage.own, psk: PSK, pskName: PSK_NAME });
}

/** A session that the peer began. */
export function met(stage: Stage, own: Identity = stage.peer): void {
  stage.turnTo(stage.peer.id, peerFar(stage, "peer", own));
  stage.answer();
}

/** The peer's stream of an order, connected; the core calls it `stream`. */
export function connected(
  stage: Stage,
  order: number,
  mapping = MAPPING,
  stream = order,
): StreamFar {
  const far = stage.offer(1, 2 * order - 1, mapping);
  stage.rec.call("stream_connected", stream);
  needRecord(far.take(need(stage.data(), "STREAM")), "connected");
  stage.say(far.ack());
  return far;
}

/** The Commander's next configuration is stored, in force, confirmed and reported. */
export function enforced(stage: Stage, far: StreamFar, configuration: Uint8Array, more = {}): void {
  says(stage, far, { type: "CONFIG", configuration });
  expectFlag(stage, WANTS_STORE);
  expectStatus(stage.rec.call("config_stored", 1), 0);
  stage.pass(PAUSE_MS);
  const expected = [confirmOf(configuration, 6n), reportOf(configuration, 6n, more)];
  expectSaid(taken(stage, far), ...expected);
}

function expectEnded(stage: Stage, stream: number, reason: number): void {
  if ((stage.rec.call("stream_flags", stream) & FLAG.closed) === 0) throw new Error("not closed");
  stage.rec.call("stream_info", stream);
  expectStatus(stage.rec.readArg(INFO_REASON + 1)[INFO_REASON] ?? 0, reason);
}

export function expectAlive(stage: Stage, stream: number, far: StreamFar): void {
  stage.say(far.record("data", BYTES));
  sameBytes(stage.rec.out(stream), BYTES);
}

/** Time passes on a hop whose Connector is there; gives the packets that the core sent. */
function passAlive(stage: Stage, ms: number, stepMs = STEP_MS): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let passed = 0; passed < ms; passed += stepMs) {
    stage.pass(Math.min(stepMs, ms - passed));
    stage.rec.rx(HOP, stage.hop.record({ type: "PING", token: passed }));
    stage.feed(1, `alive ${stage.ms}`);
    stage.rec.work();
    packets.push(...stage.packets());
  }
  return packets;
}

function inForce(stage: Stage): void {
  const { rec } = stage;
  const configuration = versionOf(stage);
  booted(stage, configuration);
  rec.note("Sections 1 and 2: the peer, the Mapping.");
  expectStatus(rec.call("config_count", 1), 1);
  expectStatus(rec.call("config_count", 2), 1);
  rec.work();
  const first = packetOf(stage.packets(), 0x11);
  rec.note("The peer has no answer before the Commander's word.");
  stage.turnTo(stage.peer.id, peerFar(stage));
  stage.deliver(stage.link.message1());
  stage.dropped(Status.UnknownPeer);
  rec.work();
  expectNothing(stage.packets());
  stage.turnTo(COMMANDER.id, commanderFar(stage, stage.own.id));
  stage.goOn(first);
  const { far, said } = takeControlStream(stage);
  expectSaid(said, stateOf(configuration));
  says(stage, far, { type: "CURRENT", epoch: 1, serial: 5n });
  met(stage);
  connected(stage, FIRST);
}

function withdrawn(stage: Stage): void {
  const routes = [routeOf(stage), routeOf(stage, { id: OTHER_MAPPING })];
  const configuration = versionOf(stage, { routes });
  booted(stage, configuration);
  const far = commanded(stage, configuration);
  const commander = stage.link;
  met(stage);
  const peer = stage.link;
  const first = connected(stage, FIRST);
  const second = connected(stage, SECOND, OTHER_MAPPING);
  stage.turnTo(COMMANDER.id, commander);
  enforced(stage, far, versionOf(stage, { serial: 6n, routes: routes.slice(1) }));
  stage.turnTo(stage.peer.id, peer);
  const reset = needRecord(first.take(need(stage.data(), "STREAM")), "reset");
  expectStatus(reset[0] ?? 0, Reason.Withdrawn);
  expectEnded(stage, FIRST, Reason.Withdrawn);
  expectAlive(stage, SECOND, second);
}

function revoked(stage: Stage): void {
  const configuration = versionOf(stage);
  booted(stage, configuration);
  const far = commanded(stage, configuration);
  const commander = stage.link;
  met(stage);
  connected(stage, FIRST);
  stage.turnTo(COMMANDER.id, commander);
  enforced(stage, far, versionOf(stage, { serial: 6n, peers: [], routes: [] }));
  expectEnded(stage, FIRST, Reason.Revoked);
  stage.turnTo(stage.peer.id, peerFar(stage));
  stage.deliver(stage.link.message1());
  stage.rec.work();
  expectNothing(stage.packets());
}

function rotated(stage: Stage): void {
  const { rec } = stage;
  const next = { ...identityOf("peer, rotated", 0x80), id: stage.peer.id };
  const configuration = versionOf(stage, { peers: [peerOf(stage, { nextKey: next.key })] });
  booted(stage, configuration);
  const far = commanded(stage, configuration);
  const commander = stage.link;
  met(stage, next);
  const peer = stage.link;
  const stream = connected(stage, FIRST);
  stage.turnTo(COMMANDER.id, commander);
  const peers = [peerOf(stage, { key: next.key })];
  enforced(stage, far, versionOf(stage, { serial: 6n, peers }));
  expectStatus(rec.call("peer_changed", 0), 0);
  stage.turnTo(stage.peer.id, peer);
  expectAlive(stage, FIRST, stream);
}

/** Pinned Mapping and Binding, and a Mapping that is not pinned. */
function pinnedRoutes(stage: Stage): ConfiguredRoute[] {
  const binding = { id: BINDING, kind: 2, flags: 1, mappingId: OTHER_MAPPING };
  const loose = routeOf(stage, { id: OTHER_MAPPING });
  return [routeOf(stage, { flags: 1 }), loose, routeOf(stage, binding)];
}

function pinned(stage: Stage): void {
  const { rec } = stage;
  const routes = pinnedRoutes(stage);
  const before = peerOf(stage, { key: identityOf("peer, before", 0x80).key });
  const configuration = versionOf(stage, { peers: [before], routes });
  booted(stage, configuration);
  const far = commanded(stage, configuration);
  const commander = stage.link;
  const changed = { status: Status.PeerKeyChanged, more: PEER_KEY_CHANGED };
  const next = versionOf(stage, { serial: 6n, routes });
  enforced(stage, far, next, changed);
  stage.dropped(Status.PeerKeyChanged);
  expectStatus(rec.call("peer_changed", 0), 1);
  met(stage);
  const peer = stage.link;
  rec.note(
    "The pinned Mapping refuses the peer, the other one does not; the pinned Binding refuses.",
  );
  const names = { stream: 1, kind: 1, bindingId: BINDING, mappingId: MAPPING };
  stage.say(new StreamFar(stage.link, names, true).open());
  rec.work();
  expectReset(stage.data(), 1, Reason.PeerKeyChanged);
  connected(stage, SECOND, OTHER_MAPPING, FIRST);
  rec.arg(stage.peer.id);
  const link = rec.call("link_find");
  rec.arg(BINDING, OTHER_MAPPING);
  expectStatus(rec.call("stream_open", link, 1), Status.PeerKeyChanged);
  rec.note("The host confirms the key.");
  confirmed(stage);
  stage.turnTo(COMMANDER.id, commander);
  expectSaid(taken(stage, far), reportOf(next, 6n));
  stage.turnTo(stage.peer.id, peer);
  connected(stage, 3, MAPPING, SECOND);
}

/** The host compares, confirms and stores. */
function confirmed(stage: Stage): void {
  const { rec } = stage;
  expectStatus(rec.call("peer_confirm", 0), 0);
  expectStatus(rec.call("peer_changed", 0), 0);
  expectFlag(stage, WANTS_STORE);
  expectStatus(rec.call("peer_confirm", 0), Status.BadState);
  rec.call("config_len");
  expectStatus(rec.call("config_stored", 1), 0);
  stage.pass(PAUSE_MS);
}

function pinnedStored(stage: Stage): void {
  const { rec } = stage;
  booted(stage, versionOf(stage, { routes: pinnedRoutes(stage) }), 1);
  expectStatus(rec.call("control_state"), 2 | PEER_KEY_CHANGED);
  expectStatus(rec.call("peer_changed", 0), 1);
  expectStatus(rec.call("peer_confirm", 1), Status.BadArgument);
  confirmed(stage);
  expectStatus(rec.call("control_state"), 2);
}

function report(stage: Stage): void {
  const configuration = versionOf(stage);
  booted(stage, configuration);
  const far = commanded(stage, configuration);
  const old = encodeControl({ type: "CONFIG", configuration });
  const bad = encodeControl({ type: "CONFIG", configuration: configuration.subarray(1) });
  const packets = [bad, old].map((bytes) => stage.link.packet(far.record("data", bytes)));
  stage.deliver(...packets);
  stage.pass(PAUSE_MS);
  expectSaid(taken(stage, far), reportOf(configuration, 5n, { status: Status.OldConfig }));
}

/** The control stream after attempts that failed: the device opens it when its pause is over. */
function openedLater(stage: Stage) {
  for (let waited = 0; waited < 2 * MINUTE_MS; waited += STEP_MS / 4) {
    stage.pass(STEP_MS / 4);
    stage.say({ type: "PROBE", token: waited });
    stage.rec.work();
    const open = stage.data().find((frame) => frame.type === "OPEN");
    if (open) return acceptControlStream(stage, open);
  }
  throw new Error("no control stream");
}

function recovery(stage: Stage): void {
  const { rec } = stage;
  const configuration = versionOf(stage);
  booted(stage, configuration);
  const packets = passAlive(stage, 13 * LONG_STEP_MS, LONG_STEP_MS);
  const first = packets.findLast(([type]) => type === 0x11);
  rec.note("The last message 1 is for the recovery key.");
  stage.turnTo(
    COMMANDER.id,
    commanderFar(stage, stage.own.id, {}, { ...RECOVERY, id: COMMANDER.id }),
  );
  stage.goOn(first as Uint8Array);
  const { far, said } = openedLater(stage);
  expectSaid(said, stateOf(configuration));
  rec.note("It may do nothing but INSTALL.");
  says(stage, far, { type: "CONFIG", configuration: versionOf(stage, { serial: 6n }) });
  expectStatus(rec.call("flags") & WANTS_STORE, 0);
  const keys = { current: NEXT.key, recovery: identityOf("recovery, next", 0xc0).key };
  says(stage, far, { type: "INSTALL", ...keys, epoch: 2 });
  expectFlag(stage, WANTS_STORE);
  expectStatus(rec.call("config_stored", 1), 0);
  expectStatus(rec.call("control_state"), 2);
  nextSession(stage);
}

/** The keys that were installed count: message 1 is for `current'`. */
function nextSession(stage: Stage): void {
  stage.rec.note("The next session is made with the new key.");
  stage.packets();
  stage.feed(4, "installed");
  stage.pass(PAUSE_MS);
  stage.pass(2000);
  stage.turnTo(COMMANDER.id, commanderFar(stage, stage.own.id, {}, NEXT));
  stage.initiate();
}

function installed(stage: Stage): void {
  const configuration = versionOf(stage);
  booted(stage, configuration);
  const far = commanded(stage, configuration);
  const keys = { current: NEXT.key, recovery: RECOVERY_KEY };
  says(stage, far, { type: "INSTALL", ...keys, epoch: 2 });
  expectStatus(stage.rec.call("config_stored", 1), 0);
  nextSession(stage);
  const after = versionOf(stage, { commanderKey: NEXT.key });
  expectSaid(takeControlStream(stage).said, stateOf(after), reportOf(after, 5n));
}

function lease(stage: Stage): void {
  const { rec } = stage;
  const configuration = versionOf(stage, { leaseSeconds: 60 });
  booted(stage, configuration);
  commanded(stage, configuration);
  const commander = stage.link;
  met(stage);
  connected(stage, FIRST);
  const packets = passAlive(stage, MINUTE_MS + PAUSE_MS);
  expectEnded(stage, FIRST, Reason.LeaseExpired);
  expectStatus(rec.call("control_state"), 2 | LEASE_EXPIRED);
  rec.note("The peer has been told, and gets no answer any more.");
  const { session } = stage.link;
  const frames = packets.flatMap((packet) =>
    packet[0] === 0x14 && readU32(packet, 1) === session?.index ? stage.link.open(packet) : [],
  );
  expectStatus(need(frames, "GOODBYE").reason, Reason.LeaseExpired);
  const again = peerFar(stage, "peer again");
  stage.deliver(again.message1());
  rec.work();
  if (stage.packets().some(([type]) => type === 0x12)) throw new Error("answered");
  rec.note("Anything of the Commander's brings the lease back.");
  stage.turnTo(COMMANDER.id, commander);
  stage.say({ type: "PROBE", token: 1 });
  stage.pass(PAUSE_MS);
  stage.packets();
  expectStatus(rec.call("control_state"), 2);
  stage.turnTo(stage.peer.id, again);
  stage.answer();
}

/** A peer that the host has added gets another PSK. */
function replacePsk(stage: Stage): LinkFar {
  stage.rec.arg(stage.peer.id, stage.peer.key, NO_KEY, NEW_PSK, NEW_PSK_NAME);
  expectStatus(stage.rec.call("link_add"), LINK);
  const shared = { psk: NEW_PSK, pskName: NEW_PSK_NAME };
  return new LinkFar("new psk", { own: stage.peer, peer: stage.own, ...shared });
}

function pskAnswered(stage: Stage): void {
  stage.hopUp();
  const next = replacePsk(stage);
  stage.answer();
  stage.turnTo(stage.peer.id, next);
  stage.answer();
  stage.rec.note("The one before is over.");
  stage.deliver(stage.newLinkFar("late").message1());
  stage.dropped(Status.UnknownPeer);
}

/** The name of the PSK in message 1. */
function nameIn(packet: Uint8Array): Uint8Array {
  expectStatus(packet[0] ?? 0, 0x11);
  return packet.subarray(5, 13);
}

function pskTried(stage: Stage): void {
  const { rec } = stage;
  stage.hopUp();
  const next = replacePsk(stage);
  rec.call("link_connect", LINK);
  rec.work();
  const firsts = [...stage.packets(), ...passAlive(stage, 8 * STEP_MS)];
  rec.note("The first message 1 named the PSK before, the next one names the new one.");
  sameBytes(nameIn(firsts[0] as Uint8Array), FIRST_PSK_NAME);
  sameBytes(nameIn(firsts.at(-1) as Uint8Array), NEW_PSK_NAME);
  stage.turnTo(stage.peer.id, next);
  stage.goOn(firsts.at(-1) as Uint8Array);
  rec.note("From here on none is for the one before.");
  rec.call("link_connect", LINK);
  rec.work();
  const later = [...stage.packets(), ...passAlive(stage, 2 * MINUTE_MS)];
  for (const packet of later.filter(([type]) => type === 0x11)) {
    sameBytes(nameIn(packet), NEW_PSK_NAME);
  }
}
