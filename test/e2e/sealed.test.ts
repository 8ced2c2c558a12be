// SPDX-License-Identifier: Apache-2.0
// `sealed` as its users meet it: keys made, lines pasted into three files, three processes, and a
// connection through them over loopback; then status, reload, a second start and a clean end. Beneath it
// the host and the core have their own tests.

import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildCore } from "../../scripts/build.ts";
import { CORE_WASM, SHIPPED_WASM } from "../../scripts/run.ts";
import {
  endServices,
  exchange,
  makeSite,
  startService,
  startSite,
  writeOffice,
} from "./sealed-site.ts";
import { endAll, makeFolder, SEALED, sealed, write } from "./sealed-tools.ts";
import { ask, bound } from "./udp-tools.ts";

beforeAll(async () => {
  if (CORE_WASM !== SHIPPED_WASM) return;
  const { ok, message } = await buildCore({ ifNeeded: true });
  if (!ok) throw new Error(message);
});

afterEach(async () => {
  await endAll();
  endServices();
});

/** As it is printed, of any role. */
type Status = ReturnType<typeof JSON.parse>;

function statusOf(folder: string) {
  return sealed(folder, "status", "--json").ended();
}

describe("sealed", () => {
  it("makes keys, and three files of them carry a connection", async () => {
    const { site, port } = await startSite();
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 0xff));
    const back = await exchange(port, bytes);
    expect(back.equals(Buffer.from(bytes.map((byte) => byte ^ 0xff)))).toBe(true);

    const { out, all } = await untilStatus(site.folder, isQuiet);
    const [hall, ...stlinks] = all;
    expect(hall.stlinks.map((one: { hop: string }) => one.hop)).toEqual(["up", "up"]);
    expect(hall.packetsIn).toBeGreaterThan(10);
    const office = stlinks.find(({ bindings }) => bindings.length === 1);
    const camera = stlinks.find(({ mappings }) => mappings.length === 1);
    const counted = { open: 0, total: 1, failed: 0, bytesIn: 300_000, bytesOut: 300_000 };
    expect(office.bindings[0]).toMatchObject(counted);
    expect(camera.mappings[0]).toMatchObject(counted);
    expect(office.connectors[0]).toMatchObject({ hop: "up", pqAuthentication: "no" });
    expect(office.peers[0]).toMatchObject({ pqAuthentication: "yes" });
    expect(office.peers[0].fingerprint).toMatch(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
    expect(office.peers[0].fingerprint).toBe(camera.peers[0].fingerprint);
    const secret = readFileSync(join(site.folder, "office.key"), "utf8").match(
      /^[0-9a-f]{64}$/m,
    )?.[0];
    expect(secret).toBeDefined();
    expect(out).not.toContain(secret);
    expect(out).not.toContain(site.psk.slice(7, 71));
  });

  it("carries datagrams, and counts them beside connections", async () => {
    const target = await bound("127.0.0.1");
    target.on("message", (bytes, { port, address }) => target.send(`re ${bytes}`, port, address));
    const route = 'protocol = "udp"\nname = "names"';
    const { site, office } = await startSite(
      `[[bindings]]\n${route}\nmapping = "names"\nport = 0\npeers = ["camera"]`,
      `[[mappings]]\n${route}\naddress = "localhost"\nport = ${target.address().port}\npeers = ["office"]`,
    );
    await office.logged("ready");
    const line = office.lines().find(({ binding }) => binding === "names");
    const client = await bound("127.0.0.1");
    const port = Number(String(line?.["listening"]).split(":").at(-1));
    const { answer, tries } = await ask(client, port, Buffer.from("who?"));
    expect(answer.toString()).toBe("re who?");
    for (const socket of [client, target]) socket.close();
    const { out } = await statusOf(site.folder);
    const [, ...stlinks] = out
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text));
    const { bindings } = stlinks.find((one) => one.bindings.length === 2);
    expect(bindings[1]).toMatchObject({ protocol: "udp", open: 1, dropped: {} });
    expect(bindings[1].datagramsOut).toBeGreaterThan(0);
    expect(bindings[1].datagramsOut).toBeLessThanOrEqual(tries);
  });

  it("shows the same as tables", async () => {
    const { site, port } = await startSite();
    await exchange(port, Buffer.from("x"));
    await untilStatus(site.folder, isQuiet);
    const { code, out } = await sealed(site.folder, "status").ended();
    expect(code).toBe(0);
    expect(out).toMatch(/^here +127\.0\.0\.1:\d+ +tcp +camera +0 +1 +0 +1 B +1 B +-$/m);
    expect(out).toMatch(/^office +default +up +127\.0\.0\.1 +no/m);
  });

  it("refuses a second start with the same key, and starts after a kill", async () => {
    const { site, office } = await startSite();
    const second = await sealed(site.folder, "stlink", "run", "office.toml").ended();
    expect(second.code).toBe(6);
    expect(second.err).toMatch(/runs already .*stop it first/);
    await office.end("SIGKILL");
    await sealed(site.folder, "stlink", "run", "office.toml").logged("ready");
  });

  it("stops cleanly when it is asked to", async () => {
    const { site, office } = await startSite();
    expect((await office.end("SIGTERM")).code).toBe(0);
    expect(office.lines().at(-1)).toMatchObject({ level: "info", msg: "stopped" });
    const { out } = await statusOf(site.folder);
    expect(out).not.toContain("office.toml");
  });

  it("reads its file again on SIGHUP, and changes nothing when that is wrong", async () => {
    const { site, office, port } = await startSite();
    const file = join(site.folder, "office.toml");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace("port = 0", 'port = "x"'));
    office.child.kill("SIGHUP");
    const failure = await office.logged("the file was not taken: nothing has changed");
    expect(failure["reason"]).toMatch(/office\.toml, line \d+: bindings\[0\]\.port/);
    expect((await exchange(port, Buffer.from("x"))).length).toBe(1);

    writeFileSync(file, `${text}\n[limits]\nstreams = 9\n`);
    office.child.kill("SIGHUP");
    const report = await office.logged("file read again");
    expect(JSON.stringify([report["applied"], report["needsRestart"]])).toContain('"limits"');
    expect((await exchange(port, Buffer.from("x"))).length).toBe(1);
  });

  it("goes on when its log can't be written, and says how much was lost", async () => {
    const site = await makeSite();
    writeOffice(site, "127.0.0.1:1", '[log]\nfile = "/dev/full"');
    sealed(site.folder, "stlink", "run", "office.toml");
    const isLost = ([one]: Status[]) => one?.logLinesLost > 1;
    const { all } = await untilStatus(site.folder, isLost);
    expect(all).toMatchObject([{ role: "stlink" }]);
  });

  it("says which port is in use", async () => {
    const port = await startService();
    const site = await makeSite();
    writeOffice(site, "127.0.0.1:1");
    const file = join(site.folder, "office.toml");
    writeFileSync(file, readFileSync(file, "utf8").replace("port = 0", `port = ${port}`));
    const { code, err } = await sealed(site.folder, "stlink", "run", "office.toml").ended();
    expect(code).toBe(5);
    expect(err).toContain(
      `the Binding "here" can't listen: 127.0.0.1 port ${port}: another process listens there`,
    );
  });

  it("refuses a key that others may read", async () => {
    const site = await makeSite();
    writeOffice(site, "127.0.0.1:1");
    chmodSync(join(site.folder, "office.key"), 0o640);
    const { code, err } = await sealed(site.folder, "stlink", "check", "office.toml").ended();
    expect(code).toBe(4);
    expect(err).toMatch(/office\.key is a private key that others may read: chmod 600/);
  });

  it("checks a file: what is good, and what it warns of", async () => {
    const site = await makeSite();
    writeOffice(site, "127.0.0.1:1");
    const file = join(site.folder, "office.toml");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace("port = 0", 'port = 0\naddress = "all"'));
    const { code, out } = await sealed(site.folder, "stlink", "check", "office.toml").ended();
    expect(code).toBe(0);
    expect(out).toMatch(/warning: the Binding "here" listens on all interfaces/);
    expect(out).toContain("office.toml is good: Connectors 1, peers 1, Mappings 0, Bindings 1");
  });
});

