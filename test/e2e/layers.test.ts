// SPDX-License-Identifier: Apache-2.0
// The three layers of a real tunnel between real processes, taken off one at a time: what somebody on the
// line sees, what the Connector sees under layer 3, what is under layer 2, and that the application's bytes
// come out of layer 1 alone. And that the Connector's memory holds no key of the layers that are not its own.

import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routeId } from "../../host/stlink/route-id.ts";
import { buildCore } from "../../scripts/build.ts";
import { CORE_WASM, ROOT, SHIPPED_WASM } from "../../scripts/run.ts";
import { toHex } from "../reference/bytes.ts";
import {
  dataPackets,
  findKey,
  hopRecords,
  openAll,
  packetsOf,
  type Sealed,
  streamRecords,
} from "./layers.ts";
import { searchMemory } from "./process-memory.ts";
import { type Capture, RecordingRelay } from "./recording-relay.ts";
import { MEMORY_WRITTEN } from "./sealed-keys.ts";
import {
  endServices,
  makeSite,
  runConnector,
  type Site,
  startService,
  writeCamera,
  writeOffice,
} from "./sealed-site.ts";
import { endAll, SEALED, type SealedProcess, sealed, useSealed } from "./sealed-tools.ts";

const SENTENCE = "The gate of the north yard opens at six. ";
const SENT = Buffer.from(SENTENCE.repeat(1000));
/** What startService sends back: the same, upside down. */
const ANSWER = Buffer.from(SENT.map((byte) => byte ^ 0xff));
const BINDING = "binding-of-the-north-yard";
const MAPPING = "mapping-of-the-north-yard";

/** Both directions of one hop: how many handshake messages stand in front (4.1). */
const MESSAGES = { up: 2, down: 1 };
type Way = keyof typeof MESSAGES;
type Ways<T> = Record<Way, T>;

/** What one layer's keys open: sealed, the key as each end has it, and what comes out. */
type Layer = { sealed: Sealed[]; key: Uint8Array; opened: Uint8Array[] };

let site: Site;
let captures: { office: Capture; camera: Capture };
let memories: { office: Buffer; camera: Buffer };
let hops: { office: Ways<Layer>; camera: Ways<Layer> };
let packets: Ways<Uint8Array[]>;
let link: Ways<Layer>;
let connection: Ways<Layer>;
let connector: SealedProcess;
const relays: RecordingRelay[] = [];

async function relayTo(address: string): Promise<RecordingRelay> {
  const relay = await RecordingRelay.start(address);
  relays.push(relay);
  return relay;
}

/** The STLinks give their memory away; the Connector is the ordinary `sealed`. */
async function startTunnel() {
  site = await makeSite();
  connector = runConnector(site);
  const address = String((await connector.logged("connector listens"))["listening"]);
  const [toOffice, toCamera] = await Promise.all([relayTo(address), relayTo(address)]);
  const binding = `[[bindings]]\nname = "${BINDING}"\nmapping = "${MAPPING}"\nport = 0\npeers = ["camera"]`;
  const service = await startService();
  const mapping = `[[mappings]]\nname = "${MAPPING}"\naddress = "localhost"\nport = ${service}\npeers = ["office"]`;
  writeOffice(site, toOffice.address, binding);
  writeCamera(site, toCamera.address, service, mapping);
  useSealed(join(import.meta.dirname, "sealed-keys.ts"));
  process.env["SEALED_TEST_KEYS"] = site.folder;
  const office = sealed(site.folder, "stlink", "run", "office.toml");
  const camera = sealed(site.folder, "stlink", "run", "camera.toml");
  delete process.env["SEALED_TEST_KEYS"];
  await Promise.all([office.logged("hop up"), camera.logged("hop up"), office.logged("ready")]);
  return { office, camera, toOffice, toCamera, port: portOf(office) };
}

function portOf(office: SealedProcess): number {
  const line = office.lines().find(({ binding }) => binding === BINDING);
  return Number(String(line?.["listening"]).split(":").at(-1));
}

/** Sends, and reads the whole answer; the connection stays open, so its keys are in use. */
async function converse(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(SENT);
  let have = Buffer.alloc(0);
  while (have.length < ANSWER.length) {
    const [bytes] = await once(socket, "data");
    have = Buffer.concat([have, bytes]);
  }
  expect(have.equals(ANSWER)).toBe(true);
  return socket;
}

async function memoryOf(stlink: SealedProcess): Promise<Buffer> {
  stlink.child.kill("SIGUSR2");
  return readFileSync(String((await stlink.logged(MEMORY_WRITTEN))["file"]));
}

