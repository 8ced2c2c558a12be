// SPDX-License-Identifier: Apache-2.0
// Small parts of firmware/core beside what they are twins of: its sizes, SHA-256, kinds of addresses, places
// of Connectors. Before it: parts/parts.cpp, under the sanitizers. After it: host/core/sizes.ts, node:crypto,
// host/net/ip.ts. Random inputs follow from a seed.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { DEVICE_SIZES, SIZE_ORDER } from "../../host/core/sizes.ts";
import { ipKindOf, Networks } from "../../host/net/ip.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { buildNative, FIRMWARE_CORE } from "../../scripts/build-native.ts";

const PARTS = join(import.meta.dirname, "parts");
const MEMORY_BYTES = 56 * 1024;
let program: string;

beforeAll(() => {
  const own = ["addresses.cpp", "sha256.cpp", "writer.cpp"].map((name) =>
    join(FIRMWARE_CORE, name),
  );
  program = buildNative({
    name: "parts",
    sources: [...own, join(PARTS, "parts.cpp")],
    include: [FIRMWARE_CORE],
    sanitized: true,
  });
});

/** A line of answer for each line. */
function ask(lines: readonly string[]): string[] {
  const run = spawnSync(program, { input: `${lines.join("\n")}\n`, encoding: "utf8" });
  expect(run.stderr).toBe("");
  return run.stdout.trimEnd().split("\n");
}

test("a device's sizes are those of the host's preset", () => {
  const expected = [...SIZE_ORDER.map((name) => DEVICE_SIZES[name] ?? 0), MEMORY_BYTES];
  expect(ask(["sizes"])[0]?.trim().split(" ").map(Number)).toEqual(expected);
});

test("SHA-256 is right for every length up to three blocks, and for a long one", () => {
  const prng = new Prng("sha256");
  const inputs = [...Array.from({ length: 200 }, (_, i) => i), 60_385].map((length) =>
    Buffer.from(prng.bytes(length).slice()),
  );
  const hashes = ask(inputs.map((bytes) => `sha256 ${bytes.toString("hex") || "-"}`));
  expect(hashes).toEqual(inputs.map((bytes) => createHash("sha256").update(bytes).digest("hex")));
});

test("kinds of addresses are the host's, at every border and for random ones", () => {
  const prng = new Prng("addresses");
  const borders = ["9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "172.15.255.255"];
  borders.push("172.16.0.0", "172.31.255.255", "172.32.0.0", "192.167.255.255", "192.168.0.0");
  borders.push("192.168.255.255", "192.169.0.0", "100.63.255.255", "100.64.0.0", "100.127.255.255");
  borders.push("100.128.0.0", "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0");
  borders.push(
    "126.255.255.255",
    "127.0.0.0",
    "127.255.255.255",
    "128.0.0.0",
    "0.0.0.0",
    "0.0.0.1",
  );
  const v4 = borders.map((text) => text.split(".").map(Number));
  for (let i = 0; i < 500; i++) v4.push([...prng.bytes(4)]);
  const v6 = ["fbff", "fc00", "fdff", "fe00", "fe7f", "fe80", "febf", "fec0", "ff02", "2001"].map(
    (first) => [...Buffer.from(first.padEnd(32, "0"), "hex")],
  );
  for (const last of [0, 1, 2]) v6.push([...new Array<number>(15).fill(0), last]);
  for (const bytes of v4.slice(0, borders.length)) {
    v6.push([...new Array<number>(10).fill(0), 0xff, 0xff, ...bytes]);
  }
  const texts = [
    ...v4.map((bytes) => bytes.join(".")),
    ...v6.map((bytes) => textOf(Uint8Array.from(bytes))),
  ];
  const lines = [...v4, ...v6].map((bytes) => `kind ${Buffer.from(bytes).toString("hex")}`);
  const expected = texts.map(kindOf);
  expect(ask(lines)).toEqual(expected);
});

const MAPPED = Buffer.from("00000000000000000000ffff", "hex");

test("an address lies in the networks that the host says, near every border and of either family", () => {
  const prng = new Prng("networks");
  const cases = Array.from({ length: 2000 }, () => {
    const network = prng.bytes(prng.chance(0.5) ? 4 : 16).slice();
    if (network.length === 16 && prng.chance(0.3)) network.set(MAPPED);
    const most = 8 * network.length;
    const bits = prng.below(most + 1);
    // The address is like the network but for one bit, about the last that counts.
    const address = network.slice();
    const at = Math.min(Math.max(bits - 2 + prng.below(4), 0), most - 1);
    address[at >> 3] = (address[at >> 3] ?? 0) ^ (0x80 >> (at & 7));
    return { network, bits, address: prng.chance(0.5) ? address : otherForm(address) };
  });
  const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const lines = cases.map(
    ({ network, bits, address }) => `within ${hexOf(address)} ${hexOf(network)} ${bits}`,
  );
  const expected = cases.map(({ network, bits, address }) => {
    const networks = new Networks([`${textOf(network)}/${bits}`]);
    return networks.has(textOf(address)) ? "yes" : "no";
  });
  expect(ask(lines)).toEqual(expected);
  expect(expected.filter((word) => word === "yes").length).toBeGreaterThan(500);
  expect(expected.filter((word) => word === "no").length).toBeGreaterThan(500);
});

/** IPv4 inside IPv6, or what is inside; IPv6 itself has no other form. */
function otherForm(address: Uint8Array): Uint8Array {
  if (address.length === 4) return Buffer.concat([MAPPED, address]);
  const isMapped = MAPPED.equals(address.subarray(0, MAPPED.length));
  return isMapped ? address.slice(MAPPED.length) : address;
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  return Buffer.from(bytes).toString("hex").match(/.{4}/g)?.join(":") ?? "";
}

/** The host's word; it counts `any` only in its usual forms. */
function kindOf(text: string): string {
  if (/^[0:]+$/.test(text)) return "any";
  const inside = /^0000:0000:0000:0000:0000:ffff:(....):(....)$/.exec(text);
  if (inside === null) return String(ipKindOf(text));
  const bytes = [...Buffer.from(`${inside[1]}${inside[2]}`, "hex")];
  return String(ipKindOf(bytes.join(".")));
}

test("a Connector's place is host:port with a port of 1 to 65,535, in brackets for IPv6", () => {
  const places = {
    "hall.example:8443": "hall.example 8443",
    "localhost:1": "127.0.0.1 1",
    "[2001:db8::1]:65535": "2001:db8::1 65535",
    "10.0.0.1:443": "10.0.0.1 443",
    "hall.example": "refused",
    "hall.example:": "refused",
    "hall.example:0": "refused",
    "hall.example:65536": "refused",
    "hall.example:4x": "refused",
    ":443": "refused",
    [`${"a".repeat(128)}:443`]: "refused",
    [`${"a".repeat(127)}:443`]: `${"a".repeat(127)} 443`,
  };
  expect(ask(Object.keys(places).map((text) => `place ${text}`))).toEqual(Object.values(places));
});

test("a Binding listens on an address, an interface's, all or loopback, and on nothing public", () => {
  const places = {
    "": "127.0.0.1 port 80",
    localhost: "127.0.0.1 port 80",
    all: "0.0.0.0 port 80",
    "10.0.0.1": "10.0.0.1 port 80",
    eth0: "192.168.0.5 port 80",
    usb0: "not yet",
    wan0: "public",
    eth1: "unknown",
    "10.0.0": "unknown",
    ["e".repeat(200)]: "unknown",
  };
  const lines = Object.keys(places).map((text) => `listen ${text}`);
  expect(ask(lines)).toEqual(Object.values(places));
});
