// SPDX-License-Identifier: Apache-2.0
// The API's events: what clients that stay hear, what those that come back are given, and who is dropped: one that
// does not read, one whose token was revoked, one too many.

import { connect as connectSocket, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Client, dataOf } from "../../host/commander/client/client.ts";
import type { ApiEvent } from "../../host/commander/client/events.ts";
import { type ApiWorld, byId, refused, startWorld, stopWorlds } from "./commander-api-world.ts";

afterEach(stopWorlds);

/** Reads one event after the other. */
class Listener {
  readonly #events: AsyncIterator<ApiEvent>;

  constructor(client: Client, lastEventId?: string) {
    const options = lastEventId === undefined ? {} : { lastEventId };
    this.#events = client.events(options)[Symbol.asyncIterator]();
  }

  async next(): Promise<ApiEvent> {
    const { value, done } = await this.#events.next();
    if (done) throw new Error("the events have ended");
    return value;
  }

  /** Whether the server has ended them. */
  async hasEnded(): Promise<boolean> {
    return this.#events.next().then(
      ({ done }) => done === true,
      () => true,
    );
  }

  async leave(): Promise<void> {
    await this.#events.return?.();
  }
}

async function tagged(world: ApiWorld, name: string) {
  return dataOf(world.client().http.POST("/api/v1/tags", { body: { name } }));
}