/** The key as this memory has it, and what it opens. */
function peel(memory: Uint8Array, all: Sealed[]): Layer {
  const key = findKey(memory, all);
  if (key === null) throw new Error("this memory holds no key that opens it");
  return { sealed: all, key, opened: openAll(key, all) };
}

function bothWays<T>(each: (way: Way) => T): Ways<T> {
  return { up: each("up"), down: each("down") };
}

beforeAll(async () => {
  if (CORE_WASM === SHIPPED_WASM) {
    const { ok, message } = await buildCore({ ifNeeded: true });
    if (!ok) throw new Error(message);
  }
  const { office, camera, toOffice, toCamera, port } = await startTunnel();
  await converse(port);
  memories = { office: await memoryOf(office), camera: await memoryOf(camera) };
  captures = {
    office: toOffice.captures()[0] as Capture,
    camera: toCamera.captures()[0] as Capture,
  };
  const peelHop = (end: "office" | "camera") =>
    bothWays((way) => peel(memories[end], hopRecords(captures[end][way], MESSAGES[way])));
  hops = { office: peelHop("office"), camera: peelHop("camera") };
  packets = bothWays((way) => packetsOf(hops.office[way].opened));
  link = bothWays((way) => peel(memories.office, dataPackets(packets[way])));
  connection = bothWays((way) => peel(memories.office, streamRecords(link[way].opened)));
});

afterAll(async () => {
  useSealed(SEALED);
  for (const relay of relays) relay.close();
  await endAll();
  endServices();
});

type Needles = Map<string, Buffer>;

function namesAndIds(): { names: Needles; stlinks: Needles; routes: Needles } {
  return {
    names: texts(BINDING, MAPPING, "north-yard", "office", "camera"),
    stlinks: new Map(["office", "camera"].map((name) => [`id of ${name}`, stlinkId(name)])),
    routes: new Map([
      ["Binding id", Buffer.from(routeId("binding", BINDING))],
      ["Mapping id", Buffer.from(routeId("mapping", MAPPING))],
    ]),
  };
}

function stlinkId(name: string): Buffer {
  const own = (name === "office" ? site.office : site.camera).get("own") ?? "";
  return Buffer.from(/id = "([0-9a-f]{32})"/.exec(own)?.[1] ?? "", "hex");
}

/** Of what the application says, any eight bytes in a row. */
function plaintexts(): Needles {
  const pieces = [0, 8, 16, 24].map((at) => SENTENCE.slice(at, at + 8));
  const upside = pieces.map((text): [string, Buffer] => [
    `~${text}`,
    Buffer.from(Buffer.from(text).map((byte) => byte ^ 0xff)),
  ]);
  return new Map([...texts(...pieces), ...upside]);
}

function texts(...all: string[]): Needles {
  return new Map(all.map((text) => [text, Buffer.from(text)]));
}

/** The names of the needles that are in it: as bytes, and as hexadecimal digits. */
function foundIn(haystack: readonly Uint8Array[], ...needles: Needles[]): string[] {
  const bytes = Buffer.concat(haystack);
  const all = needles.flatMap((some) => [...some]);
  const found = all.filter(([, n]) => bytes.includes(n) || bytes.includes(toHex(n)));
  return found.map(([name]) => name).sort();
}

/** Its size after deflate, as a share: ciphertext does not shrink. */
function deflated(parts: readonly Uint8Array[]): number {
  const bytes = Buffer.concat(parts);
  return deflateRawSync(bytes).length / bytes.length;
}

function bodiesOf({ sealed: all }: Layer): Uint8Array[] {
  return all.map(({ body }) => body);
}

