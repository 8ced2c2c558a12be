// SPDX-License-Identifier: Apache-2.0
//
// The device's side of the control stream: it is opened to the Commander whenever there is a living session, and its
// messages are read and written here, so that a host never sees it. Before it: in-force.ts knows the Commander. After
// it: the host stores what it is asked to. Invariant: a stream counts as its session's key does; under the recovery
// key nothing but INSTALL is taken. PROTOCOL 10.1, 10.2, 10.4, 10.5; rules T3, T6 to T11.

import { due, now, since, wakeAt } from "../clock";
import { ctEqual } from "../crypto/ct";
import { wipe } from "../crypto/wipe";
import { ARG } from "../layout";
import { Hop } from "../seal/hop";
import { IDENTITY } from "../seal/identity";
import {
  COMMANDER,
  COMMANDER_RECOVERY,
  COMMANDER_TRIES,
  CURRENT as CURRENT_SESSION,
  Link,
  LinkArea,
  sessionUsable,
} from "../seal/link";
import { handshakeDrop } from "../seal/link-handshake";
import {
  REASON_APPLICATION,
  STATUS_BAD_STATE,
  STATUS_NO_BUFFER,
  STATUS_OK,
  STATUS_PEER_KEY_CHANGED,
} from "../status";
import { endStreams } from "../stream/link-rx";
import { CONFIG_VERSION } from "../stream/opening";
import {
  inCommit,
  inRoom,
  outConsume,
  outLength,
  outPtr,
  stagePtr,
  streamPump,
} from "../stream/record";
import { ptoArm } from "../stream/recovery";
import {
  STREAM_CLOSED,
  STREAM_FREE,
  STREAM_OPENING,
  STREAM_UP,
  Stream,
  streamAt,
  streamTake,
} from "../stream/stream";
import { KIND_CONTROL } from "../wire/record";
import { aboutDrop, aboutEmit, aboutLen, aboutText } from "./about";
import {
  arrivingDrop,
  configOffer,
  configStored,
  installOffer,
  peerConfirm,
  pendingLen,
  SECRET,
} from "./arriving";
import { CONFIG_LEASE } from "./configuration";
import {
  arriving,
  CONFIG_HASH,
  commander,
  commanderLink,
  config,
  configLayout,
  configMost,
  configStop,
  identityChanged,
  identityShown,
  inForceLen,
  peersMarked,
  redial,
  sessionsEnd,
  settleTick,
} from "./in-force";
import { gateClose, gateOpen, leaseExpired, leaseLeft, leaseRestart, leaseTick } from "./lease";
import {
  ABOUT,
  ACTIVATE,
  CONFIG,
  CONFIRM,
  CURRENT,
  INSTALL,
  INSTALL_LEN,
  KEY_LEN,
  MESSAGE_HEADER_LEN,
  MESSAGE_MOST,
  Message,
  REFUSED,
  RENEW,
  REPORT,
  ROTATE,
  ROTATED,
  SECRET_LEN,
  STATE,
  VERSION_LEN,
} from "./messages";

/** Times of PROTOCOL section 11. */
const ASK_MS: i32 = 600_000;
const SILENT_MS: i32 = 600_000;
const RECOVERY_MS: i32 = 60_000;
const DAY_MS: i32 = 86_400_000;
const FRESH_MS: i32 = 30_000;
const AGAIN_MS: i32 = 1000;
const AGAIN_DOUBLINGS: i32 = 6;
const MESSAGE1_TRIES: i32 = 3;

/** `controlFlags` bits, as `flags` gives them. */
const WANTS_HOP: i32 = 4;
const WANTS_STORE: i32 = 8;
const WANTS_KEY: i32 = 16;
const WANTS_REDIAL: i32 = 32;
const WANTS_RENEW: i32 = 128;

/** Messages to be written (rule F3: state, not a queue). */
const DUE_STATE: i32 = 1;
const DUE_ABOUT: i32 = 2;
const DUE_CONFIRM: i32 = 4;
const DUE_ROTATE: i32 = 8;
const DUE_REPORT: i32 = 16;

/** The key pair that `rotate` gave: private [32], public [32]. */
const NEW_IDENTITY: usize = memory.data(64, 8);

