// SPDX-License-Identifier: Apache-2.0
// What a peer is known by (PROTOCOL 5.2, 10.4; T12): a key that changed without having been announced and
// the Routes that are pinned to it, the fingerprint, and a PSK that is replaced while the pair runs. Two
// devices and a Connector are cores; the Commander is the reference.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CoreFlag, StreamFlag } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { Primitives } from "../../host/core/primitives.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { toBase32 } from "../reference/activation.ts";
import { concat, utf8 } from "../reference/bytes.ts";
import { pairFingerprint } from "../reference/configuration.ts";
import { decodeState } from "../reference/control.ts";
import { Pair } from "./control-pair.ts";

const PEER_KEY_CHANGED = 19;
const HOUR = 3_600_000;
const PINNED = { flags: 1 };
const PEER = 0;

/** Device `a` comes back with another key that nobody announced; `b`, whose Mapping is pinned, is told. */
function replaced(seed: string): Pair {
  const pair = new Pair(seed);
  const { a, b, world } = pair;
  pair.deploy(b, pair.next([pair.peer(a)], [pair.mapping(PINNED)], true));
  pair.settle(b);
  pair.deploy(a, pair.next([pair.peer(b)], [pair.binding()]));
  pair.settle(a);
  pair.connect();
  a.device.keys = world.keyPair();
  pair.commander.knows(a);
  a.device.reboot();
  a.device.dial();
  pair.deploy(b, pair.next([pair.peer(a)], [pair.mapping(PINNED)], true));
  pair.settle(b);
  a.config = { ...pair.next([pair.peer(b)], [pair.binding()]), id: a.id };
  pair.settle(a, 100_000);
  return pair;
}

describe("a peer's key that changed unannounced", () => {
  it("is told to the host and to the Commander, and a pinned Mapping refuses the peer", () => {
    const pair = replaced("pinned");
    const { b } = pair;
    expect(pair.end(pair.a, pair.open())).toBe(PEER_KEY_CHANGED);
    expect(b.device.drops).toContain("PeerKeyChanged");
    expect(b.device.core.peerChanged(PEER)).toBe(true);
    expect(b.device.core.controlState().peerKeyChanged).toBe(true);
    expect(decodeState(b.report?.state ?? 0)).toMatchObject({ peerKeyChanged: true, status: -50 });
  });

  it("refuses a pinned Binding's streams with a status", () => {
    const pair = new Pair("pinned binding");
    const { a, b } = pair;
    const binding = { ...pair.binding(), ...PINNED };
    pair.deploy(a, pair.next([pair.peer(b, pair.world.keyPair())], [binding], true));
    pair.settle(a);
    expect(() => pair.open()).toThrow("PeerKeyChanged");
    a.device.core.confirmPeer(PEER);
    expect(pair.open()).toBeGreaterThanOrEqual(0);
  });

  it("is forgiven when the host confirms it, for good", () => {
    const pair = replaced("confirmed");
    const { b } = pair;
    const lease = b.device.core.leaseLeftMs();
    b.device.core.confirmPeer(PEER);
    expect(b.device.core.flags() & CoreFlag.WantsStore).not.toBe(0);
    pair.connect();
    expect(b.device.core.peerChanged(PEER)).toBe(false);
    expect(decodeState(b.report?.state ?? 0).peerKeyChanged).toBe(false);
    expect(b.device.core.leaseLeftMs()).toBeLessThanOrEqual(lease);
    b.device.reboot();
    expect(b.device.core.peerChanged(PEER)).toBe(false);
  });

  it("is remembered through a reboot and a newer configuration", () => {
    const pair = replaced("remembered");
    const { a, b } = pair;
    b.device.reboot();
    expect(b.device.core.peerChanged(PEER)).toBe(true);
    pair.deploy(b, pair.next([pair.peer(a)], [pair.mapping(PINNED)], true));
    pair.settle(b);
    expect(b.device.core.peerChanged(PEER)).toBe(true);
    expect(pair.end(a, pair.open(), 60_000)).toBe(PEER_KEY_CHANGED);
  });

  it("does not stop Routes that are not pinned, until they are", () => {
    const pair = replaced("loose");
    const { a, b } = pair;
    pair.deploy(b, pair.next([pair.peer(a)], [pair.mapping()], true));
    pair.settle(b);
    const stream = pair.connect();
    pair.deploy(b, pair.next([pair.peer(a)], [pair.mapping(PINNED)], true));
    pair.settle(b);
    expect(pair.end(a, stream)).toBe(PEER_KEY_CHANGED);
  });

  it("is not one that came as nextKey, nor the key of a new peer", () => {
    const pair = new Pair("announced");
    const { a, b, world } = pair;
    const keys = world.keyPair();
    const routes = [pair.mapping(PINNED)];
    pair.deploy(b, pair.next([pair.peer(a, a.device.keys, keys.publicKey)], routes, true));
    pair.settle(b);
    pair.deploy(b, pair.next([pair.peer(a, keys)], routes, true));
    pair.settle(b);
    expect(b.device.core.peerChanged(PEER)).toBe(false);
    pair.deploy(b, pair.next([], [], true));
    pair.settle(b);
    pair.deploy(b, pair.next([pair.peer(a)], routes, true));
    pair.settle(b);
    expect(b.device.core.peerChanged(PEER)).toBe(false);
  });

  it("cannot be hidden behind the present key as the next one", () => {
    const pair = new Pair("hidden");
    const { a, b, world } = pair;
    const false1 = pair.peer(a, world.keyPair(), a.device.keys.publicKey);
    pair.deploy(b, pair.next([false1], [pair.mapping(PINNED)], true));
    pair.settle(b);
    expect(b.device.core.peerChanged(PEER)).toBe(true);
  });

  it("cannot be confirmed while a configuration waits to be stored, nor for a peer that is none", () => {
    const pair = replaced("busy");
    const { b } = pair;
    expect(() => b.device.core.confirmPeer(1)).toThrow("BadArgument");
    b.device.survivesStore = false;
    pair.deploy(b, pair.next([pair.peer(pair.a)], [pair.mapping(PINNED)], true));
    pair.world.run(2000);
    expect(() => b.device.core.confirmPeer(PEER)).toThrow("BadState");
  });
});

