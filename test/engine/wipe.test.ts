// SPDX-License-Identifier: Apache-2.0
// Nothing secret outlives what it was for: after `stop`, after a hop is freed, a link removed, a stream
// ended, a scan of linear memory, and of the interpreter's value stack, finds no piece of 8 bytes of
// any secret. The far ends (test/transcripts/make) know the keys of all layers; the core's ephemerals
// come from its generator (PROTOCOL 3.4), which is computed again here from the entropy that was fed.
// Invariant of the test: each secret is found before, so that a scan that finds nothing says something.

import { x25519 } from "@noble/curves/ed25519.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CoreEngine } from "../../host/core/engine.ts";
import { openEngine } from "../../host/core/engine-open.ts";
import { Rv32Engine } from "../../host/core/engine-rv32.ts";
import { Wasm3Engine } from "../../host/core/engine-wasm3.ts";
import { concat, encodeUint, utf8 } from "../reference/bytes.ts";
import { DatagramChannel } from "../reference/connection.ts";
import { seededRandom } from "../reference/random.ts";
import type { StreamFar } from "../transcripts/make/ends.ts";
import { HOP, HOP_PSK, LINK, LINK_PSK, need, STREAM, Stage } from "../transcripts/make/stage.ts";
import { TEST_ENGINES } from "../vectors/engines.ts";

const PIECE = 8;
/** As many outputs of the generator as a run may ask for. */
const OUTPUTS = 60;
const FEEDS = 8;
const STARTED_MS = 1000;
const LINGER_MS = 60_000;
const GOING_OUT = utf8("Nobody but the far end may ever read this.");
const COMING_IN = utf8("For the application here, in strict confidence:");
const TEST_MS = 300_000;
/** The secret vector, which an ML-KEM-768 decapsulation key begins with. */
const KEM_SECRET_LEN = 1152;

type Secrets = Record<string, Uint8Array>;

/** Every piece of every secret, by its bytes. */
function piecesOf(secrets: Secrets): Map<bigint, string> {
  const pieces = new Map<bigint, string>();
  for (const [name, bytes] of Object.entries(secrets)) {
    const view = new DataView(bytes.slice().buffer);
    for (let at = 0; at + PIECE <= bytes.length; at++)
      pieces.set(view.getBigUint64(at, true), name);
  }
  return pieces;
}

/** Names of the secrets of which a piece stands in `memory`, each with where. */
function found(memory: Uint8Array, secrets: Secrets): string[] {
  const pieces = piecesOf(secrets);
  const view = new DataView(memory.buffer, memory.byteOffset, memory.length);
  const names = new Map<string, number>();
  for (let at = 0; at + PIECE <= memory.length; at++) {
    const name = pieces.get(view.getBigUint64(at, true));
    if (name !== undefined && !names.has(name)) names.set(name, at);
  }
  return [...names].map(([name, at]) => `${name} at ${at}`);
}

function memoryOf(engine: CoreEngine): Uint8Array {
  return engine.read(0, engine.memoryBytes());
}

function hasStack(engine: CoreEngine): engine is Wasm3Engine | Rv32Engine {
  return engine instanceof Wasm3Engine || engine instanceof Rv32Engine;
}

/** The interpreter's value stack; empty where there is none. */
function stackOf(engine: CoreEngine): Uint8Array {
  return hasStack(engine) ? engine.valueStack() : new Uint8Array(0);
}

/** PROTOCOL 3.4: the states of the generator after all entropy was fed, and what it gives out. */
function generator(identity: Uint8Array): Secrets {
  const random = seededRandom("transcript entropy");
  let state: Uint8Array = new Uint8Array(32);
  for (let i = 0; i < FEEDS; i++) {
    const input = concat(random(32), identity, new Uint8Array(8), encodeUint(STARTED_MS, 4));
    state = blake2s(input, { key: state });
  }
  const secrets: Secrets = {};
  for (let i = 0; i < OUTPUTS; i++) {
    const block = (n: number) => blake2s(concat(utf8("out"), encodeUint(n, 8)), { key: state });
    secrets[`generator state ${i}`] = state;
    secrets[`output ${i}`] = concat(block(0), block(1));
    state = blake2s(utf8("ratchet"), { key: state });
  }
  return secrets;
}

/** Output `i` begins with a linkId (8 bytes, no secret) where the generator was asked for one. */
function withoutLinkIds(secrets: Secrets): Secrets {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, bytes]) => [
      name,
      name.startsWith("output") ? bytes.subarray(1) : bytes,
    ]),
  );
}

/** The outputs as ML-KEM seeds: the secret halves of the keys they make, or of those that were shown. */
function kemKeys(outputs: Secrets, shown?: readonly Uint8Array[]): Secrets {
  const wanted = shown?.map((key) => Buffer.from(key).toString("hex"));
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, seed]) => {
      if (!name.startsWith("output")) return [];
      const { publicKey, secretKey } = ml_kem768.keygen(seed);
      const isWanted = wanted?.includes(Buffer.from(publicKey).toString("hex")) ?? true;
      return isWanted ? [[`ML-KEM key of ${name}`, secretKey.slice(0, KEM_SECRET_LEN)]] : [];
    }),
  );
}

function keysOf(
  layer: string,
  keys: { send: Uint8Array; receive: Uint8Array } | undefined,
): Secrets {
  if (!keys) throw new Error(`no keys of the ${layer}`);
  return { [`${layer} key, sending`]: keys.receive, [`${layer} key, receiving`]: keys.send };
}

