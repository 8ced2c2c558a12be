// SPDX-License-Identifier: Apache-2.0
// The package: `npm pack` twice, installed in an empty folder, and the main job done with what is there: keys,
// files, a Connector, two STLinks, bytes both ways. Also what is in it, its size, its types, and what it
// says on an old Node. npm is the one of this machine, with its registry.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, run } from "../../scripts/run.ts";
import { endServices, exchange, startSite } from "./sealed-site.ts";
import { endAll, makeFolder, sealed, useSealed } from "./sealed-tools.ts";

/** What is downloaded, and what then lies on the disk. */
const PACKED_MOST_BYTES = 450_000;
const UNPACKED_MOST_BYTES = 1_500_000;
const INSTALL_MS = 300_000;
const PACKAGE = "sealedtunnel-0.1.0.tgz";

type Packed = { integrity: string; size: number; unpackedSize: number; files: { path: string }[] };

let folder: string;
let installed: string;
let first: Packed;
let second: Packed;

function command(cwd: string, name: string, ...args: string[]) {
  const { PATH = "" } = process.env;
  const env = { ...process.env, PATH: `${join(ROOT, "node_modules", ".bin")}:${PATH}` };
  return spawnSync(name, args, { cwd, env, encoding: "utf8", timeout: INSTALL_MS });
}

async function pack(to: string): Promise<Packed> {
  mkdirSync(to, { recursive: true });
  const { code, output } = await run("npm", ["pack", "--json", "--pack-destination", to]);
  if (code !== 0) throw new Error(output);
  const json = output.slice(output.indexOf("[\n"), output.lastIndexOf("\n]") + 2);
  return JSON.parse(json)[0];
}

beforeAll(async () => {
  folder = makeFolder();
  first = await pack(folder);
  second = await pack(join(folder, "again"));
  installed = join(folder, "empty");
  mkdirSync(installed);
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund"];
  const npm = command(installed, "npm", "install", ...quiet, `../${PACKAGE}`);
  if (npm.status !== 0) throw new Error(npm.stderr);
  useSealed(join(installed, "node_modules", ".bin", "sealed"));
}, 3 * INSTALL_MS);

afterAll(async () => {
  await endAll();
  endServices();
});

describe("the package", () => {
  it("is the same, to the byte, when it is packed again", () => {
    expect(second.integrity).toBe(first.integrity);
    const bytes = [folder, join(folder, "again")].map((at) => readFileSync(join(at, PACKAGE)));
    expect(bytes[0]?.equals(bytes[1] as Buffer)).toBe(true);
  });

  it("is small, and holds no source, test or tool", () => {
    console.log(`${PACKAGE}: ${first.size} bytes, ${first.unpackedSize} unpacked`);
    expect(first.size).toBeLessThan(PACKED_MOST_BYTES);
    expect(first.unpackedSize).toBeLessThan(UNPACKED_MOST_BYTES);
    const paths = first.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "README.md",
        "build/core.wasm",
        "host/cli/schema/connector.schema.json",
        "host/cli/schema/stlink.schema.json",
      ]),
    );
    const strange = paths.filter((path) => /test|scripts|demo|\bsim\b|(?<!\.d)\.ts$/.test(path));
    expect(strange).toEqual([]);
  });

  it("needs at run time what its dependencies name, and nothing else", () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const imports = first.files
      .filter(({ path }) => path.endsWith(".js"))
      .flatMap(({ path }) => importsOf(join(installed, "node_modules", "sealedtunnel", path)));
    // What fastify-type-provider-zod wants beside it, for its types alone.
    const needed = new Set([...imports, "openapi-types"]);
    expect([...needed].sort()).toEqual(Object.keys(dependencies));
  });
});

/** Packages that a module names. */
function importsOf(path: string): string[] {
  const found = readFileSync(path, "utf8").matchAll(
    /^(?:import|export|\}).* from "([^".][^"]*)";$/gm,
  );
  return [...found].map(([, name = ""]) => name).filter((name) => !name.startsWith("node:"));
}

describe("installed in an empty folder", () => {
  it("has `sealed`, with help, version and the same core to the byte", async () => {
    const help = command(installed, "npx", "sealed", "--help");
    expect(help.stdout).toMatch(/^sealed <command>/);
    expect(help.status).toBe(0);
    expect((await sealed(installed, "version").ended()).out).toMatch(/^sealed 0\.1\.0, protocol 1/);
    const core = join(installed, "node_modules", "sealedtunnel", "build", "core.wasm");
    expect(readFileSync(core).equals(readFileSync(join(ROOT, "build", "core.wasm")))).toBe(true);
  });

  it("does the main job: keys, two files, a Connector, two STLinks, bytes both ways", async () => {
    const { port } = await startSite();
    const bytes = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 11) & 0xff));
    const back = await exchange(port, bytes);
    expect(back.equals(Buffer.from(bytes.map((byte) => byte ^ 0xff)))).toBe(true);
  });

  it("says so when it is asked for the interpreter of devices, which is not in it", async () => {
    const asked = sealed(installed, "stlink", "run", "x.toml", "--engine", "wasm3");
    const { code, err } = await asked.ended();
    expect(err).toMatch(/^wasm3 can't run the core here \(.+\): leave --engine out\.$/m);
    expect(code).toBe(2);
  });

  it("says so when it is asked to build firmware, whose sources are not in it", async () => {
    const { code, err } = await sealed(installed, "device", "flash", "-e", "esp32c6").ended();
    expect(err).toMatch(/^Firmware is built in the project's repository/m);
    expect(code).toBe(10);
  });

  it("gives a TypeScript host the typed core, with its types", () => {
    const program = `import { Core, DEVICE_SIZES, openCore, Primitives, Status } from "sealedtunnel";
const core: Core = new Core(openCore());
core.start("stlink", DEVICE_SIZES, 0);
const key: Uint8Array = core.publicKey(new Uint8Array(32).fill(7));
new Primitives(openCore());
process.stdout.write(\`\${key.length} \${Status.Ok}\`);
`;
    writeFileSync(join(installed, "host.mts"), program);
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--types", "node"];
    const types = ["--typeRoots", join(ROOT, "node_modules", "@types")];
    const tsc = command(installed, "tsc", ...options, ...types, "host.mts");
    expect(tsc.stdout).toBe("");
    expect(command(installed, "node", "host.mts").stdout).toBe("32 0");
  });

  it("says in one sentence what to do on a Node that is too old", () => {
    const old = oldNode();
    const bin = join(installed, "node_modules", ".bin", "sealed");
    const pretend = "Object.defineProperty(process.versions, 'node', { value: '18.1.0' });";
    const args = old === null ? ["-e", `${pretend} require(${JSON.stringify(bin)});`] : [bin];
    const { status, stderr } = spawnSync(old ?? process.execPath, args, { encoding: "utf8" });
    expect(stderr).toMatch(
      /^sealed needs Node 24 or newer, and this is \d+\.\d+\.\d+: install one/,
    );
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(status).toBe(9);
  });
});

/** A Node of this machine that is really too old, where there is one. */
function oldNode(): string | null {
  const folders = (process.env["PATH"] ?? "").split(":").map((path) => join(path, "node"));
  const nodes = folders.filter((path) => existsSync(path) && statSync(path).isFile());
  const isOld = (path: string): boolean => {
    const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
    return Number(/^v(\d+)/.exec(stdout)?.[1] ?? 24) < 24;
  };
  return nodes.find(isOld) ?? null;
}
