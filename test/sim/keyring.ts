// SPDX-License-Identifier: Apache-2.0
// The session keys of the simulated cores, read out of their linear memory: test-only. Where they
// stand in a link's state is found, not stated: the place whose 32 bytes open a packet that this
// link has just sealed. So a change of the core's layout changes nothing here.
// After it: wire-check.ts opens every packet of layer 2 as its receiver would.

import { readFileSync } from "node:fs";
import { openV8, type V8Engine } from "../../host/core/engine-v8.ts";
import type { SimStlink } from "../../host/net/sim/stlink.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { SimFailure } from "./failure.ts";
import { DATA_HEADER_LEN, FRAME, TAG_LEN, u32At } from "./packets.ts";

const KEY_LEN = 32;
/** More than a link's state takes up to its first session. */
const SEARCH_BYTES = 1024;

/** Offsets in a link's state. */
type Places = { peerIndex: number; sendKey: number; mine: number };

let places: Places | null = null;
/** An instance that runs no engine, for the AEAD alone. */
let scratch: V8Engine | null = null;

/** The two directions of a session, as one side holds it. */
export type HeldSession = {
  peerIndex: number;
  sendKey: Uint8Array;
  recvKey: Uint8Array;
  mine: string;
};

/** Opens a data packet with a key: its frames, or null. */
export function openPacket(key: Uint8Array, packet: Uint8Array): Uint8Array | null {
  const len = packet.length - DATA_HEADER_LEN - TAG_LEN;
  const { engine, at } = placed(key, packet, packet.subarray(DATA_HEADER_LEN));
  const genuine = engine.call(
    "prim_aead_open",
    at,
    at + 32,
    at + 48,
    DATA_HEADER_LEN,
    at + 64,
    len,
  );
  return genuine === 0 ? null : engine.read(at + 64, len);
}

/** Seals frames under the header of a data packet; for tests of the checker. */
export function sealPacket(key: Uint8Array, header: Uint8Array, plain: Uint8Array): Uint8Array {
  const { engine, at } = placed(key, header, plain);
  const { length } = plain;
  engine.call("prim_aead_seal", at, at + 32, at + 48, DATA_HEADER_LEN, at + 64, length);
  const sealed = engine.read(at + 64, length + TAG_LEN);
  return Buffer.concat([header.subarray(0, DATA_HEADER_LEN), sealed]);
}

/** Key at 0, nonce at 32, header at 48, body at 64 of the scratch region. */
function placed(
  key: Uint8Array,
  packet: Uint8Array,
  body: Uint8Array,
): { engine: V8Engine; at: number } {
  scratch ??= openV8(readFileSync(CORE_WASM));
  const at = scratch.call("prim_scratch");
  const nonce = new Uint8Array(12);
  nonce.set(packet.subarray(5, 13), 4);
  scratch.write(at, key);
  scratch.write(at + 32, nonce);
  scratch.write(at + 48, packet.subarray(0, DATA_HEADER_LEN));
  scratch.write(at + 64, body);
  return { engine: scratch, at };
}

/** Finds the places with a packet that this STLink has just sealed for the link. */
export function findPlaces(stlink: SimStlink, link: number, packet: Uint8Array): void {
  const state = stlink.core.engine.read(stlink.core.engine.call("link_ptr", link), SEARCH_BYTES);
  for (let at = 0; at + 2 * KEY_LEN <= SEARCH_BYTES; at += 4) {
    const plain = openPacket(state.subarray(at, at + KEY_LEN), packet);
    if (plain === null) continue;
    if (plain[0] !== FRAME.Hello) return;
    const peerIndex = findBefore(state, at, packet.subarray(1, 5));
    const mine = findBefore(state, at, plain.subarray(1, 9));
    places = { peerIndex, sendKey: at, mine };
    return;
  }
  throw new SimFailure("the checker finds no session key in the link's state");
}

function findBefore(state: Uint8Array, end: number, bytes: Uint8Array): number {
  for (let at = end - bytes.length; at >= 0; at -= 4) {
    if (Buffer.compare(state.subarray(at, at + bytes.length), bytes) === 0) return at;
  }
  throw new SimFailure("the checker finds no index or linkId in the link's state");
}

export function placesKnown(): boolean {
  return places !== null;
}

/** The current session's peer index of a link, 0: none. Cheap, to see a change. */
export function currentPeerIndex(stlink: SimStlink, link: number): number {
  if (places === null) return 0;
  const memory = stlink.core.engine.view?.() as Uint8Array;
  return u32At(memory, stlink.core.engine.call("link_ptr", link) + places.peerIndex);
}

/** The current session of a link. */
export function currentSession(stlink: SimStlink, link: number): HeldSession {
  const { peerIndex, sendKey, mine } = places as Places;
  const state = stlink.core.engine.read(stlink.core.engine.call("link_ptr", link), SEARCH_BYTES);
  return {
    peerIndex: u32At(state, peerIndex),
    sendKey: state.slice(sendKey, sendKey + KEY_LEN),
    recvKey: state.slice(sendKey + KEY_LEN, sendKey + 2 * KEY_LEN),
    mine: Buffer.from(state.subarray(mine, mine + 8)).toString("hex"),
  };
}