describe("a pair's fingerprint", () => {
  it("is the same from both ends, and what a host makes of it with the core's BLAKE2s", () => {
    const pair = new Pair("fingerprint");
    const [one, other] = [pair.a, pair.b].map(({ id, device }) => ({
      id,
      key: device.keys.publicKey,
    })) as [{ id: Uint8Array; key: Uint8Array }, { id: Uint8Array; key: Uint8Array }];
    const text = pairFingerprint(one, other);
    expect(pairFingerprint(other, one)).toBe(text);
    expect(text).toMatch(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
    const sides = [one, other].sort((x, y) => Buffer.compare(x.id, y.id));
    const label = concat(utf8("sealed/1 pair"), new Uint8Array(3));
    const bytes = concat(label, ...sides.flatMap(({ id, key }) => [id, key]));
    const hash = new Primitives(openV8(readFileSync(CORE_WASM))).blake2s(bytes);
    expect(text.replaceAll(" ", "")).toBe(toBase32(hash.subarray(0, 20)));
  });

  it("is another one for another key", () => {
    const pair = new Pair("fingerprint key");
    const [a, b] = [pair.a, pair.b].map(({ id, device }) => ({ id, key: device.keys.publicKey }));
    const other = { id: pair.b.id, key: pair.world.keyPair().publicKey };
    expect(pairFingerprint(a as never, other)).not.toBe(pairFingerprint(a as never, b as never));
  });
});

describe("a PSK that is replaced", () => {
  /** One side has the new PSK, the other has not been told. */
  function half(pair: Pair, side: "a" | "b"): Uint8Array {
    const { a, b, world } = pair;
    const [entry, other] = side === "a" ? [a, b] : [b, a];
    const peer = pair.peer(other);
    const psk = world.random(32);
    const routes = side === "a" ? [pair.binding()] : [pair.mapping()];
    const config = pair.next([{ ...peer, psk, pskName: psk.slice(0, 8) }], routes, true);
    // The same version at both, so that nothing is behind.
    const otherRoutes = side === "a" ? [pair.mapping()] : [pair.binding()];
    pair.deploy(other, pair.next([pair.peer(entry)], otherRoutes));
    pair.settle(other);
    pair.deploy(entry, config);
    pair.settle(entry);
    return psk;
  }

  /** How often these bytes stand in the memory of device `a`. */
  function countOf({ a }: Pair, bytes: Uint8Array): number {
    const { engine } = a.device.core;
    const memory = Buffer.from(engine.read(0, engine.memoryBytes()));
    let count = 0;
    for (let at = memory.indexOf(bytes); at >= 0; at = memory.indexOf(bytes, at + 1)) count++;
    return count;
  }

  it.each(["a", "b"] as const)("at %s alone leaves the pair running for hours", (side) => {
    const pair = new Pair(`psk ${side}`);
    const stream = pair.connect();
    half(pair, side);
    const { core } = pair.a.device;
    for (let minutes = 0; minutes < 3 * 60; minutes += 5) {
      core.streamPut(stream, new Uint8Array([1]));
      pair.world.run(HOUR / 12);
    }
    expect(core.streamFlags(stream) & StreamFlag.Closed).toBe(0);
    const { device } = pair.b;
    expect(device.core.streamTake(device.news[0] as number)).toHaveLength(36);
  });

  it("ends the one before with its first session", () => {
    const pair = new Pair("psk both");
    const { a, b } = pair;
    const stream = pair.connect();
    const psk = half(pair, "a");
    const before = countOf(pair, pair.psk);
    const peer = { ...pair.peer(a), psk, pskName: psk.slice(0, 8) };
    pair.deploy(b, pair.next([peer], [pair.mapping()], true));
    pair.settle(b);
    a.device.core.streamPut(stream, new Uint8Array([1]));
    a.device.core.linkConnect(pair.link(a, b));
    pair.world.run(60_000);
    // What is left of it is the configuration before, where the next one will arrive.
    expect([before, countOf(pair, pair.psk)]).toEqual([2, 1]);
  });

  it("does not let in again a peer that was revoked", () => {
    const pair = new Pair("psk revoked");
    const { a, b } = pair;
    half(pair, "b");
    pair.deploy(b, pair.next([], [], true));
    pair.settle(b);
    const psk = pair.world.random(32);
    const peer = { ...pair.peer(a), psk, pskName: psk.slice(0, 8) };
    pair.deploy(b, pair.next([peer], [pair.mapping()], true));
    pair.settle(b);
    const again = pair.open();
    pair.world.run(200_000);
    expect(a.device.core.streamFlags(again) & StreamFlag.Connected).toBe(0);
  });
});
