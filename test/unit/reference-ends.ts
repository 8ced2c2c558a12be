// SPDX-License-Identifier: Apache-2.0
// The reference's STLink and its streams with the face that core-ends.ts gives to a core's, so that a
// test does not ask which of them it has. Before it: test/reference/peer.ts. After it: core-world.ts.
// Invariant: nothing here knows the protocol.

import { Peer, type PeerEvent, type PeerOptions } from "../reference/peer.ts";
import type { Stream } from "../reference/stream.ts";
import type { End, Pipe } from "./core-ends.ts";

/** The reference as an End. */
export class ReferenceStlink implements End {
  readonly id: Uint8Array;
  readonly peer: Peer;
  readonly offered: Pipe[] = [];
  private seen = 0;

  constructor(options: PeerOptions, now: number) {
    this.id = options.id;
    this.peer = new Peer(options, now);
  }

  get closed(): boolean {
    return this.peer.closed;
  }

  get welcomed(): boolean {
    return this.peer.welcomed;
  }

  get events(): PeerEvent[] {
    return this.peer.events;
  }

  connect(): void {
    this.peer.connect();
  }

  disconnect(): void {
    this.peer.disconnect();
  }

  receive(bytes: Uint8Array): void {
    this.peer.receive(bytes);
    for (const event of this.peer.events.slice(this.seen)) {
      if (event.type === "open") this.offered.push(new ReferencePipe(this.peer, event.stream));
    }
    this.seen = this.peer.events.length;
  }

  send(): Uint8Array {
    return this.peer.send();
  }

  tick(now: number): number {
    return this.peer.tick(now);
  }

  open(peerId: Uint8Array, kind: number, bindingId: Uint8Array, mappingId: Uint8Array): Pipe {
    const stream = this.peer.openStream(peerId, { kind, bindingId, mappingId });
    return new ReferencePipe(this.peer, stream);
  }
}

/** A stream of the reference. */
export class ReferencePipe implements Pipe {
  readonly stream: Stream;
  private readonly peer: Peer;
  private datagramsSeen = 0;

  constructor(peer: Peer, stream: Stream) {
    this.peer = peer;
    this.stream = stream;
  }

  get connected(): boolean {
    // A channel of datagrams has no CONNECTED.
    return this.stream.connected || (this.stream.channel !== undefined && this.stream.opener);
  }

  get ended(): boolean {
    return this.stream.state === "ended";
  }

  get reason(): number {
    return this.stream.endReason ?? 0;
  }

  accept(): void {
    if (!this.ended) this.peer.connected(this.stream);
  }

  write(bytes: Uint8Array): number {
    return this.ended ? 0 : this.peer.write(this.stream, bytes);
  }

  read(): Uint8Array {
    return this.peer.read(this.stream);
  }

  fin(): boolean {
    this.peer.fin(this.stream);
    return true;
  }

  reset(reason: number): void {
    this.peer.reset(this.stream, reason);
  }

  sendDatagram(flow: number, bytes: Uint8Array): boolean {
    return this.peer.sendDatagram(this.stream, flow, bytes);
  }

  readDatagram(): { flow: number; bytes: Uint8Array } | null {
    const mine = this.peer.events.filter(
      (event) => event.type === "datagram" && event.stream === this.stream,
    );
    const event = mine[this.datagramsSeen];
    if (event?.type !== "datagram") return null;
    this.datagramsSeen++;
    return { flow: event.flow, bytes: event.bytes };
  }
}
