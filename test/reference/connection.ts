// SPDX-License-Identifier: Apache-2.0
// Layer 1 between the opener and the accepter of one stream: handshake, records, key update,
// datagrams. PROTOCOL.md 3.2, 6 and 8. link-streams.ts carries its bytes; stream.ts orders them.
// Invariant: a record is sealed once, and its number is its nonce (D6).

import { open, rekey, seal } from "./aead.ts";
import { concat, encodeUint, Writer } from "./bytes.ts";
import { label } from "./hop.ts";
import { type Ephemerals, HandshakeState, type Split } from "./noise.ts";
import { ReplayWindow } from "./replay.ts";
import { ProtocolError } from "./status.ts";

export const RECORD_TYPE = {
  data: 0x41,
  fin: 0x42,
  reset: 0x43,
  keyUpdate: 0x44,
  connected: 0x45,
} as const;

/** A record's type byte and tag. */
export const RECORD_OVERHEAD = 17;

const NO_AD = new Uint8Array(0);

/** What binds a connection to its link session (3.2), 101 bytes with the label. */
export interface ConnectionContext {
  handshakeHash: Uint8Array;
  openerLinkId: Uint8Array;
  accepterLinkId: Uint8Array;
  stream: number;
  bindingId: Uint8Array;
  mappingId: Uint8Array;
  kind: number;
}

/** The NNhfs handshake of one stream. */
export function newConnectionHandshake(
  initiator: boolean,
  context: ConnectionContext,
  ephemerals: Ephemerals,
): HandshakeState {
  const prologue = new Writer()
    .bytes(label("sealed/1 conn"))
    .bytes(context.handshakeHash)
    .bytes(context.openerLinkId)
    .bytes(context.accepterLinkId)
    .u32(context.stream)
    .bytes(context.bindingId)
    .bytes(context.mappingId)
    .u8(context.kind)
    .finish();
  return new HandshakeState({ pattern: "NNhfs", initiator, prologue, ephemerals });
}

/** Sends records of one direction. */
export class RecordSealer {
  private key: Uint8Array;
  private number = 0;

  constructor(key: Uint8Array) {
    this.key = key;
  }

  get nextNumber(): number {
    return this.number;
  }

  /** Seals the next record; KEY_UPDATE changes the key of what follows. */
  seal(type: number, bytes: Uint8Array): Uint8Array {
    const record = seal(this.key, this.number++, NO_AD, concat(Uint8Array.of(type), bytes));
    if (type === RECORD_TYPE.keyUpdate) this.key = rekey(this.key);
    return record;
  }
}

/** Opens records of one direction. */
export class RecordOpener {
  private key: Uint8Array;

  constructor(key: Uint8Array) {
    this.key = key;
  }

  /** Opens record `number`; the caller keeps the order. Throws `BadRecord`. */
  open(number: number | bigint, record: Uint8Array): { type: number; bytes: Uint8Array } {
    let plaintext: Uint8Array;
    try {
      plaintext = open(this.key, number, NO_AD, record);
    } catch {
      throw new ProtocolError("BadRecord");
    }
    const type = plaintext[0] ?? 0;
    const bytes = plaintext.slice(1);
    checkShape(type, bytes.length);
    if (type === RECORD_TYPE.keyUpdate) this.key = rekey(this.key);
    return { type, bytes };
  }
}

/** Both directions of a connection, seen from one side. */
export function connectionKeys(split: Split, opener: boolean) {
  return {
    send: opener ? split.toResponder : split.toInitiator,
    receive: opener ? split.toInitiator : split.toResponder,
  };
}

/** A channel of datagrams (section 8). */
export class DatagramChannel {
  private readonly sendKey: Uint8Array;
  private readonly receiveKey: Uint8Array;
  private readonly window: ReplayWindow;
  private counter = 0;
  /** Something of the peer has been opened. */
  hasHeard = false;

  constructor(keys: { send: Uint8Array; receive: Uint8Array }, replayWindow: number) {
    this.sendKey = keys.send;
    this.receiveKey = keys.receive;
    this.window = new ReplayWindow(replayWindow);
  }

  seal(flow: number, bytes: Uint8Array): { counter: bigint; sealed: Uint8Array } {
    const counter = BigInt(this.counter++);
    return { counter, sealed: this.sealAt(counter, flow, bytes) };
  }

  /** Goes on counting behind `counter`. */
  sealAt(counter: bigint, flow: number, bytes: Uint8Array): Uint8Array {
    this.counter = Number(counter) + 1;
    return seal(this.sendKey, counter, encodeUint(flow, 2), bytes);
  }

  /** Throws `Stale`, `BadTag`. */
  open(flow: number, counter: bigint, sealed: Uint8Array): Uint8Array {
    this.window.check(counter);
    const bytes = open(this.receiveKey, counter, encodeUint(flow, 2), sealed);
    this.window.take(counter);
    return bytes;
  }
}

function checkShape(type: number, length: number): void {
  const wanted: Record<number, number> = {
    [RECORD_TYPE.fin]: 0,
    [RECORD_TYPE.reset]: 1,
    [RECORD_TYPE.keyUpdate]: 0,
    [RECORD_TYPE.connected]: 0,
  };
  const good = type === RECORD_TYPE.data ? length > 0 : wanted[type] === length;
  if (!good) throw new ProtocolError("BadRecord");
}
