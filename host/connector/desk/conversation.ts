// SPDX-License-Identifier: Apache-2.0
// One stream between the desk and a Commander: what it says becomes drafts and commits, what the Connector
// knows is told. Before it: desk.ts takes the stream. After it: admissions.ts. PROTOCOL 9.1. Invariants: a
// draft holds at most DRAFT_MOST_BYTES; what is told of members is how things stand when it is written, so
// that a Commander that does not read costs no more than one that does.

import { Reason } from "../../core/abi.gen.ts";
import { type Core, StreamFlag } from "../../core/core.ts";
import type { Agent, StreamOwner } from "../../stlink/agent.ts";
import type { Draft } from "../admissions/admissions.ts";
import type { ListMessage, Version } from "../admissions/list.ts";
import type { Place } from "../place.ts";
import type { Tenancy } from "../tenancy.ts";
import { DeskError, type DeskMessage, DeskReader, encodeDesk } from "./messages.ts";

export type Commit = Draft & { version: Version };

export type ConversationOptions = {
  agent: Agent;
  stream: number;
  tenancy: Tenancy;
  /** The version in force. */
  version(): Version;
  /** Throws DeskError. */
  commit(commit: Commit): void;
  /** Milliseconds until the next COMMIT may be dealt with: the relay has the rest of the time. */
  restMs(): number;
  /** The stream ends for this. */
  onBad(why: string): void;
  onOver(): void;
};

/** What may stand between LIST or CHANGE and COMMIT: a hundred thousand STLinks. */
const DRAFT_MOST_BYTES = 16 << 20;
/** What has been said and not been written; beyond it nothing is read. */
const SAID_MOST = 1024;
/** Of these the newest are left out. Anybody may have tickets refused; a device shows a good one again. */
const TURNED_MOST = 256;
const SHOWN_MOST = 512;

/** `isStale`: another version than that is in force, and nothing of it counts. */
type Open = { base: Version | null; isStale: boolean; messages: ListMessage[]; bytes: number };

