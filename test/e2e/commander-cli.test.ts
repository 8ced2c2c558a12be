// SPDX-License-Identifier: Apache-2.0
// `sealed up` and the Commander's nouns as their users meet them: real processes, the real API, a real tunnel. What
// goes wrong is a sentence and an exit code; what was answered for is there after `kill -9`.

import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../host/commander/store/migrations.ts";
import { publicKeyOf } from "../unit/site-files.ts";
import { freePort } from "./free-port.ts";
import { endServices, exchange, startService } from "./sealed-site.ts";
import { endAll, makeFolder, SealedProcess, sealed, write } from "./sealed-tools.ts";
import { UpSite } from "./up-site.ts";

afterAll(async () => {
  endServices();
  await endAll();
});

type Keys = { commander: { id: string; key: string; recoveryKey: string } };
type Thing = { id: string; name: string; version: number };

describe("sealed up", () => {
  it("makes everything in one folder, invites, and comes up again as what it was", async () => {
    const site = await UpSite.start();
    const first = site.process;
    expect(first.out).toMatch(/A new site in .*\/site/);
    expect(first.out).toMatch(/This machine alone reaches it/);
    expect(first.out).toMatch(/mv .*recovery\.key/);
    expect(first.out).toMatch(/^[A-Z2-7]{200,}$/m);
    expect(first.out).toMatch(
      /sealed stlink activate - --state office\n +sealed stlink run --state office\n +sealed stlink list --watch\n/,
    );
    const folder = join(site.folder, "site");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of ["admin.token", "recovery.key", "commander.db", "up.json"]) {
      expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
    }
    // Whoever has the invitation can use it.
    const started = await site.ask<{ connectors: object[] }>("GET", "/site");
    expect(started.connectors).toMatchObject([{ isCurrent: true }]);
    const second = await site.tried("up", "site");
    expect(second).toMatchObject({ code: 6 });
    expect(second.err).toMatch(/runs already .*stop it first/);

    const before = await site.json("site", "show");
    expect(before).toMatchObject({ control: { isRunning: true } });
    expect(await first.end("SIGTERM")).toMatchObject({ code: 0, err: "" });
    expect(existsSync(join(folder, "status.sock"))).toBe(false);
    const again = await site.up();
    expect(again.out).not.toMatch(/^[A-Z2-7]{200,}$/m);
    const after = await site.json("site", "show");
    expect(after["commander"]).toEqual(before["commander"]);
    await again.end("SIGTERM");
  });

  it.each([
    [
      "a folder that holds other things",
      (folder: string) => write(folder, "site/photo.jpg", "."),
      3,
      /site holds other things \(photo\.jpg\)/,
    ],
    [
      "a folder that others may look into",
      (folder: string) => chmodSync(join(folder, "site"), 0o755),
      4,
      /site is to hold keys and others may look into it: chmod 700/,
    ],
    [
      "a database of a newer Commander",
      (folder: string) => makeDatabase(folder, "PRAGMA application_id = 1396927844"),
      19,
      /is of a newer Commander \(\d+; this one knows \d+\): run that one/,
    ],
    [
      "another program's database",
      (folder: string) => makeDatabase(folder, "CREATE TABLE theirs (a)"),
      19,
      /belongs to another program/,
    ],
    [
      "options that can't be read",
      (folder: string) => write(folder, "site/up.json", "{"),
      3,
      /up\.json, the options of the last start, can't be read/,
    ],
  ])("refuses %s", async (_, prepare, code, sentence) => {
    const folder = makeFolder();
    mkdirSync(join(folder, "site"), { mode: 0o700 });
    prepare(folder);
    const ended = await sealed(folder, "up", "site").ended();
    expect(ended.err).toMatch(sentence);
    expect(ended.code).toBe(code);
  });

  it("says that its folder can't be made", async () => {
    const ended = await sealed(makeFolder(), "up", "/proc/site").ended();
    expect(ended.err).toMatch(/\/proc\/site, the site's folder, can't be made: it does not exist/);
    expect(ended.code).toBe(8);
  });

  it("says which port is taken, and which address STLinks can't dial", async () => {
    const folder = makeFolder();
    const tried = (...args: string[]) => sealed(folder, "up", ...args).ended();
    const port = String(await startService());
    const relay = await tried("site", "--listen", `127.0.0.1:${port}`);
    expect(relay).toMatchObject({ code: 5 });
    expect(relay.err).toMatch(/can't listen at 127\.0\.0\.1:\d+: another process listens there/);
    const api = await tried("site", "--listen", "127.0.0.1:18443", "--api", port);
    expect(api).toMatchObject({ code: 5 });
    expect(api.err).toMatch(/API can't listen on 127\.0\.0\.1:\d+: another process listens there/);
    const everywhere = await tried("other", "--listen", "0.0.0.0:18443");
    expect(everywhere).toMatchObject({ code: 2 });
    expect(everywhere.err).toMatch(/add --address HOST:PORT/);
  });

  it("says to whom commands spoke until now, where there is another site", async () => {
    const before = await UpSite.start();
    await before.sealed("tag", "add", "of-the-first");
    const after = await UpSite.start({ config: before.folder });
    expect(await after.json("tag", "list")).toEqual([]);
    const told = /from now on.*\n +SEALED_TOKEN=\$\(cat (\S+)\) sealed \.\.\. --commander (\S+)\n/;
    const [, tokenFile = "", commander = ""] = after.process.out.match(told) ?? [];
    const token = readFileSync(tokenFile, "utf8").trim();
    const listing = await new SealedProcess(
      before.folder,
      ["tag", "list", "--commander", commander],
      { env: { SEALED_TOKEN: token } },
    ).ended();
    expect(listing.out).toMatch(/of-the-first/);
    await after.process.end("SIGTERM");
    expect((await after.up()).out).not.toMatch(/from now on/);
  });

  it("has after kill -9 all that it had answered for", async () => {
    const site = await UpSite.start();
    const first = site.process;
    const names = Array.from({ length: 4 }, (_, i) => `tag-${i}`);
    for (const name of names) await site.sealed("tag", "add", name);
    await first.end("SIGKILL");
    await site.up();
    const tags = await site.json<Thing[]>("tag", "list");
    expect(tags.map(({ name }) => name)).toEqual(names);
    expect(await site.sealed("audit", "verify")).toMatch(/is as it was written/);
    await site.process.end("SIGTERM");
  });
});

function makeDatabase(folder: string, sql: string): void {
  const file = join(folder, "site", "commander.db");
  writeFileSync(file, "", { mode: 0o600 });
  const db = new DatabaseSync(file);
  db.exec(`${sql}; PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  db.close();
}

describe("the nouns", () => {
  let site: UpSite;

  beforeAll(async () => {
    site = await UpSite.start();
  });

  afterAll(async () => {
    await site.process.end("SIGTERM");
  });

  it("make, list, filter, show, change and delete, for people and as JSON", async () => {
    await site.sealed("tag", "add", "camera");
    await site.sealed(
      "route",
      "add",
      "web",
      "--address",
      "192.168.0.1",
      "--port",
      "543",
      "--tag",
      "camera",
    );
    const page = await site.json<Thing>(
      "route",
      "add",
      "page",
      "--mapping",
      "web",
      "--port",
      "443",
    );
    expect(page).toMatchObject({ type: "binding", address: "127.0.0.1", version: 1 });
    const listed = await site.sealed("route", "list", "--type", "mapping", "--tag", "camera");
    expect(listed).toMatch(/^NAME +TYPE/);
    expect(listed).toMatch(/^web +mapping +tcp +192\.168\.0\.1 +543 +- +camera/m);
    expect(listed).not.toMatch(/^page/m);
    expect(await site.sealed("route", "show", page.id)).toMatch(/^mapping +web$/m);

    await site.sealed("template", "add", "hall", "--route", "web");
    await site.sealed("template", "set", "hall", "--add-route", "page", "--description", "Both");
    await site.sealed("template", "set", "hall", "--rm-route", "web");
    const template = await site.json("template", "show", "hall");
    expect(template).toMatchObject({ routes: [page.id], description: "Both", version: 3 });
    await site.sealed("route", "set", "page", "--rate", "1MiB");
    await site.sealed("route", "set", "page", "--no-rate", "--source", "10.0.0.0/8");
    const route = await site.json("route", "show", "page");
    expect(route["access"]).toEqual({ sources: ["10.0.0.0/8"] });
    await site.sealed("template", "rm", "hall");
    await site.sealed("route", "rm", "page");
    expect(await site.json<Thing[]>("route", "list", "--text", "page")).toEqual([]);
    const rows = await site.json<Thing[]>("route", "list", "--limit", "1");
    expect(rows.map(({ name }) => name)).toEqual(["web"]);
  });

  it("end with the API's sentence and the code that stands for it", async () => {
    await site.sealed("route", "add", "used", "--address", "10.0.0.1", "--port", "80");
    await site.sealed("template", "add", "user", "--route", "used");
    const cases: [string[], number, RegExp][] = [
      [["route", "rm", "used"], 14, /it is used by Template "user"/],
      [["route", "add", "used", "--address", "10.0.0.1", "--port", "80"], 14, /name is that of/],
      [
        ["route", "add", "out", "--address", "8.8.8.8", "--port", "80"],
        14,
        /never points to a public/,
      ],
      [["route", "show", "nobody"], 15, /There is no Route "nobody": `sealed route list`/],
      [["route", "show", "0123456789abcdef0123456789abcdef"], 15, /is not there/],
      [["template", "set", "user", "--add-route", "nobody"], 15, /There is no Route "nobody"/],
      [["route", "set", "used"], 2, /Say what to change/],
      [["route", "add", "used", "--port", "x", "--address", "::1"], 2, /--port is a number/],
      [["route", "list", "--commander", "http://127.0.0.1:9"], 17, /no token for http:\/\/127/],
      [["route", "list", "--commander", "http://example.org"], 2, /in the clear: use https/],
      [["route", "list", "--commander", "nowhere"], 2, /is not where a Commander is/],
      [["import", "missing.toml"], 3, /missing\.toml/],
      [["export", "site.yaml"], 2, /site\.yaml is neither \.toml nor \.json/],
      [["route", "list", "--tag", "nobody"], 15, /There is no Tag "nobody"/],
      [["stlink", "approve", "nobody"], 15, /There is no STLink "nobody"/],
    ];
    const ended = await Promise.all(cases.map(([args]) => site.tried(...args)));
    for (const [i, [args, code, sentence]] of cases.entries()) {
      expect(ended[i]?.err, args.join(" ")).toMatch(sentence);
      expect(ended[i]?.code, args.join(" ")).toBe(code);
    }
  });

  it("ask before a Binding is exposed, and take the owner's word", async () => {
    await site.sealed("route", "add", "inner", "--address", "10.0.0.1", "--port", "80");
    const add = ["route", "add", "open", "--mapping", "inner", "--address", "all", "--port", "80"];
    const refused = await site.tried(...add);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.err).toMatch(/tcp all:80 listens on all interfaces/);
    const wrong = await site.tried(...add, "--exposes", "tcp all:81");
    expect(wrong).toMatchObject({ code: 14 });
    expect(wrong.err).toMatch(/exposes is to be "tcp all:80"/);
    await site.sealed(...add, "--yes");
    expect(await site.json("route", "show", "open")).toMatchObject({ exposes: "tcp all:80" });
    await site.sealed("route", "set", "open", "--address", "127.0.0.1");
    expect(await site.json("route", "show", "open")).not.toHaveProperty("exposes");
  });

  it("tell the second of two who change one thing", async () => {
    const { id } = await site.json<Thing>("tag", "add", "shared");
    const { url, token } = place(site);
    // Somebody else is always faster: each change comes after one of theirs.
    const between = createServer(async (asked, answer) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const parts: Buffer[] = [];
      for await (const part of asked) parts.push(part as Buffer);
      const pass = (method: string, body: string | null, match: string) =>
        fetch(`${url}${asked.url}`, { method, body, headers: { ...headers, "if-match": match } });
      if (asked.method === "PATCH") await pass("PATCH", '{"description":"theirs"}', '"1"');
      const body = parts.length === 0 ? null : Buffer.concat(parts).toString();
      const got = await pass(asked.method ?? "GET", body, String(asked.headers["if-match"] ?? ""));
      answer.writeHead(got.status, { "content-type": "application/json" });
      answer.end(await got.text());
    });
    await once(between.listen(0, "127.0.0.1"), "listening");
    const { port } = between.address() as AddressInfo;
    const env = { SEALED_COMMANDER: `http://127.0.0.1:${port}`, SEALED_TOKEN: token };
    const late = await site.triedAs(env, "tag", "set", id, "--description", "mine");
    between.close();
    expect(late.err).toMatch(/Tag "shared" was changed by admin at .*: read it again/);
    expect(late.code).toBe(16);
  });

  it("let a token do what its role may, and nothing with one that is revoked", async () => {
    const token = (await site.sealed("token", "add", "guest", "--role", "viewer")).trim();
    const env = { SEALED_TOKEN: token, SEALED_COMMANDER: place(site).url };
    expect(await site.triedAs(env, "tag", "list")).toMatchObject({ code: 0 });
    const write = await site.triedAs(env, "tag", "add", "mine");
    expect(write).toMatchObject({ code: 17 });
    await site.sealed("token", "rm", "guest");
    expect(await site.triedAs(env, "tag", "list")).toMatchObject({ code: 17 });
    expect(
      await site.triedAs({ ...env, SEALED_COMMANDER: "http://127.0.0.1:9" }, "tag", "list"),
    ).toMatchObject({ code: 18 });
  });

  it("show what an import would change, change nothing, then change it", async () => {
    await site.sealed("route", "add", "gone", "--address", "10.0.0.8", "--port", "1");
    await site.sealed("export", "before.toml");
    const mapping = '[[mappings]]\nname = "only"\naddress = "10.0.0.9"\nport = 1';
    write(site.folder, "after.toml", mapping, '[[profiles]]\nname = "default"\nlease = "2d"');
    const planned = await site.sealed("import", "after.toml", "--dry-run");
    expect(planned).toMatch(/^\+ route only$/m);
    expect(planned).toMatch(/^ {4}address +10\.0\.0\.9$/m);
    expect(planned).toMatch(/^~ profile default$/m);
    expect(planned).toMatch(/^ {4}lease +7d > 2d$/m);
    expect(planned).toMatch(/^- route gone$/m);
    expect(planned).toMatch(/Nothing was changed/);
    expect(await site.sealed("import", "before.toml")).toMatch(
      /^Everything is as the document says/,
    );
    const asked = await site.tried("import", "after.toml");
    expect(asked).toMatchObject({ code: 2 });
    expect(asked.err).toMatch(/Nobody is here to ask: say --yes/);
    const { isDry } = await site.json("import", "after.toml", "--yes");
    expect(isDry).toBe(false);
    expect(await site.sealed("route", "list")).toMatch(/^only +mapping[^\n]*\n$/m);
    write(site.folder, "nothing.toml", "tags = []");
    const kept = await site.tried("import", "nothing.toml", "--yes");
    expect(kept).toMatchObject({ code: 14 });
    expect(kept.err).toMatch(/Profile "default" can't be deleted: it is used by Code/);
  });

  it("show a code once, list it without its text, and revoke it", async () => {
    const code = await site.json<{ id: string; text: string }>("code", "add");
    expect(code.text).toMatch(/^[A-Z2-7]{200,}$/);
    const listed = await site.sealed("code", "list");
    expect(listed).toMatch(new RegExp(`^${code.id} +default +- +open +0/1`, "m"));
    expect(listed).not.toContain(code.text);
    await site.sealed("code", "rm", code.id);
    expect(await site.sealed("code", "list")).toMatch(new RegExp(`^${code.id} .* revoked `, "m"));
    const drawn = await site.sealed("code", "add", "--qr");
    expect(drawn).toMatch(/█/);
    expect(drawn).toMatch(/sealed stlink activate - --state DIR/);
  });

  it("let in who waits once the fingerprint is compared, which both sides show", async () => {
    await site.sealed("profile", "add", "gate", "--approval");
    const { text } = await site.json<{ text: string }>("code", "add", "--profile", "gate");
    write(site.folder, "gate.code", text);
    const waits = sealed(site.folder, "stlink", "activate", "gate.code", "--state", "gate");
    const [, print = "none"] = await waits.told(/approves it.*: ((?:[A-Z2-7]{4} ?){8})\n/);
    const [{ id = "" } = {}] = await site.json<Thing[]>("stlink", "list", "--state", "waiting");
    const asked = await site.tried("stlink", "approve", id);
    expect(asked.err).toContain(print.trim());
    expect(asked.code).toBe(2);
    const [, key = ""] = /\(key ([0-9a-f]{64})\)/.exec(asked.err) ?? [];
    expect(await site.tried("stlink", "approve", id, "--key", "12".repeat(32))).toMatchObject({
      code: 14,
    });
    await site.sealed("stlink", "approve", id, "--key", key);
    expect(await waits.ended()).toMatchObject({ code: 0 });
  });

  it("print what a Connector elsewhere takes into its file", async () => {
    const key = "11".repeat(32);
    const added = await site.sealed(
      "site",
      "connectors",
      "add",
      "--key",
      key,
      "--address",
      "hall.example.org:8443",
    );
    expect(added).toMatch(
      /\[commander\]\n +id = "[0-9a-f]{32}"\n +key = "[0-9a-f]{64}"\n +psk = "[0-9a-f]{64}"/,
    );
    expect(await site.json<{ key: string }[]>("site", "connectors", "list")).toMatchObject([
      {},
      { key },
    ]);
    const shown = await site.sealed("site", "show");
    expect(shown).toMatch(/ yes +\d+\.\d+, up to date +[0-9a-f]{64}$/m);
    expect(shown).toMatch(new RegExp(`^hall\\.example\\.org:8443 +no +- +${key}$`, "m"));
    const made = await site.tried("code", "add");
    expect(made).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^[A-Z2-7]{200,}$/m),
      err: expect.stringMatching(
        /^Not every Connector knows this code yet: hall\.example\.org:8443\./,
      ),
    });
    await site.sealed("site", "connectors", "rm", key);
    const [last] = await site.json<{ key: string }[]>("site", "connectors", "list");
    const refused = await site.tried("site", "connectors", "rm", last?.key ?? "");
    expect(refused).toMatchObject({
      code: 14,
      err: expect.stringMatching(/is the site's only Connector.*add another first/),
    });
    expect(await site.json<unknown[]>("site", "connectors", "list")).toHaveLength(1);
  });

  it("make a Customer, whose pre-shared key is shown when it is made and never again", async () => {
    const [id, key, recovery] = ["2f".repeat(16), publicKeyOf(31), publicKeyOf(32)];
    const fields = ["--id", id, "--key", key, "--recovery", recovery];
    const added = await site.sealed("customer", "add", "acme", ...fields);
    const [, psk = "none"] = /psk = "([0-9a-f]{64})"/.exec(added) ?? [];
    expect(added).toMatch(/sealed site connectors add --key [0-9a-f]{64} --address \S+ --psk-file/);
    expect(await site.sealed("customer", "show", "acme")).not.toContain(psk);
    const next = await site.json<{ psk: string }>("customer", "psk", "acme");
    expect(next.psk).toMatch(/^[0-9a-f]{64}$/);
    expect(next.psk).not.toBe(psk);
    await site.sealed("customer", "rm", "acme");
  });

  it("tell what happens as it happens", async () => {
    const events = sealed(site.folder, "event", "--json");
    const watched = sealed(site.folder, "stlink", "list", "--watch", "--json");
    await events.printed(/"event":"hello"/);
    await site.sealed("stlink", "add", "newcomer");
    await events.printed(
      /"event":"changed".*"name":"newcomer"|"name":"newcomer".*"event":"changed"/,
    );
    await watched.printed(/"name":"newcomer"/);
    await events.end("SIGTERM");
    await watched.end("SIGTERM");
  });
});