describe("a client of events", () => {
  it("is greeted with the version, and hears what changed, by whom", async () => {
    const world = await startWorld();
    const listener = new Listener(world.client("viewer"));
    expect(await listener.next()).toMatchObject({
      event: "hello",
      data: { version: { epoch: 1, serial: "1" } },
    });
    const { id } = await tagged(world, "hall");
    expect(await listener.next()).toMatchObject({
      event: "changed",
      data: {
        ...{ kind: "tag", id, name: "hall", what: "create", by: "the-admin" },
        at: "2026-01-02T00:00:00.000Z",
      },
    });
    await listener.leave();
  });

  it("hears nothing of what was refused, or was a dry run", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const listener = new Listener(world.client());
    await listener.next();
    await refused(http.POST("/api/v1/tags", { body: { name: "a b" } }));
    const params = { query: { dry: true } };
    await http.POST("/api/v1/document", { params, body: { tags: [{ name: "x" }] } as never });
    await tagged(world, "hall");
    expect(await listener.next()).toMatchObject({ data: { name: "hall" } });
    await listener.leave();
  });

  it("sees STLinks come, report and go, as lists have them", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const { id } = await dataOf(http.POST("/api/v1/stlinks", { body: { name: "camera-1" } }));
    const listener = new Listener(world.client());
    await listener.next();
    world.registry.note(new Map([[id, { lastSeenMs: world.nowMs }]]));
    const { items } = await dataOf(http.GET("/api/v1/stlinks"));
    expect(await listener.next()).toMatchObject({ event: "seen", data: items[0] });
    expect(items[0]).toMatchObject({ lastSeen: "2026-01-02T00:00:00.000Z" });
    await listener.leave();
  });

  it("that comes back is given what it has missed, in order", async () => {
    const world = await startWorld();
    const first = new Listener(world.client());
    const { id } = await first.next();
    await first.leave();
    for (const name of ["a", "b", "c"]) await tagged(world, name);
    const second = new Listener(world.client(), id);
    expect(await second.next()).toMatchObject({ event: "hello", id: "" });
    const missed = [await second.next(), await second.next(), await second.next()];
    expect(missed.map(({ data }) => "name" in data && data.name)).toEqual(["a", "b", "c"]);
    await second.leave();
    const third = new Listener(world.client(), missed[1]?.id ?? "");
    await third.next();
    expect(await third.next()).toEqual(missed[2]);
    await third.leave();
  });

  it.each(["", "x", "00000000-1", "later"])(
    "that comes back with the id %j, or too late, is told to read everything again",
    async (given) => {
      const world = await startWorld({ eventsKept: 2 });
      const first = new Listener(world.client());
      const { id } = await first.next();
      await first.leave();
      for (const name of ["a", "b", "c", "d", "e"]) await tagged(world, name);
      const later = `${id.split("-")[0]}-99`;
      for (const last of [given === "later" ? later : given, id]) {
        const second = new Listener(world.client(), last);
        expect((await second.next()).event).toBe("hello");
        expect((await second.next()).event).toBe("reset");
        await tagged(world, `after-${last}`.replaceAll(/[^\w-]/g, ""));
        expect((await second.next()).event).toBe("changed");
        await second.leave();
      }
    },
  );

  it("hears a heartbeat where nothing else is to be heard", async () => {
    const world = await startWorld({ heartbeatMs: 20 });
    const listener = new Listener(world.client());
    await listener.next();
    expect(await listener.next()).toEqual({ event: "heartbeat", id: "", data: {} });
    await listener.leave();
  });

  it("hears nothing more once its token is revoked", async () => {
    const world = await startWorld();
    const viewer = world.client("viewer");
    const listener = new Listener(viewer);
    await listener.next();
    const { id } = await dataOf(viewer.http.GET("/api/v1/whoami"));
    const revoke = world.client().http.POST("/api/v1/tokens/{id}/revoke", { params: byId(id) });
    await revoke;
    const last = await listener.next();
    expect(last).toMatchObject({ data: { kind: "token", what: "revoke" } });
    expect(await listener.hasEnded()).toBe(true);
  });

  it("hears nothing more once its token has expired", async () => {
    const world = await startWorld({ heartbeatMs: 20 });
    const listener = new Listener(world.client());
    await listener.next();
    world.nowMs += 31 * 86_400_000;
    while (!(await listener.hasEnded()));
  });

  it("that does not read is dropped, which the log says, and holds up nobody", async () => {
    const world = await startWorld({ heartbeatMs: 100, eventsKept: 10 });
    const deaf = await silentListener(world);
    const listener = new Listener(world.client());
    await listener.next();
    // More than the buffers of a socket's two ends take.
    const name = "a".repeat(1 << 18);
    const fields = { what: "test", kind: "tag", id: "", name, before: null, after: null };
    while (!isDropped(world)) {
      world.registry.change("test", (change) => change.audit(fields));
      while ((await listener.next()).event !== "changed");
    }
    await tagged(world, "hall");
    let last = await listener.next();
    while (last.event !== "changed") last = await listener.next();
    expect(last).toMatchObject({ data: { name: "hall" } });
    await listener.leave();
    deaf.destroy();
  });

  it("that reads is not dropped for a great change, and is told where it was too great", async () => {
    const world = await startWorld({ eventsKept: 500 });
    const { http } = world.client();
    const listener = new Listener(world.client());
    await listener.next();
    const tagsOf = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ name: `t-${i}`, description: "" }));
    await http.POST("/api/v1/document", { body: { tags: tagsOf(400) } as never });
    for (let i = 0; i < 400; i++) expect((await listener.next()).event).toBe("changed");
    await http.POST("/api/v1/document", { body: { tags: tagsOf(3000) } as never });
    let last = await listener.next();
    for (let i = 0; last.event === "changed" && i < 3000; i++) last = await listener.next();
    expect(last.event).toBe("reset");
    await tagged(world, "hall");
    expect(await listener.next()).toMatchObject({ data: { name: "hall" } });
    expect(isDropped(world)).toBe(false);
    await listener.leave();
  });

  it("is one of a certain number", async () => {
    const world = await startWorld({ eventClients: 1 });
    const listener = new Listener(world.client());
    await listener.next();
    const second = new Listener(world.client());
    expect(await refused(second.next())).toMatchObject({ code: "TooMany", status: 429 });
    await listener.leave();
  });

  it("is let go when the server stops", async () => {
    const world = await startWorld();
    const listener = new Listener(world.client());
    await listener.next();
    await world.api.stop();
    expect(await listener.hasEnded()).toBe(true);
  });
});

function isDropped({ lines }: ApiWorld): boolean {
  return lines.some(({ text }) => text === "a client of events does not read: dropped");
}

/** One that asks, and never reads again. */
async function silentListener({ api, admin }: ApiWorld): Promise<Socket> {
  const socket = connectSocket(Number(new URL(api.url).port), "127.0.0.1");
  socket.write(
    `GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${admin}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once("data", resolve));
  socket.pause();
  return socket;
}
