// SPDX-License-Identifier: Apache-2.0
// The one way to the network for STLink and Connector: connections as ordered bytes both ways, with
// back-pressure, half-close and reset; and datagrams. Before it: tcp.ts, udp.ts, or the simulation. After
// it: hop-wire.ts, the Bindings and Mappings. DESIGN section 2 ("sockets can be simulated"); F4, K8.
// Invariants: `closed` is the last event, and comes once; no `data` between pause() and resume();
// nothing here calls back into its caller before that caller's own call has returned. What was handed
// over is read where it stands until `unsentBytes` is 0, or reset() has been called, and not after.

export type Address = { host: string; port: number };

/** Why a connection ended other than by both sides' half-close. */
export type Ending = "Refused" | "Unreachable" | "TimedOut" | "Reset" | "Failed";

export type ConnectionEvents = {
  /** The connection that `connect` began is there. Not called for an accepted one. */
  opened?(): void;
  /**
   * Where bytes may land, if anywhere: one area for any number of connections, since each `data` tells of its
   * bytes before the next read. Only connections that `connect` began use it.
   */
  readonly landing?: Uint8Array | undefined;
  /** Bytes came. They stand where they are during this call only. */
  data(bytes: Uint8Array): void;
  /** `unsentBytes`, which was above 0 after a write, is 0 again. */
  drained(): void;
  /** The other side has half-closed: no more data. */
  ended(): void;
  /** The connection is over. null: it was closed, by either side, without an error. */
  closed(why: Ending | null): void;
};

/** A writer hands over datagrams only while fewer bytes than this are unsent (rule K8). */
export const UNSENT_MOST = 65_536;

export interface Connection {
  /** The other side's host, as a limit per source sees it; empty before `opened`. */
  readonly remoteHost: string;
  /** Bytes handed over that the network has not taken yet. */
  readonly unsentBytes: number;
  /** Hands over all of `bytes`, without copying them. Returns `unsentBytes`. */
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  /** Half-close: after what was written, no more. */
  end(): void;
  /** Ends both directions at once; what is unsent is lost and the other side sees a reset. */
  reset(): void;
  /** Ends both directions after what was written. */
  close(): void;
}

export interface Listener {
  /** Where it listens; the port is the real one. */
  readonly address: Address;
  close(): void;
}

/** Takes an accepted connection: gives who listens to it, or null to reset it. */
export type Accept = (connection: Connection) => ConnectionEvents | null;

/** Why a datagram did not get through. Its socket goes on. */
export type DatagramFailure = "Refused" | "Unreachable" | "TooBig" | "Failed";

export type DatagramEvents = {
  /** A datagram came; its bytes are the receiver's to keep. */
  datagram(bytes: Uint8Array, from: Address): void;
  /** One that was sent before did not get through, as far as this machine was told. */
  failed(why: DatagramFailure): void;
};

export interface DatagramSocket {
  /** Where it is bound; the port is the real one. */
  readonly address: Address;
  /** Bytes handed over that the network has not taken yet. */
  readonly unsentBytes: number;
  /** Hands over a datagram, whose bytes may not be changed afterwards. A dialled socket takes no `to`. */
  send(bytes: Uint8Array, to?: Address): void;
  /** No event comes after it. */
  close(): void;
}

/** Hosts are IP addresses here, never names. */
export interface DatagramTransport {
  /** A socket for everybody's datagrams; port 0 is any free one. Rejects with the system's error. */
  bindDatagrams(address: Address, events: DatagramEvents): Promise<DatagramSocket>;
  /** A socket to one address: only its datagrams come, and its refusals (ICMP) are heard. */
  dialDatagrams(address: Address, events: DatagramEvents): DatagramSocket;
}

export interface StreamTransport {
  /** Begins to connect. `opened` or `closed` follows. */
  connect(address: Address, events: ConnectionEvents): Connection;
  /** All IP addresses of a host name; an IP address is its own. Rejects with the system's error. */
  lookup(host: string): Promise<string[]>;
  /** Listens; port 0 is any free one. Rejects with the system's error (`code`: EADDRINUSE, ...). */
  listen(address: Address, accept: Accept): Promise<Listener>;
}

export type Transport = StreamTransport & DatagramTransport;