function place(site: UpSite): { url: string; token: string } {
  const { url, tokenFile } = JSON.parse(
    readFileSync(join(site.folder, "sealed", "commander.json"), "utf8"),
  );
  return { url, token: readFileSync(tokenFile, "utf8").trim() };
}

describe("a site", () => {
  it("opens a page through Routes of one imported file, and cuts off who is revoked", async () => {
    const site = await UpSite.start();
    const [target, port] = [await startService(), await freePort()];
    write(
      site.folder,
      "site.toml",
      `[[mappings]]\nname = "web"\naddress = "127.0.0.1"\nport = ${target}`,
      `[[bindings]]\nname = "page"\nmapping = "web"\nport = ${port}`,
      '[[templates]]\nname = "reached"\nroutes = ["web"]',
      '[[templates]]\nname = "reaching"\nroutes = ["page"]',
      '[[profiles]]\nname = "default"',
      '[[profiles]]\nname = "hall"\ntemplates = ["reached"]',
    );
    await site.sealed("import", "site.toml", "--yes");
    await site.join("hall-camera", { fields: ["--profile", "hall"] });
    await site.sealed("stlink", "rename", "hall-camera", "camera");
    const office = await site.join("office");
    await site.sealed("stlink", "set", "office", "--add-template", "reaching");
    await office.logged("binding listens");
    await site.settled("camera", "office");
    const said = Buffer.from("through three layers");
    const heard = await exchange(port, said);
    expect(Buffer.from(heard.map((byte) => byte ^ 0xff))).toEqual(said);
    const shown = await site.sealed("stlink", "show", "office");
    expect(shown).toMatch(/^page +binding +tcp 127\.0\.0\.1 port \d+ +Template reaching$/m);
    expect(shown).toMatch(/^camera +([A-Z2-7]{4} ?){8}$/m);
    const states = await site.json<Thing[]>("stlink", "list", "--state", "online");
    expect(states.map(({ name }) => name)).toEqual(["camera", "office"]);

    const unsure = await site.tried("stlink", "revoke", "camera");
    expect(unsure).toMatchObject({ code: 2 });
    await site.sealed("stlink", "revoke", "camera", "--yes");
    expect(await site.sealed("stlink", "list", "--state", "revoked")).toMatch(/^camera/m);
    await site.process.end("SIGTERM");
  });

  it("is restored from a backup, once it is stopped, under a higher epoch", async () => {
    const site = await UpSite.start();
    const first = site.process;
    await site.sealed("tag", "add", "kept");
    const { name } = await site.json<Thing>("backup");
    await site.sealed("tag", "add", "lost");
    const backup = join("site", "backups", name);
    const refused = await site.tried("restore", backup, "site");
    expect(refused).toMatchObject({ code: 6 });
    expect(refused.err).toMatch(/runs already/);
    await first.end("SIGKILL");
    const missing = await site.tried("restore", "nowhere.db", "site");
    expect(missing).toMatchObject({ code: 19 });
    const restored = await site.sealed("restore", backup, "site");
    expect(restored).toMatch(/The epoch is 2 now/);
    expect(restored).toMatch(/Void: 1 code that/);
    await site.up();
    const tags = await site.json<Thing[]>("tag", "list");
    expect(tags.map((tag) => tag.name)).toEqual(["kept"]);
    expect(await site.json("site", "show")).toMatchObject({ version: { epoch: 2 } });
    await site.process.end("SIGTERM");

    // Where the old machine is lost: a new folder.
    await site.sealed("restore", backup, "elsewhere");
    expect(readdirSync(join(site.folder, "elsewhere"))).toContain("commander.db");
  });

  it("is recovered by the key that was carried away: every STLink takes new keys", async () => {
    const site = await UpSite.start();
    const first = site.process;
    await site.join("office");
    const before = await site.json<Keys>("site", "show");
    await first.end("SIGKILL");
    renameSync(join(site.folder, "site", "recovery.key"), join(site.folder, "kept.key"));
    await site.sealed("keygen", "other.key");
    const wrong = await site.tried("up", "site", "--recover", "other.key");
    expect(wrong).toMatchObject({ code: 4 });
    expect(wrong.err).toMatch(/other\.key is not this site's recovery key/);
    const recovered = await site.sealed("up", "site", "--recover", "kept.key");
    expect(recovered).toMatch(/The Commander has new keys/);
    expect(recovered).toMatch(/The new one is .*\/recovery\.key: take it off this machine/);
    const again = await site.up();
    await again.printed(/^office is online/m);
    const after = await site.json<Keys>("site", "show");
    expect(after.commander.id).toBe(before.commander.id);
    expect(after.commander.key).not.toBe(before.commander.key);
    expect(after.commander.recoveryKey).not.toBe(before.commander.recoveryKey);
    await again.end("SIGTERM");
  });

  it("shows a row of the audit log that was changed, removed or moved", async () => {
    const site = await UpSite.start();
    const first = site.process;
    for (const name of ["a", "b", "c"]) await site.sealed("tag", "add", name);
    await first.end("SIGTERM");
    const verify = ["audit", "verify", "--folder", "site"];
    const good = await site.sealed(...verify);
    const [, head = ""] = /^ {2}(\d+:[0-9a-f]{64})$/m.exec(good) ?? [];
    const db = new DatabaseSync(join(site.folder, "site", "commander.db"));
    // Whoever changes the file can drop what guards it.
    const guards = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all();
    for (const { name } of guards) db.exec(`DROP TRIGGER ${name}`);
    const found = async (sql: string, sentence: RegExp, ...more: string[]) => {
      db.exec(sql);
      const ended = await site.tried(...verify, ...more);
      expect(ended.err).toMatch(sentence);
      expect(ended.code).toBe(20);
    };
    const last = Number(head.split(":")[0]);
    const who = `UPDATE audit SET who = 'nobody' WHERE n = ${last - 1}`;
    db.exec("CREATE TABLE kept AS SELECT * FROM audit");
    const mend = () => db.exec("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
    await found(who, new RegExp(`row ${last - 1} was changed`));
    mend();
    await found(
      `DELETE FROM audit WHERE n = ${last - 1}`,
      new RegExp(`row ${last - 1} was removed`),
    );
    mend();
    await found(
      `UPDATE audit SET n = -1 WHERE n = ${last - 2}; UPDATE audit SET n = ${last - 2} WHERE n = ${last - 1};
       UPDATE audit SET n = ${last - 1} WHERE n = -1`,
      new RegExp(`row ${last - 2} was not written behind row ${last - 3}`),
    );
    mend();
    // Who rewrites the end and the head is found by a head that was noted.
    await found(
      `DELETE FROM audit WHERE n = ${last};
       UPDATE audit_head SET n = ${last - 1}, hash = (SELECT hash FROM audit WHERE n = ${last - 1})`,
      /the last rows were removed/,
      "--head",
      head,
    );
    db.close();
    const nowhere = await site.tried("audit", "verify", "--folder", "nowhere");
    expect(nowhere).toMatchObject({ code: 3 });
    expect(nowhere.err).toMatch(/nowhere holds no site/);
  });
});