export class Conversation implements StreamOwner {
  readonly #options: ConversationOptions;
  readonly #reader = new DeskReader();
  /** Messages that came and have not been dealt with. */
  #heard: DeskMessage[] = [];
  #draft: Open | null = null;
  /** In the order in which they go out. */
  #said: DeskMessage[] = [];
  /** Members, by id, of whose hop is to be told, with the reason why the last one went. */
  readonly #untold = new Map<string, number>();
  #hasNamed = false;
  /** Bytes in and out when they were told last, by id; and whose are to be told. */
  readonly #told = new Map<string, number>();
  #moved: Place[] = [];
  /** What the stream had no room for. */
  #unsent: Uint8Array = new Uint8Array(0);
  /** Nothing is heard or said any more; then the stream is released too. */
  #isOver = false;
  #isGone = false;
  #isDue = false;
  #isResting = false;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#say({ type: "HOLDS", ...options.version() });
    for (const place of options.tenancy.places.values())
      if (place.seat !== null) this.tell(place, 0);
  }

  news(): void {
    if (this.#isGone) return;
    const flags = this.#core.streamFlags(this.#options.stream);
    if (flags < 0 || flags & StreamFlag.Closed) return this.#leave();
    if (!this.#isOver) this.#read();
    if (!this.#isOver) this.#write();
  }

  /** A member, or who shows a ticket, has a hop or none any more. */
  tell(place: Place, reason: number): void {
    if (place.guestOf !== null) return this.#showing(place);
    if (place === this.#options.tenancy.commander) return;
    this.#untold.set(place.id, reason);
    this.#writeSoon();
  }

  turned(codeId: Uint8Array, key: Uint8Array, reason: number, source: string): void {
    if (this.#said.length >= TURNED_MOST) return;
    this.#say({ type: "TURNED", codeId, key, reason, source });
  }

  /** Tells what has gone through since it was told last. */
  tellMoved(): void {
    if (this.#moved.length > 0) return;
    const { places, commander } = this.#options.tenancy;
    this.#moved = [...places.values()].filter((place) => {
      const { id, bytesIn, bytesOut, guestOf } = place;
      const isMember = place !== commander && guestOf === null;
      return isMember && (this.#told.get(id) ?? 0) !== bytesIn + bytesOut;
    });
    if (this.#moved.length > 0) this.#writeSoon();
  }

  /** Ends the stream from this side. */
  reset(reason: number): void {
    if (this.#isGone) return;
    this.#core.streamReset(this.#options.stream, reason);
    this.#leave();
  }

  get #core(): Core {
    return this.#options.agent.core;
  }

  #end(): void {
    this.#isOver = true;
    this.#heard = [];
    this.#draft = null;
    this.#options.onOver();
  }

  /** The stream's slot is another's from now on. */
  #leave(): void {
    this.#isGone = true;
    this.#end();
    this.#options.agent.release(this.#options.stream);
  }

  #read(): void {
    const { stream } = this.#options;
    try {
      this.#deal();
      while (this.#heard.length === 0 && this.#said.length < SAID_MOST && !this.#isOver) {
        const bytes = this.#core.streamTake(stream);
        if (bytes.length === 0) return this.#hearEnd();
        this.#heard = this.#reader.take(bytes);
        this.#deal();
      }
    } catch (error) {
      if (!(error instanceof DeskError)) throw error;
      this.#options.onBad(error.message);
      this.reset(Reason.BadRecord);
    }
  }

  /** The Commander has said all it wanted; there is nothing to answer any more. */
  #hearEnd(): void {
    if ((this.#core.streamFlags(this.#options.stream) & StreamFlag.Fin) === 0) return;
    if (this.#reader.isInside) throw new DeskError("the stream ended in the midst of a message");
    this.#core.streamFin(this.#options.stream);
    this.#end();
  }

  /** Messages in order, until a COMMIT has to wait. */
  #deal(): void {
    for (const [i, message] of this.#heard.entries()) {
      if (message.type === "COMMIT" && this.#rest()) {
        this.#heard = this.#heard.slice(i);
        return;
      }
      this.#take(message);
    }
    this.#heard = [];
  }

  #rest(): boolean {
    const restMs = this.#options.restMs();
    if (restMs === 0) return false;
    if (!this.#isResting) {
      this.#isResting = true;
      this.#options.agent.world.clock.after(restMs, () => {
        this.#isResting = false;
        this.news();
      });
    }
    return true;
  }

  #take(message: DeskMessage): void {
    switch (message.type) {
      case "LIST":
        return this.#begin(null);
      case "CHANGE":
        return this.#begin({ epoch: message.epoch, serial: message.serial });
      case "COMMIT":
        return this.#commit({ epoch: message.epoch, serial: message.serial });
      case "MEMBER":
      case "PAIR":
      case "TICKET":
      case "WAITING":
      case "CUSTOMER":
      case "REMOVE":
      case "UNPAIR":
      case "VOID":
      case "DISMISS":
        return this.#add(message);
      default:
        throw new DeskError(`${message.type} is the Connector's to say`);
    }
  }

  #begin(base: Version | null): void {
    if (this.#draft !== null) throw new DeskError("a LIST or CHANGE before the last one's COMMIT");
    const { epoch, serial } = this.#options.version();
    const isStale = base !== null && (base.epoch !== epoch || base.serial !== serial);
    this.#draft = { base, isStale, messages: [], bytes: 0 };
  }

  #add(message: ListMessage): void {
    const draft = this.#draft;
    if (draft === null) throw new DeskError(`${message.type} outside of LIST and CHANGE`);
    draft.bytes += encodeDesk(message).length;
    if (draft.bytes > DRAFT_MOST_BYTES) {
      throw new DeskError(`more than ${DRAFT_MOST_BYTES} bytes before COMMIT`);
    }
    if (!draft.isStale) draft.messages.push(message);
  }

  #commit(version: Version): void {
    const draft = this.#draft;
    if (draft === null) throw new DeskError("COMMIT without LIST or CHANGE");
    this.#draft = null;
    const { base, messages } = draft;
    if (!draft.isStale) this.#options.commit({ base, messages, version });
    this.#say({ type: "HOLDS", ...this.#options.version() });
  }

  /** It is this key's turn with a ticket. */
  #showing({ seat, guestOf, key }: Place): void {
    if (seat === null || guestOf === null || this.#said.length >= SHOWN_MOST) return;
    const codeId = new Uint8Array(Buffer.from(guestOf, "hex"));
    const source = seat.remoteHost;
    this.#say({ type: "SHOWN", codeId, key: new Uint8Array(Buffer.from(key, "hex")), source });
  }

  #say(message: DeskMessage): void {
    this.#said.push(message);
    this.#writeSoon();
  }

  /** Once for all that is to be said now. */
  #writeSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.agent.world.clock.soon(() => {
      this.#isDue = false;
      this.news();
      this.#options.agent.wake();
    });
  }

  #write(): void {
    const { stream } = this.#options;
    for (;;) {
      const room = this.#core.inRoom(stream);
      if (room <= 0) return;
      const bytes = this.#nextBytes(room);
      if (bytes.length === 0) return;
      const taken = this.#core.streamPut(stream, bytes);
      this.#unsent = bytes.subarray(taken);
      if (taken === 0) return;
    }
  }

  /** What is left over, and as many messages as make up about so many bytes. */
  #nextBytes(most: number): Uint8Array {
    const parts = [this.#unsent];
    let len = this.#unsent.length;
    while (len < most) {
      const message = this.#nextMessage();
      if (message === null) break;
      const bytes = encodeDesk(message);
      parts.push(bytes);
      len += bytes.length;
    }
    return new Uint8Array(Buffer.concat(parts));
  }

  #nextMessage(): DeskMessage | null {
    const said = this.#said.shift();
    if (said !== undefined) return said;
    for (const [id, reason] of this.#untold) {
      this.#untold.delete(id);
      return this.#presence(id, reason);
    }
    if (!this.#hasNamed) {
      this.#hasNamed = true;
      return { type: "NAMED" };
    }
    const place = this.#moved.pop();
    if (place === undefined) return null;
    const { id, idBytes, bytesIn, bytesOut } = place;
    this.#told.set(id, bytesIn + bytesOut);
    return { type: "MOVED", id: idBytes, bytesIn, bytesOut };
  }

  /** As it is now. */
  #presence(id: string, reason: number): DeskMessage {
    const place = this.#options.tenancy.places.get(id);
    const idBytes = new Uint8Array(Buffer.from(id, "hex"));
    const seat = place?.seat ?? null;
    if (seat === null) return { type: "GONE", id: idBytes, reason };
    const key = new Uint8Array(Buffer.from(seat.key, "hex"));
    return { type: "HERE", id: idBytes, key, source: seat.remoteHost };
  }
}
