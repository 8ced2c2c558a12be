// SPDX-License-Identifier: Apache-2.0
// The Noise Protocol Framework, revision 34, section 5, with hybrid forward secrecy revision 1, for
// the patterns of PROTOCOL.md section 3.1 and the plain ones that have published vectors. Hop, link
// and connection stand on it. Suite: 25519, ChaChaPoly, BLAKE2s, ML-KEM-768.
// Invariant: MixKey sets n to 0, every AEAD of a key adds 1, also across message boundaries (H2).

import { x25519 } from "@noble/curves/ed25519.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { hmac } from "@noble/hashes/hmac.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { open, seal, TAG_LEN } from "./aead.ts";
import { concat, utf8 } from "./bytes.ts";
import type { Random } from "./random.ts";
import { ProtocolError } from "./status.ts";

type Token = "e" | "s" | "ee" | "es" | "se" | "psk" | "e1" | "ekem1";

const DH_LEN = 32;
const KEM_KEY_LEN = 1184;
const KEM_CIPHERTEXT_LEN = 1088;
const EMPTY = new Uint8Array(0);

// The responder's static key is the only pre-message there is (XK).
const PATTERNS: Record<string, { knowsResponder: boolean; messages: Token[][] }> = {
  NN: { knowsResponder: false, messages: [["e"], ["e", "ee"]] },
  NNhfs: {
    knowsResponder: false,
    messages: [
      ["e", "e1"],
      ["e", "ee", "ekem1"],
    ],
  },
  XK: {
    knowsResponder: true,
    messages: [
      ["e", "es"],
      ["e", "ee"],
      ["s", "se"],
    ],
  },
  XKpsk3: {
    knowsResponder: true,
    messages: [
      ["e", "es"],
      ["e", "ee"],
      ["s", "se", "psk"],
    ],
  },
  "XKhfs+psk3": {
    knowsResponder: true,
    messages: [
      ["e", "es", "e1"],
      ["e", "ee", "ekem1"],
      ["s", "se", "psk"],
    ],
  },
};

/** What a handshake makes at random; a test may give it. */
export interface Ephemerals {
  /** X25519 secret, 32 bytes. */
  e: Uint8Array;
  /** ML-KEM key seed d and z, 64 bytes (initiator). */
  kemSeed: Uint8Array;
  /** ML-KEM encapsulation randomness m, 32 bytes (responder). */
  m: Uint8Array;
  /** For tests of another engine: what to show instead of the keys that belong to the secrets. */
  shown?: { e?: Uint8Array; kemKey?: Uint8Array; s?: Uint8Array };
}

export interface HandshakeOptions {
  pattern: "NN" | "NNhfs" | "XK" | "XKpsk3" | "XKhfs+psk3";
  initiator: boolean;
  prologue: Uint8Array;
  /** Own static secret, 32 bytes (XK). */
  staticSecret?: Uint8Array;
  /** The responder's static public key, 32 bytes (XK, initiator). */
  remoteStatic?: Uint8Array;
  /** Gives the pre-shared key (32 bytes) once the peer's static key is known (psk3). */
  pskFor?: (remoteStatic: Uint8Array) => Uint8Array;
  ephemerals: Ephemerals;
}

/** The two transport keys, 32 bytes each, and the handshake hash. */
export interface Split {
  toResponder: Uint8Array;
  toInitiator: Uint8Array;
  handshakeHash: Uint8Array;
}

/** Draws the secrets of one handshake. */
export function drawEphemerals(random: Random): Ephemerals {
  return { e: random(DH_LEN), kemSeed: random(64), m: random(32) };
}

/** The X25519 public key of a secret of 32 bytes. */
export function publicKey(secret: Uint8Array): Uint8Array {
  return x25519.getPublicKey(secret);
}

/** Throws `BadKey` unless `key` is a canonical u-coordinate (section 1). */
export function checkCanonical(key: Uint8Array): void {
  const top = key[31] ?? 0xff;
  const high = key.subarray(1, 31).every((byte) => byte === 0xff);
  const beyondPrime = top === 0x7f && high && (key[0] ?? 0) >= 0xed;
  if (key.length !== DH_LEN || top > 0x7f || beyondPrime) throw new ProtocolError("BadKey");
}

/** Noise section 5.2: the chaining key, the hash, and the key with its counter. */
class SymmetricState {
  private ck: Uint8Array;
  private k: Uint8Array | undefined;
  private n = 0;
  h: Uint8Array;