let handle: i32 = -1;
/** COMMANDER_RECOVERY when the stream's session was made with the recovery key, else 0. */
let authority: u8 = 0;
let dueMessages: i32 = 0;
/** Bytes of the message that has begun to arrive. */
let have: i32 = 0;
let tries: i32 = 0;
let againAt: i32 = 0;
let askAt: i32 = 0;
let silentAt: i32 = 0;
let triedAt: i32 = 0;
let heardPackets: u32 = 0;
let rotating: bool = false;
let keyWanted: bool = false;
/** The Commander has asked for a new key, and the host has not made one yet. */
let renewWanted: bool = false;
/** Reason of the last REFUSED, 0: none since. */
let refused: i32 = 0;
/** The last status that the host has not been told, and the last that the Commander has not. */
let lastStatus: i32 = 0;
let reportStatus: i32 = 0;

/** A new instance begins: the configuration's memory is taken. */
export function controlLayout(): void {
  configLayout();
  arrivingDrop();
  handle = -1;
  dueMessages = have = tries = refused = lastStatus = reportStatus = 0;
  heardPackets = 0;
  askAt = silentAt = triedAt = againAt = now;
}

/** The instance ends: nothing secret stays, and nothing of it is in the next one. */
export function controlStop(): void {
  wipe(NEW_IDENTITY, 64);
  rotating = keyWanted = renewWanted = false;
  aboutDrop();
  configStop();
  arrivingDrop();
}

/** What the host should do: WANTS_* bits. */
export function controlFlags(): i32 {
  let bits = commander != 0 && commanderLink().hop < 0 ? WANTS_HOP : 0;
  if (pendingLen != 0) bits |= WANTS_STORE;
  if (keyWanted) bits |= WANTS_KEY;
  if (redial) bits |= WANTS_REDIAL;
  if (renewWanted) bits |= WANTS_RENEW;
  return bits;
}

/**
 * `1 activating, 2 activated | REFUSED's reason << 8 | lease expired << 16 | recovery session << 17 | a peer's key has
 * changed << 18`; 0: neither.
 */
export function controlState(): i32 {
  const phase = inForceLen != 0 ? 2 : commander != 0 ? 1 : 0;
  const byRecovery = commander != 0 ? <i32>(commanderLink().commander & COMMANDER_RECOVERY) : 0;
  const marked = <i32>peersMarked;
  return phase | (refused << 8) | ((<i32>leaseExpired) << 16) | (byRecovery << 15) | (marked << 18);
}

/** Takes and clears why the Commander's message had no effect (BadConfig, OldConfig, NoLinkSlot, NoBuffer), or PeerKeyChanged. */
export function takeControlStatus(): i32 {
  const status = lastStatus;
  lastStatus = STATUS_OK;
  return status;
}

/** The Commander is to be asked for this side's version (rules F11, T10). */
export function controlAsk(): void {
  dueMessages |= DUE_STATE;
}

/** A hop has come up: STATE goes first, and the Commander's word is awaited. */
export function controlHopUp(hop: Hop): void {
  if (commander == 0) return;
  silentAt = now;
  if (inForceLen == 0) return;
  identityShown(hop);
  gateClose();
  controlAsk();
}

/** ARG: the new key pair, private [32], public [32], which the host has stored beside the present one (rule T3). */
export function controlRotate(): i32 {
  if (commander == 0 || inForceLen == 0) return STATUS_BAD_STATE;
  memory.copy(NEW_IDENTITY, ARG, 64);
  wipe(ARG, 32);
  rotating = true;
  renewWanted = false;
  dueMessages |= DUE_ROTATE;
  return STATUS_OK;
}

/** The host has confirmed the key of a peer of the configuration in force (rule T12). BAD_STATE: something arrives. */
export function controlConfirm(index: i32): i32 {
  return pendingLen != 0 || have != 0 ? STATUS_BAD_STATE : peerConfirm(index);
}

/** The host has stored what it was asked to: the new key as the present one, or the configuration. */
export function controlStored(ok: bool): i32 {
  if (keyWanted) {
    keyWanted = false;
    if (ok) switchKey();
    return STATUS_OK;
  }
  if (pendingLen == 0) return STATUS_BAD_STATE;
  const newer = configStored(ok);
  // Keys that INSTALL has brought have their ten minutes too.
  silentAt = now;
  dueMessages |= DUE_REPORT;
  if (peersMarked) note(STATUS_PEER_KEY_CHANGED);
  if (!newer) return STATUS_OK;
  dueMessages |= DUE_CONFIRM;
  gateOpen();
  return STATUS_OK;
}

