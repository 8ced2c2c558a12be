// SPDX-License-Identifier: Apache-2.0
// The typed core: one instance of the module with its sizes, and its hops, links and streams as plain
// method calls. Before: an engine (engine-v8.ts, engine-wasm3.ts, ...). After: the STLink, the
// Connector, the simulation. Knows no protocol: it moves bytes across the boundary (DESIGN section 6).
// Invariant: a pointer is used before the next call into the core, never kept.

import { Status } from "./abi.gen.ts";
import type { CoreEngine, CoreFunction } from "./engine.ts";

export type Role = "stlink" | "connector";

/** Sizes of an instance, PROTOCOL section 12. Counts, and bytes where the name says so. */
export type Sizes = {
  hops: number;
  links: number;
  streams: number;
  handshakes: number;
  maxPacketBytes: number;
  maxRecordBytes: number;
  windowBytes: number;
  blockBytes: number;
  recvBlocks: number;
  sendBlocks: number;
  channels: number;
  replayBits: number;
  pendingOpens: number;
  hopBuffers: number;
  hopBufferBytes: number;
  hopCreditBytes: number;
  /** Two halves: the configuration in force, and the next one. None or 0: no control plane. */
  configBytes?: number;
};

/** A camera: 56 KiB of linear memory (rule M1). */
export const DEVICE_SIZES: Sizes = {
  hops: 2,
  links: 4,
  streams: 5,
  handshakes: 1,
  maxPacketBytes: 2048,
  maxRecordBytes: 1460,
  windowBytes: 8192,
  blockBytes: 256,
  recvBlocks: 36,
  sendBlocks: 54,
  channels: 5,
  replayBits: 64,
  pendingOpens: 1,
  hopBuffers: 3,
  hopBufferBytes: 2304,
  hopCreditBytes: 8192,
  configBytes: 2048,
};

/** A desktop or a gateway. */
export const DESKTOP_SIZES: Sizes = {
  hops: 4,
  links: 64,
  streams: 1024,
  handshakes: 64,
  maxPacketBytes: 65_000,
  maxRecordBytes: 16_384,
  windowBytes: 1 << 20,
  blockBytes: 4096,
  recvBlocks: 6144,
  sendBlocks: 6144,
  channels: 65,
  replayBits: 1024,
  pendingOpens: 32,
  hopBuffers: 12,
  hopBufferBytes: 131_072,
  hopCreditBytes: 1 << 20,
  configBytes: 65_535,
};

/** A Connector with room for `hops`. */
export function connectorSizes(hops: number): Sizes {
  return {
    ...DESKTOP_SIZES,
    hops,
    links: 0,
    streams: 0,
    recvBlocks: 0,
    sendBlocks: 0,
    handshakes: 16,
    channels: 16,
    hopBuffers: 64,
    configBytes: 0,
  };
}

const SIZE_ORDER: (keyof Sizes)[] = [
  "hops",
  "links",
  "streams",
  "handshakes",
  "maxPacketBytes",
  "maxRecordBytes",
  "windowBytes",
  "blockBytes",
  "recvBlocks",
  "sendBlocks",
  "channels",
  "replayBits",
  "pendingOpens",
  "hopBuffers",
  "hopBufferBytes",
  "hopCreditBytes",
  "configBytes",
];

/** The core refused a call. `status` is one of PROTOCOL 13.1. */
export class CoreError extends Error {
  override readonly name = "CoreError";
  readonly status: number;
  readonly code: string;

  constructor(call: string, status: number) {
    const code = statusName(status);
    super(`${call}: ${code}`);
    this.status = status;
    this.code = code;
  }
}

const STATUS_NAMES = new Map<number, string>(
  Object.entries(Status).map(([name, value]) => [value, name]),
);

/** Name of a status, PROTOCOL 13.1. */
export function statusName(status: number): string {
  return STATUS_NAMES.get(status) ?? `status ${status}`;
}

