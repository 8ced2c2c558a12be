// SPDX-License-Identifier: Apache-2.0
// The Commander's command line without a Commander: which one a command speaks to and with which token, what its
// options make of an object, what is printed, and where `sealed up` listens. Before it: host/cli/commander. After
// it: commander-cli.test.ts in test/e2e has the processes.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { codeSheet, qrText } from "../../host/cli/commander/code-sheet.ts";
import { type Field, type Given, givenFields } from "../../host/cli/commander/fields.ts";
import { linesText, tableText } from "../../host/cli/commander/output.ts";
import { commanderPlace, leavePlace } from "../../host/cli/commander/place.ts";
import type { Commander, Thing } from "../../host/cli/commander/things.ts";
import { allPages } from "../../host/cli/commander/things.ts";
import { keepOptions, upOptions } from "../../host/cli/commander/up-options.ts";
import { knownError, parser } from "../../host/cli/sealed.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sealed-cli-"));
  vi.stubEnv("XDG_CONFIG_HOME", folder);
  vi.stubEnv("SEALED_COMMANDER", undefined);
  vi.stubEnv("SEALED_TOKEN", undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe("which Commander", () => {
  const url = "http://127.0.0.1:8480";

  function left(mode = 0o600): void {
    const tokenFile = join(folder, "admin.token");
    writeFileSync(tokenFile, "st_left\n", { mode });
    leavePlace({ url, tokenFile });
  }

  it("is the last `sealed up`, with the token that it left", () => {
    left();
    expect(commanderPlace(undefined)).toEqual({ url, token: "st_left" });
    expect(commanderPlace(`${url}/`)).toEqual({ url, token: "st_left" });
  });

  it("is never given the token of another one", () => {
    left();
    expect(() => commanderPlace("http://127.0.0.1:9999")).toThrow(/no token for http/);
    vi.stubEnv("SEALED_TOKEN", "st_mine");
    const given = commanderPlace("https://commander.example.org");
    expect(given).toEqual({ url: "https://commander.example.org", token: "st_mine" });
  });

  it("is reached over a network with https alone", () => {
    vi.stubEnv("SEALED_TOKEN", "st_mine");
    expect(() => commanderPlace("http://commander.example.org")).toThrow(/in the clear/);
    expect(() => commanderPlace("http://127.evil.example:8480")).toThrow(/in the clear/);
    expect(commanderPlace("http://[::1]:8480").url).toBe("http://[::1]:8480");
  });

  it("is not guessed, and a token that others may read is refused", () => {
    expect(() => commanderPlace(undefined)).toThrow(/Which Commander\? Start one/);
    left(0o644);
    expect(() => commanderPlace(undefined)).toThrow(/is a token that others may read: chmod 600/);
  });
});

const FIELDS: readonly Field[] = [
  { at: "port", option: "port", is: "number", describe: "" },
  { at: "access.sources", option: "source", is: "list", describe: "" },
  { at: "access.rate", option: "rate", is: "text", isOptional: true, describe: "" },
  { at: "address", option: "address", is: "text", describe: "" },
  { at: "routes", option: "route", is: "list", to: "routes", describe: "" },
];

describe("options of an object", () => {
  const commander = { idOf: async (_: string, name: string) => `id-${name}` } as Commander;
  const before = {
    routes: ["id-a", "id-b"],
    access: { sources: ["10.0.0.0/8"] },
  } as unknown as Thing;
  const made = async (given: Given, from: Thing | null = before) =>
    Object.fromEntries(await givenFields(commander, FIELDS, given, from));

  it("make a patch of what was said, and of nothing else", async () => {
    expect(await made({ port: 443 })).toEqual({ port: 443 });
    expect(await made({ rate: "1MiB", source: ["::/0"] })).toEqual({
      access: { rate: "1MiB", sources: ["::/0"] },
    });
    expect(await made({ rate: false })).toEqual({ access: { rate: null } });
    expect(await made({})).toEqual({});
  });

  it("replace a list, add to it, and take out of it, by names", async () => {
    expect(await made({ route: ["c"] })).toEqual({ routes: ["id-c"] });
    expect(await made({ "add-route": ["c", "a"], "rm-route": ["b"] })).toEqual({
      routes: ["id-a", "id-c"],
    });
    expect(await made({ route: [false] })).toEqual({ routes: [] });
    expect(await made({ route: ["c"] }, null)).toEqual({ routes: ["id-c"] });
  });

  it("refuse to take away what has to be there, and numbers that are none", async () => {
    await expect(made({ address: false })).rejects.toThrow(/--no-address: it has to be there/);
    await expect(made({ port: Number.NaN })).rejects.toThrow(/--port is a number/);
  });
});

describe("what is printed", () => {
  it("holds nothing that moves a terminal's cursor", () => {
    const name = "a\x1b[2J\r\nb\tc";
    expect(tableText(["NAME", "EMPTY"], [[name, null]])).toBe("NAME      EMPTY\na[2J b c  -");
    expect(
      linesText([
        ["name", name],
        ["left out", ""],
      ]),
    ).toBe("name  a[2J b c");
  });

  const code = {
    ...{ id: "00".repeat(8), text: "A".repeat(260), qr: "A".repeat(260) },
    expiresAt: "2026-01-02T03:04:05.678Z",
    rules: { uses: 2, expiry: "1d", sources: ["10.0.0.0/8"], approval: true },
  } as unknown as Parameters<typeof codeSheet>[0];

  it("shows a QR code where there is room, and says where there is none", () => {
    const wide = qrText(code.qr, 80).split("\n");
    expect(wide.every((line) => line.startsWith("\x1b[97;40m") && line.endsWith("\x1b[0m"))).toBe(
      true,
    );
    expect(qrText(code.qr, 40)).toMatch(/needs a terminal of \d+ columns, and this one has 40/);
    expect(codeSheet(code, null)).not.toMatch(/█/);
  });

  it("says of a code how often, until when, from where, and that it waits", () => {
    expect(codeSheet(code, null)).toMatch(
      /good 2 times, until .*, from 10\.0\.0\.0\/8; who uses it waits/,
    );
  });
});

describe("a list of several pages", () => {
  const pages =
    (count: number) =>
    async ({ limit, cursor }: { limit: number; cursor?: string }) => {
      const from = Number(cursor ?? 0);
      const items = Array.from({ length: Math.min(limit, count - from) }, (_, i) => from + i);
      const end = from + items.length;
      return { items, next: end < count ? String(end) : null };
    };

  it("is put together, and says where it was cut", async () => {
    expect(await allPages(2000, pages(1200))).toMatchObject({
      items: { length: 1200 },
      isMore: false,
    });
    expect(await allPages(700, pages(1200))).toMatchObject({
      items: { length: 700 },
      isMore: true,
    });
    expect(await allPages(700, pages(700))).toMatchObject({ isMore: false });
  });
});

describe("a command line that was not understood", () => {
  async function saidTo(...args: string[]): Promise<string> {
    const parse = async () => parser(args).parseAsync();
    const said = await parse().catch((error: unknown) => error);
    expect(said).toMatchObject({ code: "Usage" });
    return (said as Error).message;
  }

  it("is told which help to read", async () => {
    expect(await saidTo()).toBe("Say what to do.\nsealed --help says how.");
    expect(await saidTo("route")).toMatch(/^Say what: list, .*\nsealed route --help says how\.$/);
    expect(await saidTo("route", "list", "--tpye", "x")).toMatch(
      /^Unknown argument: tpye\nsealed route list --help says how\.$/,
    );
    expect(await saidTo("up", "a", "b")).toMatch(/: b\nsealed up a --help/);
    expect(await saidTo("tag", "bogus")).toMatch(/sealed tag --help says how/);
    expect(await saidTo("rout", "list")).toMatch(/Did you mean route\?\nsealed --help/);
  });

  it("is no bug where an option's value is missing", async () => {
    expect(await saidTo("up", "--recover")).toMatch(/: recover\nsealed up --help says how/);
  });

  it("is one with --finish and nothing to recover", async () => {
    expect(await saidTo("up", folder, "--finish")).toMatch(/--finish goes with --recover/);
  });
});

describe("a core that is not built", () => {
  it("is named, with what makes it", () => {
    const missing = Object.assign(new Error(), { code: "ENOENT", path: "/x/build/core.wasm" });
    const message = expect.stringMatching(/`npm run build` makes it/);
    expect(knownError(missing)).toMatchObject({ code: "ToolMissing", message });
    const other = Object.assign(new Error(), { code: "ENOENT", path: "/x" });
    expect(knownError(other)).toBe(other);
  });
});

describe("where `sealed up` listens", () => {
  const nothing = { listen: undefined, address: undefined, api: undefined };
  const optionsOf = (
    given: Partial<Parameters<typeof upOptions>[0]>,
    known: string | null = null,
  ) => upOptions({ ...nothing, ...given }, join(folder, "up.json"), known);

  it("is loopback, else what was said, else what was said last time", () => {
    expect(optionsOf({})).toEqual({
      ...{ listen: ["127.0.0.1:8443"], address: "127.0.0.1:8443", api: 8480 },
    });
    const said = optionsOf({ listen: ["0.0.0.0:9000"], address: "hall.example:9000" });
    expect(said).toEqual({ listen: ["0.0.0.0:9000"], address: "hall.example:9000", api: 8480 });
    keepOptions(join(folder, "up.json"), said);
    expect(optionsOf({ api: 99 })).toEqual({ ...said, api: 99 });
    expect(optionsOf({ listen: ["10.0.0.1:1"] }).address).toBe("10.0.0.1:1");
  });

  it("is an address that can be dialled, or is asked for", () => {
    expect(() => optionsOf({ listen: ["0.0.0.0:9000"] })).toThrow(/add --address HOST:PORT/);
    expect(() => optionsOf({ listen: ["nowhere"] })).toThrow(/--listen nowhere is not an address/);
    expect(() => optionsOf({ address: "host" })).toThrow(
      /--address host is not an address: write host:port, such as hall\.example\.org:8443/,
    );
    for (const api of [0, 65_536, Number.NaN]) {
      expect(() => optionsOf({ api })).toThrow(/--api is a port: a number from 1 to 65535/);
    }
  });

  it("is asked for where a restored site has told STLinks of another place", () => {
    expect(() => optionsOf({}, "hall.example:8443")).toThrow(/STLinks come to hall\.example:8443/);
    const given = optionsOf({ listen: ["0.0.0.0:8443"] }, "hall.example:8443");
    expect(given.address).toBe("hall.example:8443");
    mkdirSync(join(folder, "up.json"));
    expect(() => optionsOf({})).toThrow(/options of the last start, can't be read/);
  });
});