describe("the layers of a tunnel", () => {
  it("show no plaintext, id or name to who holds both lines", () => {
    const { names, stlinks, routes } = namesAndIds();
    const { office, camera } = captures;
    const wire = [office.up, office.down, camera.up, camera.down];
    expect(Buffer.concat(wire).length).toBeGreaterThan(2 * (SENT.length + ANSWER.length));
    expect(foundIn(wire, names, stlinks, routes, plaintexts())).toEqual([]);
    for (const { up, down } of [hops.office, hops.camera]) {
      expect(deflated([...bodiesOf(up), ...bodiesOf(down)])).toBeGreaterThan(0.99);
    }
  });

  it("show the Connector, under layer 3, the two STLinks' ids and sealed packets", () => {
    const { names, stlinks, routes } = namesAndIds();
    const { office, camera } = hops;
    const opened = [office, camera].flatMap(({ up, down }) => [...up.opened, ...down.opened]);
    expect(foundIn(opened, stlinks)).toEqual([...stlinks.keys()].sort());
    expect(foundIn(opened, names, routes, plaintexts())).toEqual([]);
    for (const way of ["up", "down"] as const) {
      expect(deflated(bodiesOf(link[way]))).toBeGreaterThan(0.99);
    }
  });

  it("have packets go through the Connector unchanged, and in no other order", () => {
    const { up, down } = hops.camera;
    for (const [one, other] of [
      [packets.up, packetsOf(down.opened)],
      [packets.down, packetsOf(up.opened)],
    ] as const) {
      // The captures were taken one after the other: the last packets may stand in one of them alone.
      const both = Math.min(one.length, other.length);
      expect(both).toBeGreaterThan(5);
      expect(one.slice(0, both).map(toHex)).toEqual(other.slice(0, both).map(toHex));
    }
  });

  it("show, under layer 2, the Route's ids and sealed records", () => {
    const { names, routes } = namesAndIds();
    const opened = [...link.up.opened, ...link.down.opened];
    expect(foundIn(opened, routes)).toEqual([...routes.keys()].sort());
    expect(foundIn(opened, names, plaintexts())).toEqual([]);
    for (const way of ["up", "down"] as const) {
      expect(deflated(bodiesOf(connection[way]))).toBeGreaterThan(0.99);
    }
  });

  it("give the application's bytes under layer 1, and nothing before", () => {
    const dataOf = ({ opened }: Layer) =>
      Buffer.concat(opened.filter(([type]) => type === 0x41).map((record) => record.subarray(1)));
    expect(dataOf(connection.up).equals(SENT)).toBe(true);
    expect(dataOf(connection.down).equals(ANSWER)).toBe(true);
    const opened = [...connection.up.opened, ...connection.down.opened];
    expect(foundIn(opened, plaintexts())).toEqual([...plaintexts().keys()].sort());
    expect(deflated(opened)).toBeLessThan(0.1);
  });

  it("have keys of their own, which both ends of each hold", () => {
    for (const { key } of [link, connection].flatMap(({ up, down }) => [up, down])) {
      expect(memories.camera.includes(Buffer.from(key))).toBe(true);
    }
    const keys = [hops.office, hops.camera, link, connection].flatMap(({ up, down }) => [up, down]);
    expect(new Set(keys.map(({ key }) => toHex(key))).size).toBe(8);
  });
});

describe("the flag that gives keys away", () => {
  it("is known to no file of the host, so `sealed` can't be made to", () => {
    const host = join(ROOT, "host");
    const files = readdirSync(host, { recursive: true, encoding: "utf8" });
    const sources = files.filter((file) => /\.c?ts$|\.cjs$/.test(file));
    expect(sources.length).toBeGreaterThan(50);
    const knowing = sources.filter((file) =>
      readFileSync(join(host, file), "utf8").includes("TEST_KEYS"),
    );
    expect(knowing).toEqual([]);
  });
});

describe("the Connector's memory", () => {
  it("holds its hops' keys, and no key, name or byte of the layers beneath", () => {
    const own = [hops.office, hops.camera].flatMap(({ up, down }) => [up.key, down.key]);
    const foreign = [link, connection].flatMap(({ up, down }) => [up.key, down.key]);
    const { routes } = namesAndIds();
    const secrets = [...foreign, Buffer.from(pskOf(site), "hex"), privateKey("office.key")];
    const needles: Needles = new Map([
      ...halves("own", own),
      ...halves("foreign", [...secrets, privateKey("camera.key")]),
      ...routes,
      ...texts(BINDING, MAPPING, SENTENCE),
    ]);
    connector.child.kill("SIGSTOP");
    const { names, bytesRead } = searchMemory(connector.child.pid ?? 0, needles);
    connector.child.kill("SIGCONT");
    console.log(`the Connector's memory: ${needles.size} needles in ${bytesRead >> 20} MiB`);
    expect(names).toEqual([...halves("own", own).keys()].sort());
  });
});

/** Each half on its own: a key that lies there in part counts too. */
function halves(name: string, keys: readonly Uint8Array[]): Needles {
  return new Map(
    keys.flatMap((key, i): [string, Buffer][] => [
      [`${name} ${i}, first half`, Buffer.from(key.slice(0, 16))],
      [`${name} ${i}, second half`, Buffer.from(key.slice(16))],
    ]),
  );
}

function pskOf({ psk }: Site): string {
  return /[0-9a-f]{64}/.exec(psk)?.[0] ?? "";
}

function privateKey(file: string): Buffer {
  const text = readFileSync(join(site.folder, file), "utf8");
  return Buffer.from(/^[0-9a-f]{64}$/m.exec(text)?.[0] ?? "", "hex");
}
