// SPDX-License-Identifier: Apache-2.0
// UDP Routes on this machine's sockets: DNS, an RTP stream, IPv6, sizes, idle flows, a target that
// refuses, and a Connector killed in mid-stream. Before it: udp-tools.ts. The host's own Agents run here;
// the Connector is a process. What doesn't need real sockets: test/unit/udp-routes.test.ts.

import type { Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { systemWorld } from "../../host/net/world.ts";
import { buildCore } from "../../scripts/build.ts";
import { CORE_WASM, SHIPPED_WASM } from "../../scripts/run.ts";
import { type RouteOptions, Station } from "../unit/udp-site.ts";
import {
  ask,
  bound,
  ConnectorProcess,
  dnsAnswer,
  dnsQuery,
  hasNumberOf,
  rtpPacket,
  sendRtp,
  until,
} from "./udp-tools.ts";

const LOOPBACK = "127.0.0.1";

let near: Station;
let far: Station;
let connector: ConnectorProcess;
const sockets: Socket[] = [];

beforeAll(async () => {
  if (CORE_WASM !== SHIPPED_WASM) return;
  const { ok, message } = await buildCore({ ifNeeded: true });
  if (!ok) throw new Error(message);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  for (const station of [near, far]) station.stop();
  await connector.kill();
});

async function open(host = LOOPBACK): Promise<Socket> {
  const socket = await bound(host);
  sockets.push(socket);
  return socket;
}

/** Both STLinks and their Connector, a Route to `target`; gives the Binding's port. */
async function start(
  target: { host: string; port: number },
  { binding, mapping }: RouteOptions = {},
  bindOn = LOOPBACK,
): Promise<number> {
  near = new Station(systemWorld);
  far = new Station(systemWorld);
  connector = new ConnectorProcess([near, far]);
  await connector.start();
  near.meet(far, connector.address);
  far.meet(near, connector.address);
  far.serve(target.host, target.port, mapping);
  await near.listen(bindOn, 0, binding);
  await until(() => near.hopEvents.length > 0 && far.hopEvents.length > 0, "both hops up");
  return near.listener?.addresses[0]?.port ?? 0;
}

/** What comes to a socket, in order. */
function collect(socket: Socket): Buffer[] {
  const got: Buffer[] = [];
  socket.on("message", (bytes) => got.push(bytes));
  return got;
}

/** An echo on a free port of `host`. */
async function echo(host: string): Promise<{ host: string; port: number }> {
  const socket = await open(host);
  socket.on("message", (bytes, { address, port }) => socket.send(bytes, port, address));
  return { host, port: socket.address().port };
}

describe("DNS", () => {
  it("answers 1,000 queries from 50 ports, each to the one that asked", async () => {
    const responder = await open();
    responder.on("message", (query, { address, port }) =>
      responder.send(dnsAnswer(query), port, address),
    );
    const port = await start({ host: LOOPBACK, port: responder.address().port });
    const clients = await Promise.all(Array.from({ length: 50 }, () => open()));
    let tries = 0;
    const resolve = async (client: Socket, index: number) => {
      const got = collect(client);
      const own: Buffer[] = [];
      for (let i = 0; i < 20; i++) {
        const query = dnsQuery(index * 20 + i, `host-${i}.site-${index}.example`);
        const asked = await ask(client, port, query, hasNumberOf(query));
        tries += asked.tries;
        own.push(dnsAnswer(query));
        expect(asked.answer.equals(dnsAnswer(query))).toBe(true);
      }
      // Also what answers a second try is this client's.
      expect(got.every((bytes) => own.some((answer) => answer.equals(bytes)))).toBe(true);
      return got.length;
    };
    const counts = await Promise.all(clients.map(resolve));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(1000);
    console.log(`DNS: 1,000 queries answered with ${tries} tries`);
    expect(far.traffic).toMatchObject({ open: 50, channelsTotal: 1 });
  });
});

/** As many as have a number of their own. */
const RTP_MOST = 65_536;

describe("RTP", () => {
  it("comes in order, and says what was lost", async () => {
    const receiver = await open();
    const got = collect(receiver);
    const port = await start({ host: LOOPBACK, port: receiver.address().port });
    const sender = await open();
    await sendRtp(sender, port, (sent) => sent === 2000);
    await until(() => got.at(-1)?.readUInt16BE(2) === 1999, "the last packet");
    const numbers = got.map((packet) => packet.readUInt16BE(2));
    console.log(`RTP: ${got.length} of 2,000 came; dropped: ${droppedText()}`);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(got.every((packet, i) => packet.equals(rtpPacket(numbers[i] ?? -1)))).toBe(true);
    expect(got.length).toBeGreaterThan(1900);
  });

  it("goes on after its Connector was killed and started again", async () => {
    const receiver = await open();
    const got = collect(receiver);
    const port = await start({ host: LOOPBACK, port: receiver.address().port });
    const sender = await open();
    let isEnough = false;
    const sending = sendRtp(sender, port, (sent) => isEnough || sent === RTP_MOST);
    await until(() => got.length > 200, "200 packets");
    await connector.kill();
    const before = got.length;
    await connector.start();
    await until(() => got.length > before + 1000, "1,000 packets more");
    isEnough = true;
    const sent = await sending;
    await until(() => got.at(-1)?.readUInt16BE(2) === sent - 1, "the last packet");
    const numbers = got.map((packet) => packet.readUInt16BE(2));
    console.log(`RTP over a killed Connector: ${got.length} of ${sent} came`);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(near.traffic).toMatchObject({ channelsTotal: 1, total: 1 });
  });
});

function droppedText(): string {
  return JSON.stringify([near.traffic.dropped, far.traffic.dropped]);
}

describe("IPv6", () => {
  it.each([
    ["::1", "::1"],
    ["::1", LOOPBACK],
    [LOOPBACK, "::1"],
  ])("carries from a Binding on %s to a target on %s", async (bindOn, targetHost) => {
    const port = await start(await echo(targetHost), {}, bindOn);
    const client = await open(bindOn);
    client.send("over IPv6", port, bindOn);
    const [answer, from] = await once(client, "message");
    expect([answer.toString(), from.address, from.port]).toEqual(["over IPv6", bindOn, port]);
  });
});

describe("sizes", () => {
  const MOST = 65_000 - 98;

  it("carry the largest datagram that fits, and refuse a byte more", async () => {
    const port = await start(await echo(LOOPBACK));
    const client = await open();
    const got = collect(client);
    client.send(Buffer.alloc(MOST, 7), port, LOOPBACK);
    await until(() => got.length > 0, "the largest datagram");
    expect(got[0]?.equals(Buffer.alloc(MOST, 7))).toBe(true);
    client.send(Buffer.alloc(MOST + 1, 7), port, LOOPBACK);
    await until(() => near.traffic.dropped.DatagramTooBig === 1, "DatagramTooBig counted");
    client.send("small", port, LOOPBACK);
    await until(() => got.length > 1, "the next datagram");
    expect(got[1]?.toString()).toBe("small");
    expect(near.warnings).toEqual([expect.stringContaining(`${MOST}`)]);
  });
});

describe("an idle flow", () => {
  it("ends, and its socket closes: the target's late answer is refused", async () => {
    const target = await open();
    // Long enough that it is looked at before.
    const times = { idleMs: 5000 };
    const to = { host: LOOPBACK, port: target.address().port };
    const port = await start(to, { binding: times, mapping: times });
    const client = await open();
    client.send("hello", port, LOOPBACK);
    const [, from] = await once(target, "message");
    expect(await isBound(from.port)).toBe(true);
    await until(() => far.traffic.open === 0 && near.traffic.open === 0, "no flow");
    expect(await isBound(from.port)).toBe(false);
  });
});

/** Whether a UDP port of loopback is taken. */
async function isBound(port: number): Promise<boolean> {
  try {
    const socket = await systemWorld.transport.bindDatagrams(
      { host: "0.0.0.0", port },
      { datagram() {}, failed() {} },
    );
    socket.close();
    return false;
  } catch {
    return true;
  }
}

describe("a target that refuses", () => {
  it("is counted by what ICMP says, with the hint; it is reached once it is there", async () => {
    const gone = await bound(LOOPBACK);
    const { port: targetPort } = gone.address();
    gone.close();
    const port = await start({ host: LOOPBACK, port: targetPort });
    const client = await open();
    client.send("anyone?", port, LOOPBACK);
    await until(() => (far.traffic.dropped.Refused ?? 0) > 0, "a refusal counted");
    expect(far.warnings).toEqual([expect.stringContaining("Is the service running?")]);
    const target = await bound(LOOPBACK, targetPort);
    sockets.push(target);
    const got = collect(target);
    client.send("and now?", port, LOOPBACK);
    await until(() => got.length > 0, "a datagram at the target");
    expect(got[0]?.toString()).toBe("and now?");
  });
});

describe("a Binding's port that is in use", () => {
  it("is the system's error", async () => {
    const holder = await open();
    await start({ host: LOOPBACK, port: 9 });
    const listening = near.listen(LOOPBACK, holder.address().port);
    await expect(listening).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
