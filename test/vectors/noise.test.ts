// SPDX-License-Identifier: Apache-2.0
// Noise vectors against the shipped file, on every engine of TEST_ENGINES: flynn/noise's for NN, XK and
// XKpsk3, and the project's own for the two patterns with ML-KEM-768, which the core did not make
// (test/reference did). Every message is written, read by the other side, and the keys are used.
// cacophony's vectors carry payloads, which no handshake of ours does (rule H3): they hold the reference.

import { x25519 } from "@noble/curves/ed25519.js";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Status } from "../../host/core/abi.gen.ts";
import type { Core } from "../../host/core/core.ts";
import type { CoreEngine, EngineName } from "../../host/core/engine.ts";
import { Primitives } from "../../host/core/primitives.ts";
import { hex, openAndSay, TEST_ENGINES, unhex } from "./engines.ts";
import { NoiseCore, type NoiseKeys, type NoiseSide, startForNoise } from "./noise-core.ts";
import flynn from "./noise-flynn.json" with { type: "json" };
import ours from "./noise-hfs.json" with { type: "json" };

type Vector = {
  protocol: string;
  title?: string;
  prologue?: string;
  /** Instead of a prologue: what PROTOCOL 3.2 makes it from. */
  context?: Context;
  psk?: string;
  initiatorStatic?: string;
  responderStatic?: string;
  initiatorEphemeral: string;
  responderEphemeral: string;
  initiatorKemSeed?: string;
  responderKemRandomness?: string;
  messages: string[];
  handshakeHash?: string;
  keyToResponder?: string;
  keyToInitiator?: string;
  transport: { plaintext: string; sealed: string }[];
};

type Context = {
  handshakeHash: string;
  openerLinkId: string;
  accepterLinkId: string;
  stream: number;
  bindingId: string;
  mappingId: string;
  kind: number;
};

const NO_BYTES = new Uint8Array(0);

const VECTORS: readonly { from: string; vector: Vector }[] = [
  ...(flynn.vectors as Vector[]).map((vector) => ({ from: "flynn/noise", vector })),
  ...(ours.vectors as Vector[]).map((vector) => ({ from: "test/reference", vector })),
];

function patternOf({ protocol }: Vector): string {
  return (protocol.split("_")[1] as string).replace(/\+MLKEM768$/, "");
}

/** PROTOCOL 3.2. */
function prologueOf({ prologue = "", context }: Vector): Uint8Array {
  if (context === undefined) return unhex(prologue);
  const { handshakeHash, openerLinkId, accepterLinkId, stream, bindingId, mappingId } = context;
  const number = Buffer.alloc(4);
  number.writeUInt32LE(stream);
  return Buffer.concat([
    Buffer.from("sealed/1 conn".padEnd(16, "\0")),
    unhex(handshakeHash + openerLinkId + accepterLinkId),
    number,
    unhex(bindingId + mappingId),
    Uint8Array.of(context.kind),
  ]);
}

function sideOf(vector: Vector, isInitiator: boolean): NoiseSide {
  const { initiatorStatic, responderStatic, psk } = vector;
  const secret = isInitiator ? initiatorStatic : responderStatic;
  const kem = isInitiator ? vector.initiatorKemSeed : vector.responderKemRandomness;
  const key = (text: string) => x25519.getPublicKey(unhex(text));
  return {
    isInitiator,
    ephemeral: unhex(isInitiator ? vector.initiatorEphemeral : vector.responderEphemeral),
    ...(secret ? { secret: unhex(secret), publicKey: key(secret) } : {}),
    ...(isInitiator && responderStatic ? { remote: key(responderStatic) } : {}),
    ...(psk ? { psk: unhex(psk) } : {}),
    ...(kem ? { kem: unhex(kem) } : {}),
  };
}

function titleOf({ from, vector }: { from: string; vector: Vector }): string {
  const prologue = vector.prologue && from === "flynn/noise" ? " with a prologue" : "";
  return `${vector.protocol}${prologue}, ${vector.title ?? from}`;
}

/** Runs a vector's handshake message by message, both sides in one instance. */
function handshake(engine: CoreEngine, core: Core, vector: Vector): [NoiseKeys, NoiseKeys] {
  const pattern = patternOf(vector);
  const prologue = prologueOf(vector);
  const initiator = new NoiseCore(engine, core, pattern, prologue, sideOf(vector, true));
  const responder = new NoiseCore(engine, core, pattern, prologue, sideOf(vector, false));
  vector.messages.forEach((message, i) => {
    const [writer, reader] = i % 2 === 0 ? [initiator, responder] : [responder, initiator];
    expect(hex(writer.write(i === vector.messages.length - 1))).toBe(message);
    expect(reader.read(unhex(message))).toBe(message.length / 2);
  });
  return [initiator.split(), responder.split()];
}

function nonce(n: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, n, 0, 0, 0, 0, 0, 0, 0);
}

describe.each(TEST_ENGINES)("%s", (name: EngineName) => {
  let engine: CoreEngine;
  beforeAll(() => {
    engine = openAndSay(name);
    return () => engine.close();
  });
  afterEach(() => {
    engine.call("stop");
  });

  it.each(VECTORS.map((entry) => [titleOf(entry), entry.vector] as const))("%s", (_, vector) => {
    const core = startForNoise(engine);
    const [up, down] = handshake(engine, core, vector);
    expect([hex(up.receive), hex(up.hash)]).toEqual([hex(down.send), hex(down.hash)]);
    expect(hex(up.send)).toBe(hex(down.receive));
    if (vector.handshakeHash) expect(hex(up.hash)).toBe(vector.handshakeHash);
    if (vector.keyToResponder) expect(hex(up.send)).toBe(vector.keyToResponder);
    if (vector.keyToInitiator) expect(hex(up.receive)).toBe(vector.keyToInitiator);
    core.stop();
    const primitives = new Primitives(engine);
    // The first is the initiator's in both sources, the second the responder's.
    vector.transport.forEach(({ plaintext, sealed }, i) => {
      const key = i === 0 ? up.send : up.receive;
      expect(hex(primitives.aeadSeal(key, nonce(0), NO_BYTES, unhex(plaintext)))).toBe(sealed);
    });
  });

  it("refuses message 1 with a bit flipped, whatever the bit, as BadTag", () => {
    const vector = ours.vectors[1] as Vector;
    const core = startForNoise(engine);
    for (const at of [0, 31, 32, 600, 1247]) {
      const responder = new NoiseCore(
        engine,
        core,
        patternOf(vector),
        prologueOf(vector),
        sideOf(vector, false),
      );
      const message = unhex(vector.messages[0] as string);
      message[at] = (message[at] ?? 0) ^ 4;
      expect(responder.read(message)).toBe(Status.BadTag);
      responder.free();
    }
  });
});
