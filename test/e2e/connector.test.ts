// SPDX-License-Identifier: Apache-2.0
// The Connector on real sockets, against what a network throws at it: floods of connections and handshakes,
// garbage, a sender that floods, a kill; and how its process reads its file again and stops. The rules one
// by one stand in test/unit/connector-hops.test.ts and connector-packets.test.ts.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { readConnectorFile } from "../../host/connector/connector-file.ts";
import { type RunningConnector, startConnector } from "../../host/connector/service.ts";
import { Reason } from "../../host/core/abi.gen.ts";
import { keyPairOf, writeKeyFile } from "../../host/service/key-file.ts";
import { openLog } from "../../host/service/log.ts";
import { Hop } from "../reference/hop.ts";
import { seededRandom } from "../reference/random.ts";
import { RawStlink } from "./raw-stlink.ts";
import { endAll, makeFolder, type SealedProcess, sealed } from "./sealed-tools.ts";

const random = seededRandom("connector on sockets");
const hall = keyPairOf(random(32));
const sockets: Socket[] = [];
const running: RunningConnector[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(running.splice(0).map((one) => one.stop()));
  await endAll();
});

type Person = { name: string; id: string; secret: Uint8Array; key: string };

function person(name: string): Person {
  const { privateKey, publicKey } = keyPairOf(random(32));
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  return { name, id: hex(random(16)), secret: privateKey, key: hex(publicKey) };
}

/** A Connector's file that admits these, all in one group; its path. */
function writeHall(folder: string, people: readonly Person[], port = 0, limits = ""): string {
  const stlinks = people.map(
    ({ name, id, key }) => `[[stlinks]]\nname = "${name}"\nid = "${id}"\nkey = "${key}"\n`,
  );
  const names = people.map(({ name }) => `"${name}"`).join(", ");
  const groups = people.length > 1 ? `groups = [[${names}]]\n` : "";
  const head = `key_file = "hall.key"\nlisten = ["127.0.0.1:${port}"]\n${groups}`;
  const file = join(folder, "hall.toml");
  writeFileSync(file, `${head}${limits}\n${stlinks.join("\n")}`, { mode: 0o600 });
  return file;
}

function makeHall(): string {
  const folder = makeFolder();
  writeKeyFile(join(folder, "hall.key"), hall);
  return folder;
}

async function startHall(people: readonly Person[], limits = ""): Promise<RunningConnector> {
  const settings = readConnectorFile(writeHall(makeHall(), people, 0, limits));
  const connector = await startConnector(settings, openLog({ level: "error", file: null }));
  running.push(connector);
  return connector;
}

function portOf(connector: RunningConnector): number {
  return Number(connector.status().listening[0]?.split(":").at(-1));
}

function dial(port: number, { secret }: Person, from = "127.0.0.1"): RawStlink {
  const stlink = new RawStlink({ port, connectorKey: hall.publicKey, secret, from });
  sockets.push(stlink.socket);
  return stlink;
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  sockets.push(socket);
  socket.on("error", () => {});
  // A flood is refused by a reset, which may come first.
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  return socket;
}

// A second network on this machine's loopback is what Linux has without being asked.
describe.runIf(process.platform === "linux")("a flood from one network", () => {
  it("of 1,000 silent connections keeps nobody else out", async () => {
    const office = person("office");
    const connector = await startHall([office]);
    const port = portOf(connector);
    await Promise.all(Array.from({ length: 1000 }, () => open(port)));
    await dial(port, office, "127.0.1.1").up();
    const { halfOpen, hopsRefused } = connector.status();
    expect(halfOpen.now).toBeLessThanOrEqual(8);
    expect(hopsRefused["HalfOpen"]).toBeGreaterThanOrEqual(900);
  });

  it("of half handshakes keeps nobody else out", async () => {
    const office = person("office");
    const connector = await startHall([office]);
    const port = portOf(connector);
    const first = new Hop(
      {
        role: "stlink",
        staticSecret: random(32),
        connectorKey: hall.publicKey,
        pskFor: () => new Uint8Array(32),
        random,
      },
      0,
    ).take();
    for (let i = 0; i < 300; i++) (await open(port)).write(first);
    await dial(port, office, "127.0.1.1").up();
    expect(connector.status().halfOpen.now).toBeLessThanOrEqual(8);
  });
});

describe("bytes that are no hop", () => {
  it.each([
    ["a web browser's", Buffer.from("GET / HTTP/1.1\r\nHost: hall\r\n\r\n")],
    ["a TLS client's", Buffer.from("160301020001", "hex")],
    ["random ones", Buffer.from(random(5000))],
  ])("end their own connection: %s", async (_, bytes) => {
    const office = person("office");
    const connector = await startHall([office]);
    const socket = await open(portOf(connector));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.end(bytes);
    socket.resume();
    await closed;
    expect(connector.status().hopsRefused).toEqual({ BadHandshake: 1 });
    await dial(portOf(connector), office).up();
  });
});

