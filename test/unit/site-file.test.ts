// SPDX-License-Identifier: Apache-2.0
// An STLink's file: what a good one becomes, and for each thing that can be wrong in it one sentence with
// the file, the line, the field, and what to do. Below: Routes that have a name alone (PROTOCOL 10.7).

import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { routeId } from "../../host/stlink/route-id.ts";
import { readSite } from "../../host/stlink/site-file.ts";
import {
  CONNECTOR_KEY,
  GOOD_SITE,
  OWN_ID,
  OWN_KEY,
  PEER_ID,
  PEER_KEY,
  PSK,
  place,
  refusalOf,
  removeFolders,
  setMode,
} from "./site-files.ts";

afterEach(removeFolders);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** What is said of the good file with one piece of it changed. */
function complaint(piece: string, changed: string): string {
  expect(GOOD_SITE).toContain(piece);
  return refusalOf(place("site.toml", GOOD_SITE.replace(piece, changed)), readSite);
}

describe("a good file", () => {
  it("becomes a site, with what it leaves out filled in", () => {
    const site = readSite(place("site.toml", GOOD_SITE));
    expect(hex(site.id)).toBe(OWN_ID);
    expect(hex(site.publicKey)).toBe(OWN_KEY);
    expect(site.connectors[0]).toMatchObject({
      name: "hall",
      address: { host: "192.0.2.7", port: 8443 },
      psk: null,
    });
    expect(site.peers.map(({ psk, nextKey }) => [hex(psk ?? new Uint8Array()), nextKey])).toEqual([
      [PSK, null],
    ]);
    const times = { holdMs: 120_000, idleMs: 30_000, ageMs: 2000 };
    expect(site.mappings[0]).toMatchObject({
      host: "192.168.0.1",
      port: 543,
      protocol: "tcp",
      times,
    });
    expect(site.bindings[0]).toMatchObject({
      listenOn: "127.0.0.1",
      port: 443,
      protocol: "tcp",
      times,
    });
    expect(site.limits).toEqual({ streams: 1024, memoryBytes: 48 << 20 });
    expect(site.log).toEqual({ level: "info", file: null });
    expect(site.statusSocket).toBeNull();
  });

  it("says the same in JSON", () => {
    const json = {
      $schema: "stlink.schema.json",
      id: OWN_ID,
      key_file: "own.key",
      connectors: [{ name: "hall", address: "192.0.2.7:8443", key: CONNECTOR_KEY }],
      peers: [{ name: "camera", id: PEER_ID, key: PEER_KEY, psk: PSK }],
      mappings: [{ name: "web", address: "192.168.0.1", port: 543, peers: ["camera"] }],
      bindings: [{ name: "here", mapping: "web", port: 443, peers: ["camera"] }],
    };
    const { file: _, ...fromJson } = readSite(place("site.json", JSON.stringify(json)));
    const { file: __, ...fromToml } = readSite(place("site.toml", GOOD_SITE));
    expect(fromJson).toEqual(fromToml);
  });

  it("takes paths relative to itself, durations and sizes", () => {
    const more = `hold = "24h"\nudp_idle = "90s"\nudp_age = "50ms"
[limits]
memory = "2MiB"
[log]
level = "debug"
file = "logs/stlink.log"
`;
    const text = `status_socket = "stlink.sock"\n${GOOD_SITE}${more}`;
    const file = place("site.toml", text);
    const site = readSite(file);
    const folder = join(file, "..");
    expect(site.bindings[0]?.times).toMatchObject({
      holdMs: 86_400_000,
      idleMs: 90_000,
      ageMs: 50,
    });
    expect(site.limits.memoryBytes).toBe(2 << 20);
    expect(site.log).toEqual({ level: "debug", file: join(folder, "logs/stlink.log") });
    expect(site.statusSocket).toBe(join(folder, "stlink.sock"));
  });

  it("takes an access list; without one a Binding is open to all that reach it", () => {
    const list =
      'access = { sources = ["10.0.0.0/8", "::1/128"], connections = 100, rate = "1MiB" }';
    const listed = readSite(place("site.toml", `${GOOD_SITE}${list}\n`));
    expect(listed.bindings[0]?.access).toEqual({
      sources: ["10.0.0.0/8", "::1/128"],
      connections: 100,
      bytesPerSecond: 1 << 20,
    });
    const open = { sources: [], connections: null, bytesPerSecond: null };
    expect(readSite(place("site.toml", GOOD_SITE)).bindings[0]?.access).toEqual(open);
  });

  it.each([
    ["127.0.0.1:1", "127.0.0.1", 1],
    ["[fd00::7]:8443", "fd00::7", 8443],
    ["relay.example.org:443", "relay.example.org", 443],
  ])("takes %s for a Connector's address", (text, host, port) => {
    const file = place("site.toml", GOOD_SITE.replace("192.0.2.7:8443", text));
    expect(readSite(file).connectors[0]?.address).toEqual({ host, port });
  });
});