  constructor(protocolName: string) {
    const name = utf8(protocolName);
    this.h = name.length <= 32 ? concat(name, new Uint8Array(32 - name.length)) : blake2s(name);
    this.ck = this.h;
  }

  get hasKey(): boolean {
    return this.k !== undefined;
  }

  mixHash(data: Uint8Array): void {
    this.h = blake2s(concat(this.h, data));
  }

  mixKey(input: Uint8Array): void {
    const [ck, k] = hkdf(this.ck, input, 2);
    this.ck = ck as Uint8Array;
    this.setKey(k as Uint8Array);
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [ck, hash, k] = hkdf(this.ck, input, 3);
    this.ck = ck as Uint8Array;
    this.mixHash(hash as Uint8Array);
    this.setKey(k as Uint8Array);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const out = this.k ? seal(this.k, this.n++, this.h, plaintext) : plaintext;
    this.mixHash(out);
    return out;
  }

  decryptAndHash(data: Uint8Array): Uint8Array {
    const out = this.k ? open(this.k, this.n++, this.h, data) : data;
    this.mixHash(data);
    return out;
  }

  split(): Split {
    const [first, second] = hkdf(this.ck, EMPTY, 2);
    return {
      toResponder: first as Uint8Array,
      toInitiator: second as Uint8Array,
      handshakeHash: this.h,
    };
  }

  clone(): SymmetricState {
    // Each change replaces a value as a whole, so a shallow copy is a copy.
    return Object.assign(Object.create(SymmetricState.prototype), this);
  }

  private setKey(k: Uint8Array): void {
    this.k = k;
    this.n = 0;
  }
}

/** Noise section 5.3, with the tokens `e1` and `ekem1` (H2). */
export class HandshakeState {
  private readonly options: HandshakeOptions;
  private readonly symmetric: SymmetricState;
  private readonly messages: Token[][];
  private step = 0;
  private re: Uint8Array | undefined;
  private rs: Uint8Array | undefined;
  private remoteKem: Uint8Array | undefined;

  constructor(options: HandshakeOptions) {
    const pattern = PATTERNS[options.pattern];
    if (!pattern) throw new ProtocolError("BadArgument");
    this.options = options;
    this.messages = pattern.messages;
    this.symmetric = new SymmetricState(protocolName(options.pattern));
    this.symmetric.mixHash(options.prologue);
    if (!pattern.knowsResponder) return;
    if (options.initiator) this.rs = options.remoteStatic;
    this.symmetric.mixHash(this.rs ?? publicKey(need(options.staticSecret)));
  }

  /** The peer's static public key, once it is known. */
  get remoteStatic(): Uint8Array | undefined {
    return this.rs;
  }

  get finished(): boolean {
    return this.step === this.messages.length;
  }

  /** The next message; `payload` is empty in the protocol, and not in the published vectors. */
  writeMessage(payload: Uint8Array = EMPTY): Uint8Array {
    const parts = this.nextTokens(true).map((token) => this.write(token));
    parts.push(this.symmetric.encryptAndHash(payload));
    return concat(...parts);
  }

  /**
   * Reads the peer's next message and returns its payload.
   * Throws `BadHandshake`, `BadTag`, `BadPoint`, `BadKemKey`, `BadKey`; the state is then of no
   * more use, so whoever must survive a forgery reads into a `clone`.
   */
  readMessage(message: Uint8Array): Uint8Array {
    let rest = message;
    const take = (length: number): Uint8Array => {
      if (length > rest.length) throw new ProtocolError("BadHandshake");
      const field = rest.subarray(0, length);
      rest = rest.subarray(length);
      return field;
    };
    for (const token of this.nextTokens(false)) this.read(token, take);
    return this.symmetric.decryptAndHash(rest);
  }

  /** The transport keys, after the last message. */
  split(): Split {
    if (!this.finished) throw new ProtocolError("BadState");
    return this.symmetric.split();
  }

  /** A state that can read a message without harm to this one. */
  clone(): HandshakeState {
    const copy = Object.assign(Object.create(HandshakeState.prototype), this);
    copy.symmetric = this.symmetric.clone();
    return copy;
  }

  private nextTokens(writing: boolean): Token[] {
    const tokens = this.messages[this.step];
    const initiatorsTurn = this.step % 2 === 0;
    if (!tokens || (initiatorsTurn === this.options.initiator) !== writing) {
      throw new ProtocolError("BadState");
    }
    this.step++;
    return tokens;
  }

