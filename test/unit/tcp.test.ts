// SPDX-License-Identifier: Apache-2.0
// The transport over real sockets of this machine's loopback: where bytes land, what a write may read and
// until when, and how connections end. host/net/tcp.ts by the contract of host/net/transport.ts.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { tcp } from "../../host/net/tcp.ts";
import type { Connection, ConnectionEvents, Ending } from "../../host/net/transport.ts";

const MIB = 1 << 20;
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A dialled connection, the socket at its other end, and what it heard. */
async function dialled(events: Partial<ConnectionEvents> = {}) {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const address = { host: "127.0.0.1", port: (server.address() as { port: number }).port };
  const { connection, closed, opened } = dial(address, events);
  const [peer] = (await once(server, "connection")) as [Socket];
  await opened;
  peer.on("error", () => {});
  return { connection, closed, peer };
}

function dial(address: { host: string; port: number }, events: Partial<ConnectionEvents>) {
  const { promise: closed, resolve } = Promise.withResolvers<Ending | null>();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const silent = { opened: open, data() {}, drained() {}, ended() {} };
  const connection: Connection = tcp.connect(address, { ...silent, ...events, closed: resolve });
  return { connection, closed, opened };
}

describe("a connection that was dialled with a landing area", () => {
  it("reads straight into it, never more than it holds", async () => {
    const landing = new Uint8Array(1000);
    const parts: number[] = [];
    let whole = "";
    const { promise: isWhole, resolve } = Promise.withResolvers<void>();
    const { peer } = await dialled({
      landing,
      data: (bytes) => {
        expect([bytes.buffer, bytes.byteOffset]).toEqual([landing.buffer, landing.byteOffset]);
        parts.push(bytes.length);
        whole += Buffer.from(bytes).toString("latin1");
        if (whole.length === 5000) resolve();
      },
    });
    peer.write(Buffer.alloc(5000, "0123456789"));
    await isWhole;
    expect(whole).toBe("0123456789".repeat(500));
    expect(Math.max(...parts)).toBeLessThanOrEqual(landing.length);
  });

  it("reads nothing between pause and resume", async () => {
    let came = 0;
    const { promise: isWhole, resolve } = Promise.withResolvers<void>();
    const { connection, peer } = await dialled({
      landing: new Uint8Array(64),
      data: (bytes) => {
        came += bytes.length;
        connection.pause();
        if (came === 640) resolve();
      },
    });
    peer.write(Buffer.alloc(640));
    for (let turns = 1; turns <= 10; turns++) {
      await new Promise((again) => setImmediate(again));
      expect(came).toBeLessThanOrEqual(64 * turns);
      connection.resume();
    }
    const resuming = setInterval(() => connection.resume(), 1);
    await isWhole;
    clearInterval(resuming);
  });
});

describe("a write", () => {
  it("reads the bytes where they stand until drained, which comes once", async () => {
    let drains = 0;
    const { promise: isDrained, resolve } = Promise.withResolvers<void>();
    const { connection, peer } = await dialled({
      drained: () => {
        drains += 1;
        resolve();
      },
    });
    peer.pause();
    const bytes = new Uint8Array(8 * MIB).fill(1);
    expect(connection.write(bytes)).toBeGreaterThan(0);
    // The end has not gone out: what stands there when it does is what the other side sees.
    bytes[bytes.length - 1] = 2;
    const received: Buffer[] = [];
    peer.on("data", (part: Buffer) => received.push(part)).resume();
    await isDrained;
    expect(connection.unsentBytes).toBe(0);
    connection.end();
    await once(peer, "end");
    const whole = Buffer.concat(received);
    expect([whole.length, whole.at(-2), whole.at(-1), drains]).toEqual([bytes.length, 1, 2, 1]);
  });

  it("is cut off by reset: nothing is read from the memory any more", async () => {
    const { connection, closed, peer } = await dialled();
    peer.pause();
    const error = once(peer, "error");
    connection.write(new Uint8Array(8 * MIB));
    connection.reset();
    await closed;
    peer.resume();
    expect((await error)[0]).toMatchObject({ code: "ECONNRESET" });
    expect(connection.write(new Uint8Array(10))).toBe(0);
  });
});

describe("the end of a connection", () => {
  it("is told once, as null after both half-closes, and by its name otherwise", async () => {
    const calm = await dialled({ ended: () => calm.connection.end() });
    calm.peer.end();
    expect(await calm.closed).toBeNull();
    const reset = await dialled();
    reset.peer.resetAndDestroy();
    expect(await reset.closed).toBe("Reset");
    const free = await dialled();
    const { port } = free.peer.address() as { port: number };
    for (const server of servers) server.close();
    free.connection.reset();
    await free.closed;
    const refused = dial({ host: "127.0.0.1", port }, {});
    expect(await refused.closed).toBe("Refused");
  });
});