describe("an access list that is wrong", () => {
  const all65 = Array.from({ length: 65 }, (_, i) => `"10.${i}.0.0/16"`).join(", ");
  it.each([
    ["an address without bits", 'sources = ["10.0.0.1"]', "access.sources[0] is not a network: an"],
    ["too many bits", 'sources = ["10.0.0.0/33"]', "access.sources[0] is not a network"],
    ["a name", 'sources = ["lan"]', "access.sources[0] is not a network"],
    ["a source of no list", 'sources = "10.0.0.0/8"', "access.sources is to be a list"],
    ["a source twice", 'sources = ["::/0", "::/0"]', "access.sources[1] is there twice"],
    ["too many sources", `sources = [${all65}]`, "access.sources is to hold at most 64"],
    ["no connection at all", "connections = 0", "access.connections is to be at least 1"],
    ["too many connections", "connections = 65536", "access.connections is to be at most 65535"],
    ["half a connection", "connections = 1.5", "access.connections is to be a whole number"],
    ["a rate without unit", 'rate = "1000"', "access.rate is not a size"],
    ["a rate of a number", "rate = 1000", "access.rate is not a size"],
    ["a rate too small", 'rate = "1023B"', "access.rate is to be from 1KiB to 1GiB"],
    ["a rate too large", 'rate = "2GiB"', "access.rate is to be from 1KiB to 1GiB"],
    ["an unknown field", 'source = ["::/0"]', "access.source is not a field"],
  ])("%s", (_, fields, said) => {
    const text = `${GOOD_SITE}access = { ${fields} }\n`;
    const refusal = refusalOf(place("site.toml", text), readSite);
    expect(refusal).toMatch(/^BadFile: site\.toml, line 26: /);
    expect(refusal).toContain(said);
  });

  it("at a Mapping, which has none", () => {
    const said = complaint("port = 543", "port = 543\naccess = { connections = 1 }");
    expect(said).toContain("mappings[0].access");
  });
});

describe("a field that is wrong", () => {
  const id = `id = "${PEER_ID}"`;
  const key = `key = "${PEER_KEY}"`;
  it.each([
    ["an id of another length", id, 'id = "2222"', "line 11: peers[0].id is not an id: 32 hexa"],
    ["an id of zeros", id, `id = "${"0".repeat(32)}"`, "peers[0].id is all zeros"],
    ["a key of another length", key, 'key = "ab"', "line 12: peers[0].key is not a public key: 64"],
    ["a key out of range", key, `key = "${"ff".repeat(32)}"`, "peers[0].key is no X25519 public"],
    [
      "a psk of another length",
      `psk = "${PSK}"`,
      'psk = "1"',
      "peers[0].psk is not a pre-shared key",
    ],
    [
      "a port of text",
      "port = 543",
      'port = "543"',
      "line 18: mappings[0].port is to be a whole number",
    ],
    ["a port too large", "port = 543", "port = 65536", "mappings[0].port is to be at most 65535"],
    ["a Mapping's port 0", "port = 543", "port = 0", "mappings[0].port is to be at least 1"],
    ["a protocol", "port = 543", 'port = 1\nprotocol = "sctp"', 'is one of "tcp", "udp"'],
    [
      "a name with a space",
      'name = "web"',
      'name = "w b"',
      "mappings[0].name is not a name: letters",
    ],
    ["no peers", 'peers = ["camera"]', "peers = []", "mappings[0].peers is to hold at least 1"],
    [
      "a number for a duration",
      "port = 443",
      "port = 443\nhold = 30",
      "bindings[0].hold is not a dur",
    ],
    ["a duration too long", "port = 443", 'port = 443\nhold = "2d"', "is to be from 0s to 24h"],
    ["an address without port", "192.0.2.7:8443", "192.0.2.7", 'is not an address: "host:port"'],
    ["a bare IPv6 address", "192.0.2.7:8443", "fd00::1:8443", 'is not an address: "host:port"'],
    ["a false IPv4 address", "192.0.2.7:8443", "192.0.2.777:1", 'is not an address: "host:port"'],
    ["a list for a table", "[[connectors]]", "[connectors]", "connectors is to be a list"],
  ])("is named with its line: %s", (_, piece, changed, expected) => {
    expect(complaint(piece, changed)).toContain(expected);
    expect(complaint(piece, changed)).toMatch(/^BadFile: site\.toml, line \d+: /);
  });

  it.each([
    ["port = 543", "prot = 543", 'mappings[0].prot is not a field: did you mean "port"?'],
    ["key_file", "keyfile", 'line 2: keyfile is not a field: did you mean "key_file"?'],
    ["port = 543", "port = 543\ncolour = 1", "colour is not a field: here are name, id, protocol"],
  ])("is met with the nearest known one: %s -> %s", (piece, changed, expected) => {
    expect(complaint(piece, changed)).toContain(expected);
  });

  it("says what is missing, and what belongs there", () => {
    expect(complaint("port = 543\n", "")).toContain(
      "line 15: mappings[0].port is missing: The service's port.",
    );
    expect(complaint(`id = "${OWN_ID}"\n`, "")).toMatch(
      /site\.toml: id is missing: This STLink's id/,
    );
  });

  it("is not the only one that is told", () => {
    const text = GOOD_SITE.replace("port = 543", "port = 0").replace("port = 443", "port = -1");
    const lines = refusalOf(place("site.toml", text), readSite).split("\n");
    expect(lines.length).toBe(2);
  });
});

