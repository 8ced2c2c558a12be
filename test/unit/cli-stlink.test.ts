// SPDX-License-Identifier: Apache-2.0
// What `sealed stlink list`, `stlink show` and `site show` tell of an STLink and of a Connector, from an answer of the
// API. Before it: host/cli/commander/stlink-noun.ts, host/cli/site.ts. After it: commander-cli.test.ts in test/e2e.

import { describe, expect, it } from "vitest";
import { STLINK } from "../../host/cli/commander/stlink-noun.ts";
import type { Commander, Thing } from "../../host/cli/commander/things.ts";
import { thingsText } from "../../host/cli/commander/verbs.ts";
import { connectorsText } from "../../host/cli/site.ts";
import type { Schemas } from "../../host/commander/client/client.ts";

const TIME = "2026-01-02T03:04:05.000Z";

const camera: Schemas["StlinkDetail"] = {
  ...{ id: "1".repeat(32), name: "camera", description: "the hall", tags: ["t1"], version: 3 },
  ...{ createdAt: TIME, createdBy: "anna", changedAt: TIME, changedBy: "anna" },
  ...{ profile: "p1", templates: ["m1"], state: "online", key: "2".repeat(64), nextKey: null },
  ...{ keyEpoch: 1, codeId: "3".repeat(16), waiting: null, lastSeen: TIME, revokedAt: null },
  ...{ platform: "esp32", board: "esp32-cam", firmware: "0.9.1", core: "4".repeat(64) },
  ...{ connector: "5".repeat(64), roundTripMs: 12.34, bytesIn: 1001, bytesOut: 2002 },
  ...{ sessions: 7, streams: 9, leaseLeftMs: 86_400_000 * 3, lastErrors: ["NoStreamSlot"] },
  confirmed: { version: { epoch: 1, serial: "41" }, hash: "6".repeat(64) },
  current: { version: { epoch: 1, serial: "42" }, hash: "7".repeat(64) },
  routes: [
    {
      ...{ id: "8".repeat(32), name: "page", type: "mapping", protocol: "tcp" },
      ...{ address: "127.0.0.1", port: 80 },
      origins: [
        { profile: { id: "p1", name: "factory" }, template: { id: "m1", name: "cameras" } },
        { profile: null, template: { id: "m2", name: "hall" } },
      ],
    },
  ],
  pairs: [],
};

const commander = {
  namesOf: async (_: string, ids: readonly string[]) => ids.map((id) => `name-${id}`),
} as unknown as Commander;

const thing = camera as unknown as Thing;

async function shown(of: Thing): Promise<string> {
  return (await STLINK.about?.(of, commander)) ?? "";
}

describe("an STLink", () => {
  it("is shown with all that it told, what it has in force, and where each Route comes from", async () => {
    const lines = (await shown(thing)).split("\n").map((line) => line.replace(/ {2,}/, ": "));
    const when = lines.find((line) => line.startsWith("last seen"));
    expect(when).toMatch(/^last seen: 2026-01-0\d \d\d:\d\d:05$/);
    expect(lines).toEqual(
      expect.arrayContaining([
        ...["state: online", `key: ${camera.key}`, "platform: esp32", "board: esp32-cam"],
        ...["firmware: 0.9.1", `core: ${camera.core}`, "Connector: 55555555"],
        ...["round trip: 12.3 ms", "bytes: 1001 in, 2002 out", "sessions: 7", "connections: 9"],
        ...["lease left: 3 days", "last errors: NoStreamSlot"],
        `configuration: 1.41, hash ${"6".repeat(16)}; 1.42 is to come`,
      ]),
    );
    expect(await shown(thing)).toMatch(
      /^page +mapping +tcp 127\.0\.0\.1 port 80 +Template cameras of Profile factory, Template hall$/m,
    );
  });

  it("that waits is shown with the fingerprint that its own console shows", async () => {
    const fingerprint = "MO25 42AX ALNI S7WB DJOX 4F3C A356 7ZU4";
    const waiting = { key: "9".repeat(64), fingerprint, codeId: "3".repeat(16), since: TIME };
    expect(await shown({ ...thing, waiting } as Thing)).toMatch(
      new RegExp(`^fingerprint +${fingerprint}$`, "m"),
    );
  });

  it("is a line of the list, and with --wide a long one", async () => {
    const cells = async (isWide: boolean) => {
      const [head = "", row = ""] = (await thingsText(STLINK, commander, [thing], isWide))
        .split("\n")
        .map((line) => line.split(/ {2,}/));
      return Object.fromEntries([...head].map((name, i) => [name, row[i]]));
    };
    const usual = {
      ...{ NAME: "camera", STATE: "online", "LAST SEEN": expect.stringMatching(/^2026-01-0/) },
      ...{ CONFIGURATION: "1.41", BOARD: "esp32-cam", "ROUND TRIP": "12.3 ms" },
      ...{ TEMPLATES: "name-m1", TAGS: "name-t1", ID: camera.id },
    };
    expect(await cells(false)).toEqual(usual);
    expect(await cells(true)).toEqual({
      ...usual,
      ...{ DESCRIPTION: "the hall", PROFILE: "name-p1", PLATFORM: "esp32", FIRMWARE: "0.9.1" },
      ...{ CORE: "44444444", HASH: "66666666", CONNECTOR: "55555555", "BYTES IN": "1001" },
      ...{ "BYTES OUT": "2002", SESSIONS: "7", "LAST ERRORS": "NoStreamSlot" },
    });
  });
});

describe("a Connector", () => {
  const connector = { key: "a".repeat(64), address: "hall.example:443", isConnected: true };
  const holds = { epoch: 1, serial: "17" };

  it("is shown with the version that it holds, up to date or behind", () => {
    const textOf = (more: Pick<Schemas["Site"]["connectors"][number], "holds" | "isCurrent">) =>
      connectorsText([{ ...connector, ...more }]).split("\n")[1];
    expect(textOf({ holds, isCurrent: true })).toMatch(/ yes +1\.17, up to date +a{64}$/);
    expect(textOf({ holds, isCurrent: false })).toMatch(/ yes +1\.17, behind +a{64}$/);
    expect(textOf({ holds: null, isCurrent: false })).toMatch(/ yes +- +a{64}$/);
  });
});
