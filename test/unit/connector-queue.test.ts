// SPDX-License-Identifier: Apache-2.0
// The queue of one STLink (rules F7, K1): turns, limits, guarantees, ages, the newest wake packet.

import { describe, expect, it } from "vitest";
import { classMs, MemoryQueue, type Packet } from "../../host/connector/queue.ts";

const MAX_PACKET = 1000;
const STREAM = 0;
const WAKE = 255;

function packet(from: string, len: number, kind = STREAM, sinceMs = 0): Packet {
  return { from, kind, bytes: new Uint8Array(len).fill(0xa5), sinceMs };
}

function queueOf(queueBytes: number): MemoryQueue {
  return new MemoryQueue({ queueBytes, maxPacketBytes: MAX_PACKET });
}

function drain(queue: MemoryQueue): Packet[] {
  const out: Packet[] = [];
  for (let next = queue.peek(); next !== null; next = queue.peek()) {
    out.push(next);
    queue.dequeue();
  }
  return out;
}

describe("order", () => {
  it("keeps each sender's order", () => {
    const queue = queueOf(100_000);
    const sent = [500, 20, 900, 1].map((len) => packet("a", len));
    for (const one of sent) queue.enqueue(one);
    expect(drain(queue)).toEqual(sent);
    expect([queue.heldBytes, queue.heldPackets]).toEqual([0, 0]);
  });

  it("shares bytes, not packets, between senders", () => {
    const queue = queueOf(1_000_000);
    for (let i = 0; i < 200; i++) queue.enqueue(packet("small", 100));
    for (let i = 0; i < 20; i++) queue.enqueue(packet("large", 1000));
    const bytes = { small: 0, large: 0 };
    for (const { from, bytes: taken } of drain(queue).slice(0, 110)) {
      bytes[from as "small" | "large"] += taken.length;
    }
    expect(Math.abs(bytes.small - bytes.large)).toBeLessThanOrEqual(2 * MAX_PACKET);
  });

  it("gives the same packet until it is dequeued, whatever arrives", () => {
    const queue = queueOf(100_000);
    queue.enqueue(packet("a", 10));
    const first = queue.peek();
    queue.enqueue(packet("b", 10));
    queue.enqueue(packet("a", 10, WAKE));
    expect(queue.peek()).toBe(first);
  });
});

describe("limits", () => {
  it("refuses the newest packet of the longest FIFO when it is full", () => {
    const queue = queueOf(10_000);
    const long = Array.from({ length: 10 }, () => packet("long", 1000));
    for (const one of long) expect(queue.enqueue(one).refused).toEqual([]);
    const { refused } = queue.enqueue(packet("short", 1000));
    expect(refused).toEqual([{ packet: long[9], reason: "QueueFull" }]);
    expect(queue.heldBytes).toBe(10_000);
  });

  it("refuses a packet whose own FIFO is the longest", () => {
    const queue = queueOf(10_000);
    for (let i = 0; i < 10; i++) queue.enqueue(packet("a", 1000));
    const late = packet("a", 1000);
    expect(queue.enqueue(late).refused).toEqual([{ packet: late, reason: "QueueFull" }]);
  });

  it("takes two whole packets of every sender, however full it is", () => {
    const queue = queueOf(3000);
    for (const from of ["a", "b", "c", "d"]) {
      for (let i = 0; i < 2; i++)
        expect(queue.enqueue(packet(from, MAX_PACKET)).refused).toEqual([]);
    }
    const third = packet("d", 1);
    expect(queue.enqueue(third).refused).toEqual([{ packet: third, reason: "QueueFull" }]);
  });
});

describe("ages", () => {
  it("knows the classes of rule K1", () => {
    expect([classMs(STREAM), classMs(40), classMs(WAKE)]).toEqual([120_000, 2000, 86_400_000]);
  });

  it("lets go of what is past its class and of nothing else", () => {
    const queue = queueOf(100_000);
    const old = packet("a", 10, 40, 0);
    queue.enqueue(old);
    queue.enqueue(packet("a", 10, STREAM, 0));
    expect(queue.expire(1999)).toEqual([]);
    expect(queue.expire(2000)).toEqual([{ packet: old, reason: "Aged" }]);
    expect(queue.heldPackets).toBe(1);
  });

  it("keeps only the newest wake packet of each sender", () => {
    const queue = queueOf(100_000);
    expect(queue.enqueue(packet("a", 10, WAKE)).isReplacing).toBe(false);
    expect(queue.enqueue(packet("b", 10, WAKE)).isReplacing).toBe(false);
    const newest = packet("a", 20, WAKE);
    expect(queue.enqueue(newest).isReplacing).toBe(true);
    expect(drain(queue).filter(({ from }) => from === "a")).toEqual([newest]);
  });
});
