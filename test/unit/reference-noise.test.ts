// SPDX-License-Identifier: Apache-2.0
// The reference's Noise against published vectors (cacophony: XK, XKpsk3, NN) and against itself
// for the two patterns with ML-KEM-768. PROTOCOL.md section 3. The vectors' origin and licence
// stand in the JSON; noise-hfs.json is the project's own (scripts/make-vectors.ts).

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { open, seal } from "../reference/aead.ts";
import { fromHex, toHex } from "../reference/bytes.ts";
import {
  checkCanonical,
  drawEphemerals,
  type HandshakeOptions,
  HandshakeState,
  publicKey,
} from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { statusOf } from "../reference/status.ts";

interface Vector {
  protocol_name: string;
  init_prologue: string;
  init_psks?: string[];
  init_static?: string;
  init_remote_static?: string;
  init_ephemeral: string;
  resp_prologue: string;
  resp_psks?: string[];
  resp_static?: string;
  resp_ephemeral: string;
  handshake_hash: string;
  messages: { payload: string; ciphertext: string }[];
}

const NONE = new Uint8Array(0);
const VECTORS = new URL("../vectors/noise-cacophony.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(VECTORS, "utf8")) as { vectors: Vector[] };

function pairOf(vector: Vector): [HandshakeState, HandshakeState] {
  const pattern = vector.protocol_name.split("_")[1] as HandshakeOptions["pattern"];
  const side = (role: "init" | "resp") => {
    const secret = vector[`${role}_static`];
    const remote = role === "init" ? vector.init_remote_static : undefined;
    const psk = vector[`${role}_psks`]?.[0];
    return new HandshakeState({
      pattern,
      initiator: role === "init",
      prologue: fromHex(vector[`${role}_prologue`]),
      ...(secret ? { staticSecret: fromHex(secret) } : {}),
      ...(remote ? { remoteStatic: fromHex(remote) } : {}),
      ...(psk ? { pskFor: () => fromHex(psk) } : {}),
      ephemerals: { e: fromHex(vector[`${role}_ephemeral`]), kemSeed: NONE, m: NONE },
    });
  };
  return [side("init"), side("resp")];
}

describe("noise", () => {
  for (const vector of vectors) {
    it(`agrees with cacophony on ${vector.protocol_name}`, () => {
      const pair = pairOf(vector);
      const counters = [0, 0];
      vector.messages.forEach(({ payload, ciphertext }, i) => {
        const [writer, reader] = i % 2 === 0 ? pair : ([...pair].reverse() as typeof pair);
        if (!writer.finished) {
          expect(toHex(writer.writeMessage(fromHex(payload)))).toBe(ciphertext);
          expect(toHex(reader.readMessage(fromHex(ciphertext)))).toBe(payload);
          return;
        }
        const { toResponder, toInitiator } = writer.split();
        const key = i % 2 === 0 ? toResponder : toInitiator;
        const n = counters[i % 2] as number;
        counters[i % 2] = n + 1;
        expect(toHex(seal(key, n, NONE, fromHex(payload)))).toBe(ciphertext);
      });
      for (const side of pair) {
        expect(toHex(side.split().handshakeHash)).toBe(vector.handshake_hash);
      }
    });
  }

  const random = seededRandom("noise test");
  const secrets = [random(32), random(32)] as const;

  function hybridPair(psks: [Uint8Array, Uint8Array]): [HandshakeState, HandshakeState] {
    const side = (initiator: boolean) =>
      new HandshakeState({
        pattern: "XKhfs+psk3",
        initiator,
        prologue: NONE,
        staticSecret: secrets[initiator ? 0 : 1],
        ...(initiator ? { remoteStatic: publicKey(secrets[1]) } : {}),
        pskFor: () => psks[initiator ? 0 : 1],
        ephemerals: drawEphemerals(random),
      });
    return [side(true), side(false)];
  }

  it("runs XKhfs+psk3 with messages of 1248, 1152 and 64 bytes", () => {
    const psk = random(32);
    const [a, b] = hybridPair([psk, psk]);
    const lengths: number[] = [];
    for (const [from, to] of [
      [a, b],
      [b, a],
      [a, b],
    ] as const) {
      const message = from.writeMessage();
      lengths.push(message.length);
      to.readMessage(message);
    }
    expect(lengths).toEqual([1248, 1152, 64]);
    expect(a.split()).toEqual(b.split());
    const sealed = seal(a.split().toResponder, 0, NONE, fromHex("abcd"));
    expect(toHex(open(b.split().toResponder, 0, NONE, sealed))).toBe("abcd");
  });

  it("shows a wrong pre-shared key as BadTag in message 3", () => {
    const [a, b] = hybridPair([random(32), random(32)]);
    b.readMessage(a.writeMessage());
    a.readMessage(b.writeMessage());
    expect(statusOf(() => b.readMessage(a.writeMessage()))).toBe("BadTag");
  });

  it("shows a corrupted ciphertext as BadTag and survives it in a clone", () => {
    const psk = random(32);
    const [a, b] = hybridPair([psk, psk]);
    b.readMessage(a.writeMessage());
    const message = b.writeMessage();
    for (const at of [0, 40, 600, 1151]) {
      const forged = message.slice();
      forged[at] = (forged[at] as number) ^ 1;
      expect(statusOf(() => a.clone().readMessage(forged))).toBe("BadTag");
    }
    a.readMessage(message);
    b.readMessage(a.writeMessage());
    expect(a.split()).toEqual(b.split());
  });

  it("refuses a point of small order as BadPoint", () => {
    const [a] = hybridPair([secrets[0], secrets[0]]);
    a.writeMessage();
    expect(statusOf(() => a.readMessage(new Uint8Array(1152)))).toBe("BadPoint");
  });

  it("refuses an encapsulation key that is not reduced as BadKemKey", () => {
    const responder = new HandshakeState({
      pattern: "NNhfs",
      initiator: false,
      prologue: NONE,
      ephemerals: drawEphemerals(random),
    });
    const message = new Uint8Array(1216).fill(0xff);
    message.set(publicKey(random(32)));
    responder.readMessage(message);
    expect(statusOf(() => responder.writeMessage())).toBe("BadKemKey");
  });

  it("tells canonical keys from others", () => {
    const prime = new Uint8Array(32).fill(0xff);
    prime[0] = 0xed;
    prime[31] = 0x7f;
    const below = prime.slice();
    below[0] = 0xec;
    const topBit = new Uint8Array(32);
    topBit[31] = 0x80;
    expect([prime, below, topBit].map((key) => statusOf(() => checkCanonical(key)))).toEqual([
      "BadKey",
      undefined,
      "BadKey",
    ]);
  });
});
