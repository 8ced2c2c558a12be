// SPDX-License-Identifier: Apache-2.0
// Whom a Connector admits: keys, their ids and pre-shared keys, the pairs that may talk, and the watch for
// one key used at two places. Before it: the configuration. After it: connector.ts. The whole key decides
// (rule T2); an id alone authorises nothing. PROTOCOL section 9; rules K2, K5, K7.

export type Admitted = {
  /** 16 bytes. */
  id: Uint8Array;
  /** 32 bytes. */
  key: Uint8Array;
  /** The hop's pre-shared key, 32 bytes; zeros where there is none. */
  psk?: Uint8Array;
};

/** More supersessions of one key than this in a minute: two machines have it (rule K7). */
const SUPERSEDED_MOST = 3;
const MINUTE_MS = 60_000;
const NO_PSK = new Uint8Array(32);

export class Admissions {
  readonly #byKey = new Map<string, Admitted>();
  readonly #pairs = new Set<string>();
  readonly #superseded = new Map<string, number[]>();

  constructor(
    admitted: readonly Admitted[],
    pairs: readonly (readonly [Uint8Array, Uint8Array])[],
  ) {
    for (const one of admitted) this.#byKey.set(hex(one.key), one);
    for (const [one, other] of pairs) {
      this.#pairs.add(hex(one) + hex(other));
      this.#pairs.add(hex(other) + hex(one));
    }
  }

  get ids(): string[] {
    return [...this.#byKey.values()].map(({ id }) => hex(id));
  }

  /** The id of a key, hexadecimal; null for a key that nobody has told of. */
  idOf(key: Uint8Array): string | null {
    const admitted = this.#byKey.get(hex(key));
    return admitted === undefined ? null : hex(admitted.id);
  }

  /** The PSK of a key; zeros for an unknown one, whose refusal comes under the seal (rule K5). */
  pskOf(key: Uint8Array): Uint8Array {
    return this.#byKey.get(hex(key))?.psk ?? NO_PSK;
  }

  arePaired(from: string, to: string): boolean {
    return this.#pairs.has(from + to);
  }

  /** Notes a new hop of `id`; true while both its hops are to be held off. */
  isUsedTwice(id: string, isSuperseding: boolean, nowMs: number): boolean {
    const before = this.#superseded.get(id) ?? [];
    const recent = before.filter((at) => nowMs - at < MINUTE_MS);
    if (isSuperseding) recent.push(nowMs);
    this.#superseded.set(id, recent);
    return recent.length > SUPERSEDED_MOST;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