describe("things that do not fit together", () => {
  const again = (piece: string) => `${GOOD_SITE.slice(GOOD_SITE.indexOf(piece))}`.split("\n\n")[0];
  it.each([
    ["[[connectors]]", "connectors[1].name is that of connectors[0] too: give each its own."],
    ["[[connectors]]", "connectors[1].key is that of connectors[0] too"],
    ["[[peers]]", "peers[1].id is that of peers[0] too"],
    ["[[mappings]]", "mappings[1].id is that of mappings[0] too"],
    ["[[bindings]]", "bindings[1].port is that of bindings[0] too"],
  ])("are told of a second %s: %s", (piece, expected) => {
    const file = place("site.toml", `${GOOD_SITE}\n${again(piece)}\n`);
    expect(refusalOf(file, readSite)).toContain(expected);
  });

  it.each([
    [
      "an unknown peer",
      'peers = ["camera"]',
      'peers = ["camra"]',
      'names "camra", whom [[peers]] does',
    ],
    ["a peer twice", 'peers = ["camera"]', 'peers = ["camera", "camera"]', "a second time"],
    ["its own id", PEER_ID, OWN_ID, "is this STLink's own id: write the peer's."],
    ["its own key", PEER_KEY, OWN_KEY, "is this STLink's own public key: write the peer's."],
    [
      "a public Mapping",
      "192.168.0.1",
      "8.8.8.8",
      "is 8.8.8.8: a Mapping never points to a public",
    ],
    ["a public IPv6 Mapping", "192.168.0.1", "2001:db8::1", "a Mapping never points to a public"],
    [
      "a public one in disguise",
      "192.168.0.1",
      "::ffff:8.8.8.8",
      "a Mapping never points to a public",
    ],
    ["every address", "192.168.0.1", "0.0.0.0", "a Mapping never points to a public address"],
    ["a URL", "192.168.0.1", "http://a.b/", "is neither an IP address nor a host name"],
  ])("are told: %s", (_, piece, changed, expected) => {
    const said = complaint(piece, changed);
    expect(said).toContain(expected);
    expect(said).toMatch(/^BadFile: site\.toml, line \d+: /);
  });
});

describe("secrets", () => {
  it("are refused in a file that others may read", () => {
    const file = place("site.toml", GOOD_SITE);
    setMode(file, 0o644);
    expect(refusalOf(file, readSite)).toMatch(/holds a pre-shared key .* chmod 600 site\.toml/);
  });

  it("are all that makes a file private", () => {
    const file = place("site.toml", GOOD_SITE.replace(`psk = "${PSK}"\n`, ""));
    setMode(file, 0o644);
    expect(refusalOf(file, readSite)).toBe("");
  });

  it("never stand in a complaint", () => {
    expect(complaint(`psk = "${PSK}"`, `psk = "${PSK}5a"`)).not.toContain(PSK);
  });
});

describe("a key file", () => {
  it("that is missing is told", () => {
    expect(complaint("own.key", "none.key")).toBe(
      "BadKeyFile: none.key, the private key, can't be read: it does not exist.",
    );
  });

  it.each([0o640, 0o604, 0o620])("of mode %o is refused", (mode) => {
    const file = place("site.toml", GOOD_SITE);
    setMode(join(file, "..", "own.key"), mode);
    expect(refusalOf(file, readSite)).toBe(
      "BadKeyFile: own.key is a private key that others may read: chmod 600 own.key",
    );
  });

  it("that holds something else is told", () => {
    const file = place("site.toml", GOOD_SITE.replace("own.key", "site.toml"));
    expect(refusalOf(file, readSite)).toBe(
      'BadKeyFile: site.toml holds no private key: make one with "sealed keygen".',
    );
  });
});

describe("a Route without an id", () => {
  it("has one made of its name, the same at both ends", () => {
    const site = readSite(place("site.toml", GOOD_SITE));
    const expected = createHash("blake2s256").update("sealed/1 mapping web").digest("hex");
    expect(hex(site.mappings[0]?.id ?? new Uint8Array())).toBe(expected.slice(0, 32));
    expect(hex(site.bindings[0]?.mappingId ?? new Uint8Array())).toBe(expected.slice(0, 32));
    expect(hex(routeId("binding", "web"))).not.toBe(expected.slice(0, 32));
  });

  it("gives way to an id that is written, at both ends", () => {
    const id = "ab".repeat(16);
    const text = GOOD_SITE.replace('name = "web"', `name = "web"\nid = "${id}"`).replace(
      'mapping = "web"',
      `mapping = "${id}"`,
    );
    const site = readSite(place("site.toml", text));
    expect(hex(site.mappings[0]?.id ?? new Uint8Array())).toBe(id);
    expect(hex(site.bindings[0]?.mappingId ?? new Uint8Array())).toBe(id);
  });
});