/** Bits of `flags`. */
export const CoreFlag = {
  News: 1,
  WantsEntropy: 2,
  WantsHop: 4,
  /** `pendingConfiguration` is to be stored, then `configurationStored`. */
  WantsStore: 8,
  /** The key pair given to `rotate` is to be stored as the present one, then `configurationStored`. */
  WantsKey: 16,
  /** Id, key or Connectors have changed: dial a new hop, then close the older ones. */
  WantsRedial: 32,
} as const;

/** Sections of a configuration. */
export const ConfigSection = { Connectors: 0, Peers: 1, Routes: 2 } as const;

/** Phases of `controlState`. */
export const ControlPhase = { None: 0, Activating: 1, Activated: 2 } as const;

export type ControlView = {
  phase: number;
  /** Reason (13.2) of the Commander's last refusal, or 0. */
  refused: number;
  leaseExpired: boolean;
  byRecoveryKey: boolean;
};

/** States of a hop, as `hop_state` gives them. */
export const HopState = { Handshake: 1, Greeting: 2, Up: 3, Closing: 4, Closed: 5 } as const;

export type HopView = { state: number; reason: number; asking: boolean; greeted: boolean };

/** Flags of a stream, as `stream_flags` gives them. */
export const StreamFlag = {
  Connected: 1,
  Readable: 2,
  Writable: 4,
  Fin: 8,
  Offered: 16,
  Closed: 32,
} as const;

export type StreamView = {
  link: number;
  number: number;
  kind: number;
  isOpener: boolean;
  reason: number;
  state: number;
  bindingId: Uint8Array;
  mappingId: Uint8Array;
};

/** A packet that a Connector is to queue. `bytes` is a copy. */
export type PacketInfo = {
  ptr: number;
  len: number;
  class: number;
  channel: number;
  names: number;
  to: Uint8Array | null;
};

/** What `hopStep` found. */
export const HopStep = { Idle: 0, More: 1, Packet: 2, Mute: 3 } as const;

export type Peer = {
  id: Uint8Array;
  key: Uint8Array;
  nextKey?: Uint8Array;
  psk?: Uint8Array;
  pskName?: Uint8Array;
};

const ZERO_KEY: Uint8Array = new Uint8Array(32);

export class Core {
  readonly engine: CoreEngine;
  readonly #arg: number;
  readonly #entropy: number;
  readonly #info: number;
  readonly #f: Record<BoundName, CoreFunction>;

  constructor(engine: CoreEngine) {
    this.engine = engine;
    this.#f = Object.fromEntries(BOUND.map((name) => [name, engine.bind(name)])) as Record<
      BoundName,
      CoreFunction
    >;
    this.#arg = engine.call("arg_ptr");
    this.#entropy = engine.call("entropy_ptr");
    this.#info = engine.call("packet_info_ptr");
  }

  /** Linear memory that an instance of these sizes takes, bytes, rounded up generously. */
  static memoryBytes(sizes: Sizes): number {
    const hopBytes = 640 + 2 * sizes.channels * 24;
    const linkBytes = 900 + sizes.replayBits / 4;
    const streamBytes = 560 + sizes.replayBits / 8;
    const blocks = (sizes.recvBlocks + sizes.sendBlocks) * (sizes.blockBytes + 4);
    const buffers = (sizes.hopBuffers + 1) * sizes.hopBufferBytes;
    const tables =
      sizes.hops * hopBytes +
      sizes.links * linkBytes +
      sizes.streams * streamBytes +
      sizes.handshakes * 5400;
    const others = sizes.maxRecordBytes + (sizes.configBytes ?? 0) + 1024;
    return 16_384 + tables + blocks + buffers + others;
  }

