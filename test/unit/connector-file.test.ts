// SPDX-License-Identifier: Apache-2.0
// A Connector's file: what a good one becomes, and for each thing that can be wrong in it one sentence.
// Fields that it shares with an STLink's file are tested there (site-file.test.ts).

import { afterEach, describe, expect, it } from "vitest";
import { readConnectorFile } from "../../host/connector/connector-file.ts";
import {
  CONNECTOR_KEY,
  GOOD_CONNECTOR,
  OWN_ID,
  PEER_ID,
  PEER_KEY,
  place,
  refusalOf,
  removeFolders,
  setMode,
} from "./site-files.ts";

afterEach(removeFolders);

function complaint(piece: string, changed: string): string {
  expect(GOOD_CONNECTOR).toContain(piece);
  const file = place("hall.toml", GOOD_CONNECTOR.replace(piece, changed));
  return refusalOf(file, readConnectorFile);
}

const COMMANDED = `key_file = "own.key"
listen = ["0.0.0.0:8443"]

[commander]
id = "${OWN_ID}"
key = "${PEER_KEY}"
`;

describe("a good file", () => {
  it("becomes settings, with what it leaves out filled in", () => {
    const settings = readConnectorFile(place("hall.toml", GOOD_CONNECTOR));
    expect(settings.listen).toEqual([
      { host: "0.0.0.0", port: 8443 },
      { host: "::1", port: 8443 },
    ]);
    expect(settings.stlinks.map(({ name, tenant }) => [name, tenant])).toEqual([
      ["office", "default"],
      ["camera", "default"],
    ]);
    expect(settings.groups).toEqual([["office", "camera"]]);
    expect(settings.limits).toMatchObject({
      hops: 10_240,
      halfOpen: 64,
      halfOpenPerSource: 8,
      queueBytes: 4 << 20,
    });
  });

  it("may give one id to STLinks of two tenants", () => {
    const tenant = '[[tenants]]\nname = "b"\nbytes_per_second = "1MiB"\npackets_per_second = 500\n';
    const text = GOOD_CONNECTOR.replace(PEER_ID, OWN_ID)
      .replace('name = "camera"', 'name = "camera"\ntenant = "b"')
      .replace('groups = [["office", "camera"]]', "");
    const settings = readConnectorFile(place("hall.toml", text + tenant));
    expect(settings.stlinks.map(({ tenant }) => tenant)).toEqual(["default", "b"]);
  });

  it("names a Commander, and then needs no STLinks; its state is beside it", () => {
    const file = place("hall.toml", COMMANDED);
    const settings = readConnectorFile(file);
    expect(settings.commander).toMatchObject({ tenant: "default", psk: null });
    expect(settings.stateFolder).toBe(file.replace("hall.toml", "hall.state"));
    const named = place("hall.toml", `state_folder = "admissions"\n${COMMANDED}tenant = "acme"\n`);
    const { stateFolder, commander } = readConnectorFile(named);
    expect(stateFolder).toBe(named.replace("hall.toml", "admissions"));
    expect(commander?.tenant).toBe("acme");
  });

  it("names tenants and their rates", () => {
    const text = GOOD_CONNECTOR.replaceAll("key = ", 'tenant = "acme"\nkey = ');
    const tenant =
      '[[tenants]]\nname = "acme"\nbytes_per_second = "1MiB"\npackets_per_second = 500\n';
    const settings = readConnectorFile(place("hall.toml", text + tenant));
    const rate = { bytesPerSecond: 1 << 20, packetsPerSecond: 500 };
    expect(settings.tenants).toEqual([{ name: "acme", rate }]);
    expect(settings.stlinks.map(({ tenant }) => tenant)).toEqual(["acme", "acme"]);
  });
});

