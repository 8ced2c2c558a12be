// SPDX-License-Identifier: Apache-2.0
// Application bytes through a tunnel (tunnel.ts) in bursts, each part of the way by itself, so that a
// bench can charge it alone: seal (three layers, at the sender), open (three layers, at the
// receiver), and what acknowledging costs both. The Connector's part belongs to nobody.
// Every record is sent alone, in a packet and a hop record of its own: nothing shares its framing.

import type { Core } from "../../host/core/core.ts";
import type { Flow, Station, Tunnel } from "./tunnel.ts";

/** The bytes of a burst on the wire, and how many payload bytes are in them. */
export type Sealed = { wire: Uint8Array[]; payloadBytes: number; recordCount: number };

/** `acknowledge` is what the receiver does for it, `acknowledged` the sender. */
export type Part = "seal" | "open" | "acknowledge" | "acknowledged";

/** Runs a part of a burst and charges it to someone. */
export type Charge = <T>(part: Part, run: () => T) => T;

/** Seals `payload` as records until `count` are sent or the window is full. */
export function seal(flow: Flow, payload: Uint8Array, count: number): Sealed {
  const { core, hop } = flow.from;
  const wire: Uint8Array[] = [];
  let recordCount = 0;
  while (recordCount < count && core.inRoom(flow.sending) >= payload.length) {
    core.streamPut(flow.sending, payload);
    for (let bytes = core.hopTake(hop); bytes.length > 0; bytes = core.hopTake(hop)) {
      wire.push(bytes);
    }
    recordCount += 1;
  }
  return { wire, payloadBytes: recordCount * payload.length, recordCount };
}

/** Opens what arrives; returns how many payload bytes the application took. */
export function open(tunnel: Tunnel, flow: Flow, wire: readonly Uint8Array[]): number {
  const { core, hop } = flow.to;
  let taken = 0;
  for (const bytes of wire) {
    tunnel.deliver(core, hop, bytes);
    taken += takeAll(core, flow.receiving);
  }
  return taken;
}

function takeAll(core: Core, stream: number): number {
  while (core.streamNext() >= 0) {}
  let taken = 0;
  for (let bytes = core.streamTake(stream); bytes.length > 0; bytes = core.streamTake(stream)) {
    taken += bytes.length;
  }
  return taken;
}

/**
 * One burst, from the application to the application, with its acknowledgement; returns its payload
 * bytes. When the wire is quiet the clock moves once, so that late acknowledgements come.
 */
export function burst(
  tunnel: Tunnel,
  flow: Flow,
  payload: Uint8Array,
  count: number,
  charge: Charge,
): number {
  const { from, to } = flow;
  const sealed = charge("seal", () => seal(flow, payload, count));
  tunnel.toRelay(from, sealed.wire);
  const first = tunnel.fromRelay(to);
  let taken = charge("open", () => open(tunnel, flow, first));
  for (let isLate = false; ; isLate = true) {
    for (let more = 1; more > 0; ) {
      const answers = charge("acknowledge", () => takeWire(to));
      tunnel.toRelay(to, answers);
      const back = tunnel.fromRelay(from);
      const rest = charge("acknowledged", () => settle(tunnel, from, back));
      tunnel.toRelay(from, rest);
      const arriving = tunnel.fromRelay(to);
      taken += charge("open", () => open(tunnel, flow, arriving));
      more = answers.length + rest.length + arriving.length;
    }
    if (isLate) break;
    tunnel.now += LATE_MS;
    charge("acknowledge", () => to.core.tick(tunnel.now));
    charge("acknowledged", () => from.core.tick(tunnel.now));
  }
  if (taken !== sealed.payloadBytes || taken === 0) {
    throw new Error(`${sealed.payloadBytes} bytes were sealed and ${taken} opened`);
  }
  return taken;
}

/** As long as an acknowledgement may wait, PROTOCOL section 11. */
const LATE_MS = 25;

function takeWire({ core, hop }: Station): Uint8Array[] {
  const bytes = core.hopTake(hop);
  return bytes.length > 0 ? [bytes] : [];
}

function settle(tunnel: Tunnel, station: Station, wire: readonly Uint8Array[]): Uint8Array[] {
  for (const bytes of wire) tunnel.deliver(station.core, station.hop, bytes);
  return takeWire(station);
}