/** The Commander is to be told how things stand, and the host why. */
function note(status: i32): void {
  lastStatus = status;
  controlReport(status);
}

/** The next REPORT says `status`: also a host's own last fault, and where there is no stream yet (10.1). */
export function controlReport(status: i32): void {
  reportStatus = status;
  dueMessages |= DUE_REPORT;
}

/** From the next handshake on this STLink shows its new key. Running sessions and streams go on. */
function switchKey(): void {
  memory.copy(IDENTITY, NEW_IDENTITY, 64);
  wipe(NEW_IDENTITY, 64);
  rotating = false;
  commanderLink().wanted = 1;
  identityChanged();
}

// Time.

/** Timers of the control plane. */
export function controlTick(): void {
  if (commander == 0) return;
  const link = commanderLink();
  if (link.hop < 0) silentAt = now;
  if (due(askAt)) controlAsk();
  if (handle < 0 && !due(againAt)) wakeAt(againAt);
  recoveryTick(link);
  if (link.initiating >= 0 && link.tries > MESSAGE1_TRIES) {
    // A device has one handshake slot: a Commander that is away must not keep it from the others.
    handshakeDrop(link);
    link.wanted = 0;
    pause();
  }
  settleTick();
  leaseTick();
  controlStep();
}

/** The recovery key is tried for a minute after 10 minutes without an answer, and once a day anyway (rule T8). */
function recoveryTick(link: Link): void {
  if (link.commander & COMMANDER_TRIES) {
    if (since(triedAt) < RECOVERY_MS) return;
    if (link.commander & COMMANDER_RECOVERY) sessionsEnd(link);
    link.commander = COMMANDER;
    link.wanted = 0;
    silentAt = now;
  } else {
    if (inForceLen == 0 || link.hop < 0 || (since(silentAt) < SILENT_MS && since(triedAt) < DAY_MS))
      return;
    triedAt = now;
    link.commander |= COMMANDER_TRIES;
    link.wanted = 1;
  }
  handshakeDrop(link);
}

/** Something was opened from the Commander under its current key: the lease is whole again. */
function heard(link: Link): void {
  heardPackets = link.packetsIn;
  if (link.commander & COMMANDER_RECOVERY) return;
  silentAt = now;
  if (inForceLen != 0) leaseRestart(load<u32>(config + <usize>CONFIG_LEASE));
}

// The stream.

/** Opens, reads and writes the control stream as far as that goes. */
export function controlStep(): void {
  if (commander == 0) return;
  const link = commanderLink();
  if (link.packetsIn != heardPackets) heard(link);
  if (handle >= 0 && !alive(link)) {
    handle = -1;
    pause();
  }
  if (handle < 0) {
    open(link);
    return;
  }
  const stream = streamAt(handle);
  if (stream.state != STREAM_UP) return;
  read(stream);
  write(stream);
}

/** True while the handle's stream is this one; a stream of the other authority ends. */
function alive(link: Link): bool {
  if (authority != (link.commander & COMMANDER_RECOVERY)) endStreams(link, REASON_APPLICATION);
  const stream = streamAt(handle);
  return (
    stream.kind == KIND_CONTROL &&
    stream.link == link.index &&
    stream.state != STREAM_FREE &&
    stream.state < STREAM_CLOSED
  );
}

/** 1, 2, 4 … 64 s until the Commander is tried again; any message of it begins anew. */
function pause(): void {
  againAt = now + (AGAIN_MS << tries);
  wakeAt(againAt);
  if (tries < AGAIN_DOUBLINGS) tries++;
}

/** Over a session on which the peer was heard lately; an OPEN into the void would hold a device's one slot. */
function open(link: Link): void {
  if (!due(againAt)) return;
  const session = LinkArea.session(link, CURRENT_SESSION);
  const usable = sessionUsable(link);
  if (!usable || !session.confirmed || since(link.heardAt) >= FRESH_MS) {
    if (!usable || since(session.bornAt) >= FRESH_MS) link.wanted = 1;
    return;
  }
  handle = streamTake(link, KIND_CONTROL, true);
  if (handle < 0) {
    againAt = now + AGAIN_MS;
    return;
  }
  const stream = streamAt(handle);
  stream.state = STREAM_OPENING;
  stream.released = 1;
  link.opening++;
  ptoArm(link);
  have = 0;
  dueMessages = DUE_STATE | (rotating ? DUE_ROTATE : 0) | (dueMessages & DUE_REPORT);
  authority = link.commander & COMMANDER_RECOVERY;
  if (authority) {
    // The recovery key came by itself or was tried: either way it has a minute.
    link.commander |= COMMANDER_TRIES;
    triedAt = now;
  }
}