  private write(token: Token): Uint8Array {
    const { ephemerals, staticSecret } = this.options;
    switch (token) {
      case "e":
        return this.mixEphemeral(ephemerals.shown?.e ?? publicKey(ephemerals.e));
      case "s":
        return this.symmetric.encryptAndHash(ephemerals.shown?.s ?? publicKey(need(staticSecret)));
      case "e1":
        return this.symmetric.encryptAndHash(
          ephemerals.shown?.kemKey ?? ml_kem768.keygen(ephemerals.kemSeed).publicKey,
        );
      case "ekem1":
        return this.writeCiphertext();
      default:
        return this.mixSecret(token);
    }
  }

  private read(token: Token, take: (length: number) => Uint8Array): void {
    const tag = this.symmetric.hasKey ? TAG_LEN : 0;
    switch (token) {
      case "e":
        this.re = this.mixEphemeral(take(DH_LEN).slice());
        return;
      case "s":
        this.rs = this.symmetric.decryptAndHash(take(DH_LEN + tag));
        checkCanonical(this.rs);
        return;
      case "e1":
        this.remoteKem = this.symmetric.decryptAndHash(take(KEM_KEY_LEN + tag)).slice();
        return;
      case "ekem1":
        this.readCiphertext(take(KEM_CIPHERTEXT_LEN + tag));
        return;
      default:
        this.mixSecret(token);
    }
  }

  private mixEphemeral(e: Uint8Array): Uint8Array {
    this.symmetric.mixHash(e);
    // Noise section 9.2: with a pre-shared key, `e` keys the cipher as well.
    if (this.options.pskFor) this.symmetric.mixKey(e);
    return e;
  }

  private mixSecret(token: Token): Uint8Array {
    if (token === "psk") {
      this.symmetric.mixKeyAndHash(need(this.options.pskFor)(need(this.rs)));
    } else {
      this.symmetric.mixKey(this.sharedSecret(token));
    }
    return EMPTY;
  }

  private sharedSecret(token: Token): Uint8Array {
    const { e } = this.options.ephemerals;
    // The first letter is the initiator's key, the second the responder's.
    const [mine, theirs] = this.options.initiator ? [token[0], token[1]] : [token[1], token[0]];
    const secret = mine === "e" ? e : need(this.options.staticSecret);
    return x25519Shared(secret, need(theirs === "e" ? this.re : this.rs));
  }

  private writeCiphertext(): Uint8Array {
    const { cipherText, sharedSecret } = encapsulate(
      need(this.remoteKem),
      this.options.ephemerals.m,
    );
    const out = this.symmetric.encryptAndHash(cipherText);
    this.symmetric.mixKey(sharedSecret);
    return out;
  }

  private readCiphertext(data: Uint8Array): void {
    const cipherText = this.symmetric.decryptAndHash(data);
    const { secretKey } = ml_kem768.keygen(this.options.ephemerals.kemSeed);
    this.symmetric.mixKey(ml_kem768.decapsulate(cipherText, secretKey));
  }
}

/** The Noise name of a pattern in our suite. */
export function protocolName(pattern: string): string {
  const kem = pattern.includes("hfs") ? "+MLKEM768" : "";
  return `Noise_${pattern}_25519${kem}_ChaChaPoly_BLAKE2s`;
}

function hkdf(ck: Uint8Array, input: Uint8Array, outputs: number): Uint8Array[] {
  const temp = hmac(blake2s, ck, input);
  const out: Uint8Array[] = [];
  let last: Uint8Array = EMPTY;
  for (let i = 1; i <= outputs; i++) {
    last = hmac(blake2s, temp, concat(last, Uint8Array.of(i)));
    out.push(last);
  }
  return out;
}

function x25519Shared(secret: Uint8Array, point: Uint8Array): Uint8Array {
  try {
    return x25519.getSharedSecret(secret, point);
  } catch {
    throw new ProtocolError("BadPoint");
  }
}

function encapsulate(key: Uint8Array, m: Uint8Array) {
  try {
    return ml_kem768.encapsulate(key, m);
  } catch {
    // The library refuses exactly what FIPS 203 section 7.2 refuses.
    throw new ProtocolError("BadKemKey");
  }
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new ProtocolError("BadState");
  return value;
}
