// SPDX-License-Identifier: Apache-2.0
// The two handshake patterns of PROTOCOL section 3.1 as symbolic terms: what is sent, and the key
// that results, in the view of one side. clauses.ts makes the roles and the attacker from it.
// Terms are text as the prover reads it; names that begin upper case are variables.

export type Pattern = {
  name: string;
  /** XK: the responder's static key is hashed before message 1, and `e` is mixed into the key. */
  hasPreMessage: boolean;
  hasPsk: boolean;
  messages: readonly (readonly string[])[];
};

export const XK: Pattern = {
  name: "XKhfs+psk3",
  hasPreMessage: true,
  hasPsk: true,
  messages: [
    ["e", "es", "e1"],
    ["e", "ee", "ekem1"],
    ["s", "se", "psk"],
  ],
};

export const NN: Pattern = {
  name: "NNhfs",
  hasPreMessage: false,
  hasPsk: false,
  messages: [
    ["e", "e1"],
    ["e", "ee", "ekem1"],
  ],
};

/** The pattern without some tokens: the variants that have to fail. */
export function without(pattern: Pattern, tokens: readonly string[]): Pattern {
  const messages = pattern.messages.map((all) => all.filter((t) => !tokens.includes(t)));
  return { ...pattern, name: `${pattern.name} without ${tokens.join(", ")}`, messages };
}

/** What one side takes for the values of a handshake: its own, and those it has received. */
export type View = {
  prologue: string;
  /** Exponents: ephemeral and static, initiator's and responder's. */
  ei: string;
  er: string;
  si: string;
  sr: string;
  /** ML-KEM: decapsulation key, ciphertext, shared secret. */
  dk: string;
  ct: string;
  ss: string;
  psk: string;
};

export type Transcript = {
  /** Terms of each message, in the order of the wire. */
  messages: string[][];
  /** Handshake hashes that each message leads to. */
  hashes: string[][];
  /** The chaining key that Split takes. */
  ck: string;
};

/** All messages of the handshake as `view` has them: both sides compute this, each from its own view. */
export function transcript(pattern: Pattern, view: View): Transcript {
  const state = new SymmetricState(view.prologue);
  if (pattern.hasPreMessage) state.mixHash(`pk(${view.sr})`);
  const messages: string[][] = [];
  const hashes: string[][] = [];
  for (const [index, tokens] of pattern.messages.entries()) {
    for (const token of tokens) writeToken(state, token, view, index, pattern.hasPsk);
    state.encryptAndHash("empty");
    messages.push(state.sent.splice(0));
    hashes.push(state.hashes.splice(0));
  }
  return { messages, hashes, ck: state.ck };
}

function writeToken(s: SymmetricState, token: string, v: View, index: number, psk: boolean): void {
  if (token === "e") writeEphemeral(s, index === 0 ? v.ei : v.er, psk);
  if (token === "s") s.encryptAndHash(`pk(${v.si})`);
  if (token === "ee") s.mixKey(`dh(${v.ei},${v.er})`);
  if (token === "es") s.mixKey(`dh(${v.ei},${v.sr})`);
  if (token === "se") s.mixKey(`dh(${v.si},${v.er})`);
  if (token === "e1") s.encryptAndHash(`ek(${v.dk})`);
  if (token === "ekem1") {
    s.encryptAndHash(v.ct);
    s.mixKey(v.ss);
  }
  if (token === "psk") {
    s.mixKey(v.psk);
    s.mixHash(`pskhash(${s.ck})`);
  }
}

function writeEphemeral(s: SymmetricState, exponent: string, hasPsk: boolean): void {
  s.sent.push(`pk(${exponent})`);
  s.mixHash(`pk(${exponent})`);
  if (hasPsk) s.mixKey(`pk(${exponent})`);
}

/** Noise section 5.2. A nonce needs no term: no two AEADs of a handshake have the same hash. */
class SymmetricState {
  readonly sent: string[] = [];
  readonly hashes: string[] = [];
  ck = "noise";
  #hasKey = false;
  #h: string;

  constructor(prologue: string) {
    this.#h = prologue;
  }

  mixHash(term: string): void {
    this.#h = `hash(${this.#h},${term})`;
    this.hashes.push(this.#h);
  }

  mixKey(term: string): void {
    this.ck = `kdf(${this.ck},${term})`;
    this.#hasKey = true;
  }

  /** Hashes the plaintext, not the ciphertext: it binds less, which only helps the attacker. */
  encryptAndHash(term: string): void {
    this.sent.push(this.#hasKey ? `aead(key(${this.ck}),${this.#h},${term})` : term);
    this.mixHash(term);
  }
}