describe.each(TEST_ENGINES)("%s", (name) => {
  let engine: CoreEngine;
  let stage: Stage;
  let stream: StreamFar;
  let hopSecrets: Secrets;
  let linkSecrets: Secrets;
  let streamSecrets: Secrets;

  /** Three layers up, bytes of the application under way in both directions. */
  beforeEach(() => {
    engine = openEngine(name);
    stage = new Stage("wipe", "", { engine });
    stream = stage.streamOpened();
    stage.rec.in(STREAM, GOING_OUT);
    stream.take(need(stage.data(), "STREAM"));
    stage.say(stream.record("data", COMING_IN));
    hopSecrets = { "hop PSK": HOP_PSK, ...keysOf("hop", stage.hop.keys) };
    linkSecrets = { "link PSK": LINK_PSK, ...keysOf("link", stage.link.session) };
    const plaintext = { "bytes going out": GOING_OUT, "bytes coming in": COMING_IN };
    streamSecrets = { ...plaintext, ...keysOf("stream", stream.keys) };
  });
  afterEach(() => engine.close());

  function expectGone(secrets: Secrets): void {
    expect(found(memoryOf(engine), secrets)).toEqual([]);
  }

  it("stop leaves nothing", { timeout: TEST_MS }, () => {
    const generated = withoutLinkIds(generator(stage.own.secret));
    const secrets = {
      "static private key": stage.own.secret,
      ...hopSecrets,
      ...linkSecrets,
      ...streamSecrets,
      ...generated,
      ...kemKeys(generator(stage.own.secret)),
    };
    const before = found(memoryOf(engine), secrets).map((text) => text.split(" at ")[0]);
    expect(before).toEqual(expect.arrayContaining(Object.keys(hopSecrets)));
    expect(before).toEqual(expect.arrayContaining(Object.keys(linkSecrets)));
    expect(before).toEqual(expect.arrayContaining(["static private key", "bytes coming in"]));
    expect(before.some((found) => found?.startsWith("generator state"))).toBe(true);
    stage.rec.call("stop");
    // A module cannot reach the interpreter's stack: the host wipes that, with the code it gives back.
    if (hasStack(engine)) engine.dropCode();
    expectGone(secrets);
    expect(found(stackOf(engine), secrets)).toEqual([]);
    const behind = memoryOf(engine).subarray(engine.call("prim_scratch"));
    expect(behind.every((byte) => byte === 0)).toBe(true);
    if (engine instanceof Rv32Engine) {
      const left = found(engine.nativeStack(), secrets);
      console.log(`${name}: on the machine's own stack: ${left.join(", ") || "nothing"}`);
    }
  });

  it("a hop that is freed leaves nothing", () => {
    expect(found(memoryOf(engine), hopSecrets)).toHaveLength(Object.keys(hopSecrets).length);
    stage.rec.call("hop_free", HOP);
    expectGone(hopSecrets);
  });

  it("a hop that failed leaves nothing, before it is freed", () => {
    stage.rec.rx(HOP, new Uint8Array(66).fill(64, 0, 1));
    expectGone(hopSecrets);
  });

  it("a link that is removed leaves nothing, nor do its streams", () => {
    const secrets = { ...linkSecrets, ...streamSecrets };
    stage.rec.call("link_remove", LINK, 10);
    expectGone(secrets);
  });

  it("a stream that ends leaves nothing but what a host may be writing, until it is released", () => {
    stage.say({ type: "RESET", stream: stream.number, reason: 12 });
    const { "bytes coming in": _, ...others } = streamSecrets;
    expectGone(others);
    stage.rec.call("stream_release", STREAM);
    expectGone(streamSecrets);
    stage.pass(LINGER_MS);
    expectGone(streamSecrets);
  });

  it("datagrams that nobody took, and those that were not sent, leave nothing", () => {
    engine.close();
    engine = openEngine(name);
    stage = new Stage("wipe", "", { engine });
    stage.linkInitiated();
    const far = stage.openAndConnect(2);
    if (!far.keys) throw new Error("the channel has no keys");
    const { sealed } = new DatagramChannel(far.keys, 64).seal(1, COMING_IN);
    stage.say({ type: "DATAGRAM", stream: far.number, flow: 1, counter: 0n, sealed });
    stage.rec.datagram(STREAM, 1, GOING_OUT);
    const secrets = { "bytes going out": GOING_OUT, "bytes coming in": COMING_IN };
    expect(found(memoryOf(engine), secrets)).toHaveLength(2);
    stage.rec.call("stream_reset", STREAM, 12);
    stage.rec.call("stream_release", STREAM);
    stage.pass(LINGER_MS);
    expectGone({ ...secrets, ...keysOf("channel", far.keys) });
  });

  it("bytes that the application took are gone from the core", () => {
    stage.rec.out(STREAM);
    expectGone({ "bytes coming in": COMING_IN });
  });

  it("handshakes that are finished leave no ephemeral and no ML-KEM key", {
    timeout: TEST_MS,
  }, () => {
    const shown = stage.shownEphemerals;
    const generated = generator(stage.own.secret);
    const used = Object.entries(generated).filter(
      ([label, bytes]) =>
        label.startsWith("output") &&
        shown.includes(Buffer.from(x25519.getPublicKey(bytes.subarray(0, 32))).toString("hex")),
    );
    expect(used.length).toBe(shown.length);
    const kemSecrets = kemKeys(generated, stage.shownKemKeys);
    expect(Object.keys(kemSecrets)).toHaveLength(stage.shownKemKeys.length);
    expectGone(kemSecrets);
    const secrets = Object.fromEntries(
      used.map(([label, bytes]) => [label, bytes.subarray(0, 32)]),
    );
    expectGone(secrets);
  });
});
