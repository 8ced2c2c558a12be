// SPDX-License-Identifier: Apache-2.0
// A place: one admitted STLink at a Connector, here or away: its keys in force, its queue, its hop, what it
// may send and what was counted of it. Before it: roster.ts makes one for each STLink of the settings, or of
// a Commander. After it: connector.ts. Invariant: `to` and `from` are places of one tenant (rule T4), but for
// the desk and the Commanders (PROTOCOL 9.1).

import { hex } from "../service/hex.ts";
import { Bucket } from "./bucket.ts";
import type { RefusalName, Tally } from "./counters.ts";
import type { PacketQueue } from "./queue.ts";
import type { Seat } from "./seat.ts";
import type { AdmittedStlink, Rate } from "./settings.ts";
import type { Tenancy } from "./tenancy.ts";

/** More supersessions of one key than this in a minute: two machines have it (rule K7). */
const SUPERSEDED_MOST = 3;
const MINUTE_MS = 60_000;
const NONE: ReadonlySet<number> = new Set();
const NO_PSK = new Uint8Array(32);

export class Place {
  readonly tenancy: Tenancy;
  /** 16 bytes, and the same in hexadecimal. */
  readonly idBytes: Uint8Array;
  readonly id: string;
  readonly queue: PacketQueue;
  readonly #bucket: Bucket;
  /** Handshakes begun since the last one that was finished, and whether that one had zeros as its PSK. */
  #pskTries = 0;
  #hasDialledBare = false;
  name: string;
  /** Keys in force, hexadecimal (rule T3): `nextKey` is admitted as the same id, and then becomes `key`. */
  key: string;
  nextKey: string | null;
  /** The key that `nextKey` has replaced, which the file may name for a while yet. */
  #oldKey: string | null = null;
  psk: Uint8Array | null;
  /** The groups of the file that it is in, by their numbers. */
  groups: ReadonlySet<number> = NONE;
  /** Ids, hexadecimal, that a Commander has paired it with; null: none. */
  pairs: Set<string> | null = null;
  /** It shows this code's ticket (16 digits), and speaks to the Commander alone; null: it is admitted for good. */
  readonly guestOf: string | null;
  /** It came by this code, and has not confirmed yet: it may dial with zeros as PSK too (PROTOCOL 10.2). */
  codeId: string | null;
  /** Whom it talks to beyond its tenant, by id: the desk, or the Commanders (PROTOCOL 9.1). */
  neighbours: ReadonlyMap<string, Place> | null = null;
  seat: Seat | null = null;
  /** Senders, by id, that know that it is away. Most places have none. */
  toldAway: Set<string> | null = null;
  /** Until when it wants nothing of a sender, by id; null: it never said so. */
  #mutedUntilMs: Map<string, number> | null = null;
  /** When its key last came to a second place, and whether that is alarming now. */
  #superseded: number[] = [];
  #isHeldOff = false;
  /** Of all its hops; as a sender (in) and as a receiver (out). */
  packetsIn = 0;
  packetsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Packets that it sent. */
  readonly refused: Tally<RefusalName> = {};

  constructor(
    tenancy: Tenancy,
    stlink: AdmittedStlink,
    queue: PacketQueue,
    rate: Rate,
    nowMs: number,
  ) {
    this.tenancy = tenancy;
    this.idBytes = stlink.id;
    this.id = hex(stlink.id);
    this.queue = queue;
    this.#bucket = new Bucket(rate, nowMs);
    this.name = stlink.name;
    this.key = hex(stlink.key);
    this.nextKey = stlink.nextKey === null ? null : hex(stlink.nextKey);
    this.psk = stlink.psk;
    this.codeId = stlink.codeId ?? null;
    this.guestOf = stlink.guestOf ?? null;
  }

  /** Whether settings speak of this STLink still: an id with other keys is another one (rule T3). */
  continuesAs(stlink: AdmittedStlink): boolean {
    const keys = [hex(stlink.key), stlink.nextKey === null ? null : hex(stlink.nextKey)];
    return keys.includes(this.key) || (this.nextKey !== null && keys.includes(this.nextKey));
  }

  setRate(rate: Rate, nowMs: number): void {
    this.#bucket.setRate(rate, nowMs);
  }

