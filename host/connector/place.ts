// SPDX-License-Identifier: Apache-2.0
// A place: one admitted STLink at a Connector, here or away: its keys in force, its queue, its hop, what it
// may send and what was counted of it. Before it: roster.ts makes one for each STLink of the settings.
// After it: connector.ts. Invariant: `to` and `from` are places of one tenant (rule T4).

import { hex } from "../service/hex.ts";
import { Bucket } from "./bucket.ts";
import type { RefusalName, Tally } from "./counters.ts";
import type { PacketQueue } from "./queue.ts";
import type { Seat } from "./seat.ts";
import type { AdmittedStlink, Rate } from "./settings.ts";

/** A customer: ids mean something inside it alone. */
export type Tenancy = {
  readonly name: string;
  /** Of all its STLinks together; null: unlimited. */
  bucket: Bucket | null;
  /** Grows with each change of who is admitted (rule K6); begins at 1 with the process. */
  version: number;
  /** By id, hexadecimal. */
  readonly places: Map<string, Place>;
};

/** More supersessions of one key than this in a minute: two machines have it (rule K7). */
const SUPERSEDED_MOST = 3;
const MINUTE_MS = 60_000;

export class Place {
  readonly tenancy: Tenancy;
  /** 16 bytes, and the same in hexadecimal. */
  readonly idBytes: Uint8Array;
  readonly id: string;
  readonly queue: PacketQueue;
  readonly #bucket: Bucket;
  name: string;
  /** Keys in force, hexadecimal (rule T3): `nextKey` is admitted as the same id, and then becomes `key`. */
  key: string;
  nextKey: string | null;
  /** The key that `nextKey` has replaced, which the file may name for a while yet. */
  #oldKey: string | null = null;
  psk: Uint8Array | null;
  /** The groups that it is in, by their numbers. */
  groups: ReadonlySet<number> = new Set();
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
  }

  /** Whether settings speak of this STLink still: an id with other keys is another one (rule T3). */
  continuesAs(stlink: AdmittedStlink): boolean {
    const keys = [hex(stlink.key), stlink.nextKey === null ? null : hex(stlink.nextKey)];
    return keys.includes(this.key) || (this.nextKey !== null && keys.includes(this.nextKey));
  }

  /** Takes what settings say now. A key that has been replaced since does not come back. */
  update(stlink: AdmittedStlink, rate: Rate, nowMs: number): void {
    this.name = stlink.name;
    this.#bucket.setRate(rate, nowMs);
    this.psk = stlink.psk;
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

  accepts(key: string): boolean {
    return key === this.key || key === this.nextKey;
  }

  isPairedWith(other: Place): boolean {
    if (other === this || other.tenancy !== this.tenancy) return false;
    const isFewer = this.groups.size < other.groups.size;
    const [few, many] = isFewer ? [this.groups, other.groups] : [other.groups, this.groups];
    for (const group of few) if (many.has(group)) return true;
    return false;
  }

  /** It wants nothing of this id for so long; 0 seconds: it does again (rule K3). */
  mute(from: string, seconds: number, nowMs: number): void {
    this.#mutedUntilMs ??= new Map();
    if (seconds === 0 || !this.tenancy.places.has(from)) this.#mutedUntilMs.delete(from);
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