/** Asks until the processes that answer are so; what is printed of them. */
async function untilStatus(
  folder: string,
  isSo: (all: Status[]) => boolean,
): Promise<{ out: string; all: Status[] }> {
  for (let tries = 0; tries < 50; tries++) {
    const { code, out } = await statusOf(folder);
    const lines = code === 0 ? out.trim().split("\n") : [];
    const all = lines.map((line) => JSON.parse(line));
    if (isSo(all)) return { out, all };
  }
  throw new Error("it never was");
}

/** All three of a site, and no connection is open: its client hears of its end before both STLinks do. */
function isQuiet(all: Status[]): boolean {
  const routes = all.flatMap(({ bindings = [], mappings = [] }) => [...bindings, ...mappings]);
  return all.length === 3 && routes.every(({ open }) => open === 0);
}

describe("the command line", () => {
  it.each([
    [["stlnk"], 2, /Did you mean stlink\?/],
    [["stlink", "run"], 2, /Something is missing: a site's file, or --state/],
    [["stlink", "run", "a.toml", "--foo"], 2, /Unknown argument: foo/],
    [["stlink", "run", "missing.toml"], 3, /missing\.toml can't be read: it does not exist/],
    [["connector", "check", "notes.txt"], 3, /notes\.txt is neither \.toml nor \.json/],
    [["status"], 7, /Nothing of yours runs here/],
    [["status", "--socket", "gone.sock"], 7, /Nothing answers at gone\.sock/],
    [["keygen"], 2, /Name the key's file/],
    [["keygen", "there.key"], 8, /there\.key is there already, and a key is never overwritten/],
  ] as const)("%j ends with %i and says why", async (args, code, why) => {
    const folder = makeFolder();
    write(folder, "there.key", "");
    write(folder, "notes.txt", "");
    const ended = await sealed(folder, ...args).ended();
    expect(ended.err).toMatch(why);
    expect(ended.code).toBe(code);
  });

  it.each([["stlink", "run"], ["connector", "check"], ["keygen"], ["status"], ["completion"]])(
    "%j %j has help with an example",
    async (...args) => {
      const { code, out } = await sealed(makeFolder(), ...args, "--help").ended();
      expect(code).toBe(0);
      expect(out).toMatch(/Examples?:/);
    },
  );

  it("says what to do on a Node that is too old", () => {
    const pretend = "Object.defineProperty(process.versions, 'node', { value: '18.1.0' });";
    const { status, stderr } = spawnSync(
      process.execPath,
      ["-e", `${pretend} require(${JSON.stringify(SEALED)});`],
      { encoding: "utf8" },
    );
    expect(stderr).toMatch(/^sealed needs Node 24 or newer, and this is 18\.1\.0: install one/);
    expect(status).toBe(9);
  });

  it.each([
    [
      ["sealed", "sta"],
      ["stlink", "connector", "status"],
    ],
    [
      ["sealed", "stlink", ""],
      ["run", "check"],
    ],
    [
      ["sealed", "status", "--"],
      ["--json", "--watch", "--socket"],
    ],
    [
      ["sealed", "completion", ""],
      ["bash", "zsh", "fish"],
    ],
  ])("completes %j", async (words, expected) => {
    const { out } = await sealed(makeFolder(), "--get-yargs-completions", ...words).ended();
    expect(out.split("\n")).toEqual(expect.arrayContaining(expected));
  });

  it.each(["bash", "zsh", "fish"])("prints a completion script for %s", async (shell) => {
    const { code, out } = await sealed(makeFolder(), "completion", shell).ended();
    expect(code).toBe(0);
    expect(out).toContain("--get-yargs-completions");
  });
});