describe("one sender that floods", () => {
  it("costs another sender none of its packets", async () => {
    const [quiet, loud, sink] = [person("quiet"), person("loud"), person("sink")];
    const connector = await startHall([quiet, loud, sink], '[limits]\nqueue = "256KiB"\n');
    const port = portOf(connector);
    const [from, flood, to] = [dial(port, quiet), dial(port, loud), dial(port, sink)];
    await Promise.all([from.up(), flood.up(), to.up()]);
    const name = { type: "NAME", channel: 0, id: Buffer.from(sink.id, "hex") } as const;
    from.say(name);
    flood.say(name);
    let isOver = false;
    const flooding = (async () => {
      for (let sent = 0; !isOver; sent++) {
        const packet = new Uint8Array(16_000).fill(2);
        const hasRoom = flood.say({ type: "PACKET", class: 0, channel: 0, packet });
        if (!hasRoom) await once(flood.socket, "drain");
        if (sent % 8 === 0) await pause(0);
      }
    })();
    const beganAt = performance.now();
    for (let i = 1; i <= 100; i++) {
      // The receiver takes far less than is sent to it: its queue is full all the time.
      to.say({ type: "CREDIT", total: BigInt(i * 20_000) });
      from.say({ type: "PACKET", class: 0, channel: 0, packet: new Uint8Array(1000).fill(1) });
      await pause(5);
    }
    const count = (kind: number) =>
      to.heard.filter((frame) => frame.type === "PACKET" && frame.packet[0] === kind).length;
    isOver = true;
    await flooding;
    to.say({ type: "CREDIT", total: 1n << 40n });
    await to.until(() => count(1) === 100);
    const seconds = (performance.now() - beganAt) / 1000;
    const lines = new Map(connector.status().stlinks.map((line) => [line.name, line]));
    const loudMiB = (count(2) * 16_000) / 2 ** 20 / seconds;
    console.log(
      `quiet: 100 of 100 packets in ${seconds.toFixed(1)} s; loud: ${loudMiB.toFixed(1)} MiB/s came through, refused ${JSON.stringify(lines.get("loud")?.refused)}`,
    );
    expect(lines.get("quiet")?.refused).toEqual({});
    expect(lines.get("loud")?.refused["QueueFull"]).toBeGreaterThan(0);
  });
});

describe("sealed connector run", () => {
  function run(folder: string): SealedProcess {
    return sealed(folder, "connector", "run", "hall.toml");
  }

  async function listening(process: SealedProcess): Promise<number> {
    const { listening } = await process.logged("connector listens");
    return Number(String(listening).split(":").at(-1));
  }

  it("cuts on SIGHUP whom the file no longer names, keeps the others, and says what waits", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const folder = makeHall();
    writeHall(folder, [office, camera]);
    const process = run(folder);
    const port = await listening(process);
    const [kept, gone] = [dial(port, office), dial(port, camera)];
    await Promise.all([kept.up(), gone.up()]);
    writeHall(folder, [office], port, "[limits]\nhops = 9\n");
    process.child.kill("SIGHUP");
    await gone.until((heard) =>
      heard.some((f) => f.type === "CLOSE" && f.reason === Reason.Revoked),
    );
    const { applied, needsRestart } = await process.logged("file read again");
    expect(applied).toContainEqual({ kind: "stlink", name: "camera", what: "removed" });
    expect(needsRestart).toContainEqual({ kind: "limits.hops", name: "", what: "changed" });
    kept.say({ type: "PING", token: 5 });
    await kept.until((heard) => heard.some((f) => f.type === "PONG" && f.token === 5));
    const { out } = await sealed(folder, "status").ended();
    expect(out).toMatch(/STLINK +TENANT +HOP[\s\S]*office +default +up +127\.0\.0\.1/);
    expect(out).toMatch(/HOPS REFUSED OR ENDED +COUNT\nRevoked +1/);
  });

  it("is back after kill -9, and tells its hops to come back later when it is stopped", async () => {
    const office = person("office");
    const folder = makeHall();
    writeHall(folder, [office]);
    const first = run(folder);
    const port = await listening(first);
    const before = dial(port, office);
    await before.up();
    await first.end("SIGKILL");
    await before.closed();
    writeHall(folder, [office], port);
    const second = run(folder);
    await listening(second);
    const after = dial(port, office);
    await after.up();
    second.child.kill("SIGTERM");
    await after.closed();
    const last = after.heard.filter(({ type }) => type === "DRAIN" || type === "CLOSE");
    expect(last).toMatchObject([{ type: "DRAIN" }, { type: "CLOSE", reason: Reason.Draining }]);
    expect((await second.ended()).code).toBe(0);
  });
});