  /** Takes what settings say now. A key that has been replaced since does not come back. */
  update(stlink: AdmittedStlink, rate: Rate, nowMs: number): void {
    this.name = stlink.name;
    this.setRate(rate, nowMs);
    this.psk = stlink.psk;
    this.codeId = stlink.codeId ?? null;
    const [key, nextKey] = [hex(stlink.key), stlink.nextKey === null ? null : hex(stlink.nextKey)];
    if (key === this.#oldKey && nextKey === this.key) return;
    this.#oldKey = null;
    this.key = key;
    this.nextKey = nextKey;
  }

  /** A handshake under `key` was finished: `nextKey` becomes the key, and the old one is dropped. */
  takeKey(key: string): void {
    if (key !== this.nextKey) return;
    this.#oldKey = this.key;
    this.key = key;
    this.nextKey = null;
    this.tenancy.version += 1;
  }

  /** Its next key is in force, and the settings do not say so yet. */
  get hasChangedKey(): boolean {
    return this.#oldKey !== null;
  }

  /** Those that it has and the one that it had. */
  allKeys(): string[] {
    return [this.key, this.nextKey, this.#oldKey].filter((key) => key !== null);
  }

  accepts(key: string): boolean {
    return key === this.key || key === this.nextKey;
  }

  /** The PSK for its next handshake. Where it may have another one too, the two come in turn. */
  nextPsk(): Uint8Array {
    const psk = this.psk ?? NO_PSK;
    if (this.codeId === null) return psk;
    const isOther = this.#pskTries % 2 === 1;
    this.#pskTries += 1;
    return isOther === this.#hasDialledBare ? psk : NO_PSK;
  }

  /** A handshake with this PSK was finished: the next one begins with it. */
  notePsk(psk: Uint8Array): void {
    this.#pskTries = 0;
    this.#hasDialledBare = hex(psk) !== hex(this.psk ?? NO_PSK);
  }

  /** Whether a hop that was made with this PSK may stay. */
  acceptsPsk(psk: Uint8Array): boolean {
    const text = hex(psk);
    return text === hex(this.psk ?? NO_PSK) || (this.codeId !== null && text === hex(NO_PSK));
  }

  /** Whom it calls by this id. */
  resolve(id: string): Place | undefined {
    return this.tenancy.places.get(id) ?? this.neighbours?.get(id);
  }

  isPairedWith(other: Place): boolean {
    if (other === this) return false;
    if (other.tenancy !== this.tenancy) return this.neighbours?.get(other.id) === other;
    const { commander } = this.tenancy;
    if (commander !== null && (commander === this || commander === other)) return true;
    if (this.pairs?.has(other.id) && other.guestOf === null) return true;
    const isFewer = this.groups.size < other.groups.size;
    const [few, many] = isFewer ? [this.groups, other.groups] : [other.groups, this.groups];
    for (const group of few) if (many.has(group)) return true;
    return false;
  }

  /** It wants nothing of this id for so long; 0 seconds: it does again (rule K3). */
  mute(from: string, seconds: number, nowMs: number): void {
    this.#mutedUntilMs ??= new Map();
    if (seconds === 0 || this.resolve(from) === undefined) this.#mutedUntilMs.delete(from);
    else this.#mutedUntilMs.set(from, nowMs + seconds * 1000);
  }

  isMuted(from: string, nowMs: number): boolean {
    return (this.#mutedUntilMs?.get(from) ?? 0) > nowMs;
  }

  /** Takes a packet's share of what it, and its tenant, may send. False: there is none (rule K3). */
  spend(bytes: number, nowMs: number): boolean {
    const tenant = this.tenancy.bucket;
    if (!this.#bucket.has(bytes, nowMs) || tenant?.has(bytes, nowMs) === false) return false;
    this.#bucket.spend(bytes, 1);
    tenant?.spend(bytes, 1);
    return true;
  }

  /** Bytes of its hop that were no packets: nothing refuses them, but they are paid for. */
  spendOverhead(bytes: number): void {
    this.#bucket.spend(bytes, 0);
  }

  /** How long it should send nothing, milliseconds. */
  waitMs(nowMs: number): number {
    return Math.max(this.#bucket.waitMs(nowMs), this.tenancy.bucket?.waitMs(nowMs) ?? 0);
  }

  /** Notes a new hop: "first" while both hops are to be held off from now on, "still" while they are. */
  noteHop(isSuperseding: boolean, nowMs: number): "alone" | "first" | "still" {
    const recent = this.#superseded.filter((at) => nowMs - at < MINUTE_MS);
    if (isSuperseding) recent.push(nowMs);
    this.#superseded = recent;
    const wasHeldOff = this.#isHeldOff;
    this.#isHeldOff = recent.length > SUPERSEDED_MOST;
    if (!this.#isHeldOff) return "alone";
    return wasHeldOff ? "still" : "first";
  }
}