  /** Starts the instance. Throws CoreError: BadArgument (a size), NoBuffer (memory). */
  start(role: Role, sizes: Sizes, now: number): void {
    this.engine.growTo?.(Core.memoryBytes(sizes));
    const fields = new Uint32Array(SIZE_ORDER.length + 1);
    SIZE_ORDER.forEach((name, i) => {
      fields[i] = sizes[name] ?? 0;
    });
    fields[SIZE_ORDER.length] = this.engine.memoryBytes();
    this.engine.write(this.engine.call("sizes_ptr"), new Uint8Array(fields.buffer));
    this.#check("start", this.engine.call("start", role === "stlink" ? 1 : 2, now | 0));
  }

  /** Wipes the instance; it may be started again. */
  stop(): void {
    this.engine.call("stop");
    this.engine.dropCode?.();
  }

  /** The X25519 public key of a private one, 32 bytes each, in bounded steps. */
  publicKey(privateKey: Uint8Array): Uint8Array {
    this.engine.write(this.#arg, privateKey);
    this.engine.call("prim_x25519_start", this.#arg, 0);
    while (this.engine.call("prim_x25519_step") === 0) {}
    this.engine.call("prim_x25519_finish", this.#arg);
    return this.engine.read(this.#arg, 32);
  }

  /** Sets the static key pair and this STLink's id (16 bytes; zeros for a Connector). */
  setIdentity(privateKey: Uint8Array, publicKey: Uint8Array, id: Uint8Array): void {
    this.#put(privateKey, publicKey, id);
    this.#check("identity_set", this.engine.call("identity_set"));
  }

  /** Takes in 32 fresh bytes of entropy. */
  feed(entropy: Uint8Array, boots = 0): void {
    this.engine.write(this.#entropy, entropy);
    this.engine.call("feed", boots, 0);
  }

  /** Runs the timers. Milliseconds to the next deadline; 0: something is to be sent. */
  tick(now: number): number {
    return this.#f.tick(now | 0);
  }

  /** One bounded step of handshake computation. True while there is more. */
  work(): boolean {
    return this.#f.work() === 1;
  }

  /** bit 0: streams have news; 1: entropy is wanted; 2: a hop is wanted. */
  flags(): number {
    return this.#f.flags();
  }

  /** Why a packet was dropped, or a handshake failed, last; 0: nothing since. */
  takeDrop(): number {
    return this.#f.take_drop();
  }

  /** STLink: begins a hop to a Connector's key. `ticket` is codeId and ticket, 40 bytes (10.2). */
  hopDial(connectorKey: Uint8Array, psk = ZERO_KEY, ticket?: Uint8Array): number {
    this.#put(connectorKey, psk, ...(ticket ? [ticket] : []));
    return this.#check("hop_open", this.#f.hop_open(ticket ? 1 : 0));
  }

  /** Connector: takes a hop for a connection that was accepted. */
  hopAccept(): number {
    return this.#check("hop_open", this.#f.hop_open(0));
  }

  hopFree(hop: number): void {
    this.#f.hop_free(hop);
  }

  hopState(hop: number): HopView {
    const word = this.#f.hop_state(hop);
    if (word < 0) return { state: HopState.Closed, reason: 0, asking: false, greeted: false };
    return {
      state: word & 0xff,
      reason: (word >> 8) & 0xff,
      asking: (word & 0x10000) !== 0,
      greeted: (word & 0x20000) !== 0,
    };
  }

  /** The status that ended the hop, or 0. */
  hopStatus(hop: number): number {
    return this.#f.hop_status(hop);
  }

  /** The key that the other side showed, 32 bytes. */
  hopPeerKey(hop: number): Uint8Array {
    return this.engine.read(this.#f.hop_peer_ptr(hop), 32);
  }

  /** What a device showed with TICKET: codeId (8) and ticket (32), zeros when it did not. */
  hopTicket(hop: number): Uint8Array {
    return this.engine.read(this.#f.hop_peer_ptr(hop) + 80, 40);
  }

  /** The largest packet that the STLink on this hop takes, bytes; 0 before its HOP_HELLO. */
  hopMaxPacket(hop: number): number {
    const bytes = this.engine.read(this.#f.hop_peer_ptr(hop) + 120, 4);
    return new DataView(bytes.buffer).getUint32(0, true);
  }

  /** Gives bytes of the wire; returns how many were taken (0: later). */
  hopPut(hop: number, bytes: Uint8Array): number {
    const room = this.#f.hop_rx_room(hop);
    const ptr = this.#f.hop_rx_ptr(hop);
    if (room <= 0 || ptr <= 0) return 0;
    const part = bytes.length > room ? bytes.subarray(0, room) : bytes;
    this.engine.write(ptr, part);
    this.#check("hop_rx_commit", this.#f.hop_rx_commit(hop, part.length));
    return part.length;
  }

  /** Deals with one record: HopStep, or the status that ended the hop. */
  hopStep(hop: number): number {
    return this.#f.hop_rx_step(hop);
  }

  /** The packet of the last HopStep.Packet. */
  packetInfo(): PacketInfo {
    const words = new Uint32Array(this.engine.read(this.#info, 24).buffer);
    const [ptr = 0, len = 0, kind = 0, channel = 0, names = 0, idPtr = 0] = words;
    const to = idPtr === 0 ? null : this.engine.read(idPtr, 16);
    return { ptr, len, class: kind, channel, names, to };
  }

  /** Bytes to be written to the wire now, a copy; empty when there are none. */
  hopTake(hop: number, most = 65_536): Uint8Array {
    const ready = this.#f.hop_tx_fill(hop);
    if (ready <= 0) return EMPTY;
    const bytes = this.engine.read(this.#f.hop_tx_ptr(hop), Math.min(ready, most));
    this.#f.hop_tx_consume(hop, bytes.length);
    return bytes;
  }

  /** Connector: answers a hop that asks, with the PSK of its key (zeros for an unknown one). */
  hopAnswer(hop: number, psk = ZERO_KEY): void {
    this.#put(psk);
    this.#check("hop_answer", this.#f.hop_answer(hop));
  }

  /** Connector: admits a greeted hop. */
  hopAdmit(hop: number, id: Uint8Array, queueBytes: number): void {
    this.#put(id);
    this.#check("hop_admit", this.#f.hop_admit(hop, queueBytes));
  }

  /** Ends a hop with a reason (13.2): REFUSED before admission, CLOSE after it. */
  hopClose(hop: number, reason: number): void {
    this.#f.hop_close(hop, reason);
  }

  hopDrain(hop: number, afterMs: number): void {
    this.#f.hop_drain(hop, afterMs);
  }

  /** Connector: DROPPED with `reason`, or a hint: "away", "back". */
  hopTell(hop: number, channel: number, what: number | "away" | "back"): void {
    this.#f.hop_tell(hop, channel, what === "away" ? -1 : what === "back" ? -2 : what, 0);
  }

  /** Connector: forwards a packet from an id. False: no credit, room or buffer now. */
  forward(hop: number, kind: number, from: Uint8Array, packet: Uint8Array): boolean {
    const ptr = this.#f.forward_ptr(hop, packet.length);
    if (ptr <= 0) return false;
    this.engine.write(ptr, packet);
    this.#put(from);
    return this.#f.forward_commit(hop, kind, packet.length) === Status.Ok;
  }

  /** Adds a peer or changes its keys; returns the link. */
  linkAdd(peer: Peer): number {
    const none = new Uint8Array(8);
    this.#put(
      peer.id,
      peer.key,
      peer.nextKey ?? ZERO_KEY,
      peer.psk ?? ZERO_KEY,
      peer.pskName ?? none,
    );
    return this.#check("link_add", this.#f.link_add());
  }

  linkRemove(link: number, reason: number): void {
    this.#check("link_remove", this.#f.link_remove(link, reason));
  }

  /** Wishes for a session without a stream. */
  linkConnect(link: number): void {
    this.#check("link_connect", this.#f.link_connect(link));
  }

  /** Opens a stream; kind 1 bytes, 2 datagrams, 3 control. */
  streamOpen(link: number, kind: number, bindingId: Uint8Array, mappingId: Uint8Array): number {
    this.#put(bindingId, mappingId);
    return this.#check("stream_open", this.#f.stream_open(link, kind));
  }

  /** The next stream with news, or -1. */
  streamNext(): number {
    return this.#f.stream_next();
  }

  streamFlags(stream: number): number {
    return this.#f.stream_flags(stream);
  }

  streamInfo(stream: number): StreamView {
    this.#check("stream_info", this.#f.stream_info(stream));
    const bytes = this.engine.read(this.#arg, 44);
    const view = new DataView(bytes.buffer);
    return {
      link: view.getInt32(0, true),
      number: view.getUint32(4, true),
      kind: bytes[8] ?? 0,
      isOpener: bytes[9] === 1,
      reason: bytes[10] ?? 0,
      state: bytes[11] ?? 0,
      bindingId: bytes.slice(12, 28),
      mappingId: bytes.slice(28, 44),
    };
  }

  streamConnected(stream: number): void {
    this.#check("stream_connected", this.#f.stream_connected(stream));
  }

  streamReset(stream: number, reason: number): void {
    this.#f.stream_reset(stream, reason);
  }

  streamFin(stream: number): void {
    this.#f.stream_fin(stream);
  }

  streamRelease(stream: number): number {
    return this.#f.stream_release(stream);
  }

  streamHold(stream: number, ms: number): void {
    this.#check("stream_hold", this.#f.stream_hold(stream, ms));
  }

  /** Bytes that the stream takes now, at most one record. */
  inRoom(stream: number): number {
    return this.#f.in_room(stream);
  }

  /** Gives application bytes; returns how many were taken (one record at most). */
  streamPut(stream: number, bytes: Uint8Array): number {
    const room = this.#f.in_room(stream);
    if (room <= 0) return 0;
    const part = bytes.length > room ? bytes.subarray(0, room) : bytes;
    this.engine.write(this.#f.in_ptr(), part);
    return this.#check("in_commit", this.#f.in_commit(stream, part.length));
  }

  /** Takes application bytes, a copy of one row; empty when there are none. */
  streamTake(stream: number, most = 1 << 30): Uint8Array {
    const len = Math.min(this.#f.out_len(stream), most);
    if (len <= 0) return EMPTY;
    const bytes = this.engine.read(this.#f.out_ptr(stream), len);
    this.#f.out_consume(stream, len);
    return bytes;
  }

  /** Sends a datagram. Returns a status. */
  datagramPut(stream: number, flow: number, bytes: Uint8Array): number {
    if (bytes.length > this.#f.in_room(stream)) return Status.TooBig;
    this.engine.write(this.#f.in_ptr(), bytes);
    return this.#f.datagram_commit(stream, flow, bytes.length);
  }

  /** Takes the oldest datagram, or null. */
  datagramTake(stream: number): { flow: number; bytes: Uint8Array } | null {
    const len = this.#f.datagram_out(stream);
    if (len < 0) return null;
    return { flow: this.#f.datagram_flow(), bytes: this.engine.read(this.#f.in_ptr(), len) };
  }

  // Control plane, PROTOCOL section 10.

  /** Where activation stands, and what the Commander and the lease say. */
  controlState(): ControlView {
    const word = this.#f.control_state();
    return {
      phase: word & 0xff,
      refused: (word >> 8) & 0xff,
      leaseExpired: (word & 0x10000) !== 0,
      byRecoveryKey: (word & 0x20000) !== 0,
    };
  }

  /**
   * Takes an activation code; returns what the next hop shows. To be called again before each such
   * hop. Throws CoreError: BadCode, BadState (activated already).
   */
  loadCode(code: Uint8Array, platform = EMPTY): { connectorKey: Uint8Array; ticket: Uint8Array } {
    const at = this.#f.config_ptr();
    this.engine.write(at, code);
    this.engine.write(at + code.length, platform);
    this.#check("code_load", this.#f.code_load(code.length, platform.length));
    const shown = this.engine.read(this.#arg, 104);
    return { connectorKey: shown.slice(0, 32), ticket: shown.slice(64) };
  }

  /** Puts what was stored into force, before the first hop. Throws CoreError: BadConfig. */
  loadConfiguration(stored: Uint8Array): void {
    this.engine.write(this.#f.config_ptr(), stored);
    this.#check("config_load", this.#f.config_load(stored.length));
  }

  /** What is to be stored now (CoreFlag.WantsStore), a copy; empty when there is nothing. */
  pendingConfiguration(): Uint8Array {
    return this.engine.read(this.#f.config_ptr(), this.#f.config_len());
  }

  /** What was asked for is on flash, or could not be put there. */
  configurationStored(ok = true): void {
    this.#check("config_stored", this.#f.config_stored(ok ? 1 : 0));
  }

  /** The entries of a section of the configuration in force, copies; their bytes are those of 10.3. */
  configurationEntries(section: (typeof ConfigSection)[keyof typeof ConfigSection]): Uint8Array[] {
    return Array.from({ length: this.#f.config_count(section) }, (_, i) => {
      const at = this.#f.config_entry(section, i);
      return this.engine.read(at, this.#f.config_entry_len());
    });
  }

  /** Tells the Commander of a new key pair, which has been stored beside the present one. */
  rotate(privateKey: Uint8Array, publicKey: Uint8Array): void {
    this.#put(privateKey, publicKey);
    this.#check("rotate", this.#f.rotate());
  }

  /** What is left of the lease, milliseconds, to be saved hourly; Infinity: it never ends. */
  leaseLeftMs(): number {
    const units = this.#f.lease_left();
    return units === 0x7fffffff ? Number.POSITIVE_INFINITY : units * 1024;
  }

  /** Sets what was left when it was saved, after `loadConfiguration`. */
  setLeaseLeftMs(ms: number): void {
    this.#check("lease_set", this.#f.lease_set(Math.floor(Math.min(ms / 1024, 0x7fffffff))));
  }

  #put(...parts: Uint8Array[]): void {
    let at = this.#arg;
    for (const part of parts) {
      this.engine.write(at, part);
      at += part.length;
    }
  }

  #check(call: string, result: number): number {
    if (result < 0) throw new CoreError(call, result);
    return result;
  }
}

const EMPTY = new Uint8Array(0);

const BOUND = [
  "tick",
  "work",
  "flags",
  "take_drop",
  "hop_open",
  "hop_free",
  "hop_state",
  "hop_status",
  "hop_peer_ptr",
  "hop_rx_ptr",
  "hop_rx_room",
  "hop_rx_commit",
  "hop_rx_step",
  "hop_tx_fill",
  "hop_tx_ptr",
  "hop_tx_consume",
  "hop_answer",
  "hop_admit",
  "hop_close",
  "hop_drain",
  "hop_tell",
  "forward_ptr",
  "forward_commit",
  "link_add",
  "link_remove",
  "link_connect",
  "stream_open",
  "stream_next",
  "stream_flags",
  "stream_info",
  "stream_connected",
  "stream_reset",
  "stream_fin",
  "stream_hold",
  "stream_release",
  "in_ptr",
  "in_room",
  "in_commit",
  "out_len",
  "out_ptr",
  "out_consume",
  "datagram_commit",
  "datagram_out",
  "datagram_flow",
  "control_state",
  "code_load",
  "config_ptr",
  "config_len",
  "config_load",
  "config_stored",
  "config_count",
  "config_entry",
  "config_entry_len",
  "rotate",
  "lease_left",
  "lease_set",
] as const;
type BoundName = (typeof BOUND)[number];