describe("what is wrong", () => {
  it.each([
    ["nowhere to listen", 'listen = ["0.0.0.0:8443", "[::1]:8443"]', "listen = []", "at least 1"],
    ["an address", "0.0.0.0:8443", "8443", 'listen[0] is not an address: "host:port"'],
    ["one address twice", "[::1]:8443", "0.0.0.0:8443", "listen[1] is that of listen[0] too"],
    ["an id twice", PEER_ID, OWN_ID, "stlinks[1].id is that of stlinks[0] too"],
    ["a key twice", PEER_KEY, CONNECTOR_KEY, "stlinks[1].key is that of stlinks[0] too"],
    ["a name twice", 'name = "camera"', 'name = "office"', "stlinks[1].name is that of stlinks[0]"],
    ["a group of one", '["office", "camera"]', '["office"]', "groups[0] is to hold at least 2"],
    [
      "a next key that another has",
      'name = "office"',
      `name = "office"\nnext_key = "${PEER_KEY}"`,
      'stlinks[0].next_key is a key of "camera" already',
    ],
    [
      "an unknown member",
      '["office", "camera"]',
      '["office", "cam"]',
      'names "cam", whom [[stlinks]]',
    ],
    [
      "an unknown tenant",
      'name = "office"',
      'name = "office"\ntenant = "x"',
      "[[tenants]] does not",
    ],
    [
      "a queue too small",
      "[[stlinks]]",
      '[limits]\nqueue = "1KiB"\n[[stlinks]]',
      "from 256KiB to 1GiB",
    ],
    ["a field", "groups", "group", 'group is not a field: did you mean "groups"?'],
  ])("is told: %s", (_, piece, changed, expected) => {
    const said = complaint(piece, changed);
    expect(said).toContain(expected);
    expect(said).toMatch(/^BadFile: hall\.toml, line \d+: /);
  });

  it("is told of a group that joins two tenants", () => {
    const tenant = '[[tenants]]\nname = "b"\nbytes_per_second = "1MiB"\npackets_per_second = 500\n';
    const text = GOOD_CONNECTOR.replace('name = "office"', 'name = "office"\ntenant = "b"');
    expect(refusalOf(place("hall.toml", text + tenant), readConnectorFile)).toContain(
      "groups[0] holds STLinks of several tenants (b, default), who never talk: split it.",
    );
  });

  it("is a file with a pre-shared key that others may read", () => {
    const file = place("hall.toml", GOOD_CONNECTOR);
    setMode(file, 0o640);
    expect(refusalOf(file, readConnectorFile)).toMatch(/others may read it: chmod 600 hall\.toml/);
  });
});

describe("a Commander in a file", () => {
  function complaintOf(text: string): string {
    return refusalOf(place("hall.toml", text), readConnectorFile);
  }

  it("or STLinks there have to be", () => {
    const alone = COMMANDED.slice(0, COMMANDED.indexOf("[commander]"));
    expect(complaintOf(alone)).toMatch(/stlinks is empty, and there is no \[commander\]/);
  });

  it("decides in its tenant alone", () => {
    const stlink = `\n[[stlinks]]\nname = "office"\nid = "${PEER_ID}"\nkey = "${CONNECTOR_KEY}"\n`;
    expect(complaintOf(COMMANDED + stlink)).toMatch(
      /stlinks\[0\]\.tenant is "default", in which the Commander decides: admit office there/,
    );
  });

  it("has a key of its own", () => {
    const tenant = '[[tenants]]\nname = "b"\nbytes_per_second = "1MiB"\npackets_per_second = 500\n';
    const stlink = `\n[[stlinks]]\nname = "office"\ntenant = "b"\nid = "${PEER_ID}"\nkey = "${PEER_KEY}"\n`;
    expect(complaintOf(COMMANDED + stlink + tenant)).toMatch(
      /commander\.key is a key of "office" already/,
    );
  });

  it("has a PSK that others may not read", () => {
    const file = place("hall.toml", `${COMMANDED}psk = "${"5a".repeat(32)}"\n`);
    setMode(file, 0o644);
    expect(refusalOf(file, readConnectorFile)).toMatch(/holds a pre-shared key \(psk\)/);
  });
});