/** Writes the messages that are due, one record each. */
function write(stream: Stream): void {
  while (dueMessages != 0 && inRoom(stream) >= MESSAGE_MOST) {
    const at = stagePtr();
    const body = at + MESSAGE_HEADER_LEN;
    let type = REPORT;
    let len = KEY_LEN;
    if (dueMessages & DUE_STATE) {
      askAt = now + ASK_MS;
      type = inForceLen != 0 ? STATE : ACTIVATE;
      if (type == STATE && aboutLen != 0) dueMessages |= DUE_ABOUT;
    } else if (dueMessages & DUE_ABOUT) type = ABOUT;
    else if (dueMessages & DUE_CONFIRM) type = CONFIRM;
    else if (dueMessages & DUE_ROTATE) type = ROTATE;
    if (type == ROTATE) memory.copy(body, NEW_IDENTITY + KEY_LEN, KEY_LEN);
    else if (type == ACTIVATE) {
      memory.copy(body, SECRET, SECRET_LEN);
      len = SECRET_LEN + aboutText(body + SECRET_LEN);
    } else if (type == ABOUT) len = aboutEmit(body);
    else len = version(body);
    if (type == REPORT) len = report(body, len);
    // The lowest bit is what has been written.
    dueMessages &= dueMessages - 1;
    inCommit(stream, Message.emit(at, type, len));
  }
}

/** Version and hash of what is in force. Returns their length. */
function version(at: usize): i32 {
  memory.copy(at, CONFIG_VERSION, VERSION_LEN);
  memory.copy(at + VERSION_LEN, CONFIG_HASH, 32);
  return VERSION_LEN + 32;
}

/** How things stand, behind the version: state u24, status i8, what is left of the lease u32. Returns the whole length. */
function report(at: usize, len: i32): i32 {
  at += <usize>len;
  store<i32>(at, controlState() | (reportStatus << 24));
  store<i32>(at, leaseLeft(), 4);
  reportStatus = STATUS_OK;
  return len + 8;
}

/** Takes the bytes that have come, and each message that they finish; stops while the host stores one. */
function read(stream: Stream): void {
  const begin = arriving - MESSAGE_HEADER_LEN;
  while (pendingLen == 0) {
    const whole =
      have < MESSAGE_HEADER_LEN ? MESSAGE_HEADER_LEN : MESSAGE_HEADER_LEN + Message.length(begin);
    if (have == whole) {
      have = 0;
      const status = message(
        begin + MESSAGE_HEADER_LEN,
        load<u8>(begin),
        whole - MESSAGE_HEADER_LEN,
      );
      if (status != STATUS_OK) note(status);
      continue;
    }
    const part = min<i32>(whole - have, outLength(stream));
    if (part == 0) break;
    // A message that is too long for this device is read past.
    if (whole - MESSAGE_HEADER_LEN <= configMost)
      memory.copy(begin + <usize>have, outPtr(stream), part);
    have += part;
    outConsume(stream, part);
  }
  if (stream.finTaken && outLength(stream) == 0 && !stream.finSent) {
    stream.finWanted = 1;
    streamPump(stream);
  }
}

/** Acts on one message. What has another length than its type says has no effect. */
function message(body: usize, type: u8, len: i32): i32 {
  if (authority && type != INSTALL) return STATUS_OK;
  tries = 0;
  if (type == CONFIG) {
    refused = 0;
    return len > configMost ? STATUS_NO_BUFFER : configOffer(len);
  }
  if (type == CURRENT && len == VERSION_LEN) {
    refused = 0;
    if (ctEqual(body, CONFIG_VERSION, VERSION_LEN)) gateOpen();
  } else if (type == REFUSED && len == 1) refused = <i32>load<u8>(body);
  else if (type == RENEW && len == 0) renewWanted = inForceLen != 0 && !rotating;
  else if (type == INSTALL && len == INSTALL_LEN) return installOffer(body, authority != 0);
  else if (
    type == ROTATED &&
    len == KEY_LEN &&
    rotating &&
    ctEqual(body, NEW_IDENTITY + KEY_LEN, KEY_LEN)
  )
    keyWanted = true;
  return STATUS_OK;
}
