// SPDX-License-Identifier: Apache-2.0
// PlatformIO from PyPI, without its registry: every environment's configuration, the environments that
// need no board built, and what ESP-IDF's are given. Beneath it: platformio.ini, boards/,
// scripts/idf-sources.ts. `npm run check:esp32` holds the port against ESP-IDF's headers.

import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { boardOf, environments } from "../../host/device/boards.ts";
import { preparePythonTools } from "../../host/device/python-tools.ts";
import { cmakeText, idfLists } from "../../scripts/idf-sources.ts";
import { BUILD_DIR, ROOT } from "../../scripts/run.ts";

const NODE = join(ROOT, "node_modules", ".bin", "node");
const NOBODY = "http://127.0.0.1:9";
const BOARDS = ["esp32cam", "esp32cam-aot", "esp32s3-eye", "esp32c3", "esp32c6"];
const LOCAL = ["native", "virt-rv32", "virt-rv32-aot"];

function pio(...args: string[]) {
  // Its registry is never to be asked: nobody answers there.
  const env = { ...process.env, HTTPS_PROXY: NOBODY, HTTP_PROXY: NOBODY };
  const options = { cwd: ROOT, env, encoding: "utf8", timeout: 240_000 } as const;
  return spawnSync(NODE, ["scripts/pio.ts", ...args], options);
}

// This does ask PyPI, the first time.
beforeAll(() => void preparePythonTools());

describe("platformio.ini", () => {
  it("is understood, with its eight environments", () => {
    const { status, stdout } = pio("project", "config", "--json-output");
    expect(status).toBe(0);
    const sections: [string, [string, string][]][] = JSON.parse(stdout);
    const names = sections.map(([name]) => name).filter((name) => name.startsWith("env:"));
    expect(names.map((name) => name.slice(4)).sort()).toEqual([...LOCAL, ...BOARDS].sort());
    expect([...environments().keys()].sort()).toEqual([...LOCAL, ...BOARDS].sort());
  });

  it.each(LOCAL)("builds %s", (name) => {
    const { status, stdout, stderr } = pio("run", "-e", name);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(/SUCCESS/);
    const [image = ""] = globSync(join(BUILD_DIR, "pio", "build", name, "firmware{,.elf,.bin}"));
    expect(existsSync(image)).toBe(true);
  });
});

describe("a board", () => {
  it.each(BOARDS)("%s has a flash whose parts follow one another and fit", (name) => {
    const { partitions, flashSize } = boardOf(name);
    let end = 0x9000; // behind bootloader and table
    for (const { offset, bytes } of partitions) {
      expect(offset).toBe(end);
      expect(bytes % 0x1000).toBe(0);
      end = offset + bytes;
    }
    expect(end).toBeLessThanOrEqual(Number.parseInt(flashSize, 10) * 1024 * 1024);
  });

  it.each(BOARDS)("%s keeps its identity where every version has it", (name) => {
    const identity = boardOf(name).partitions.find((one) => one.name === "identity");
    expect(identity).toMatchObject({
      type: "data",
      subtype: "nvs",
      offset: 0x10000,
      bytes: 0x10000,
    });
  });

  it.each(BOARDS)("%s has its partition table and chip in ESP-IDF's defaults", (name) => {
    const { name: board, chip } = boardOf(name);
    const defaults = readFileSync(join(ROOT, "boards", board, "sdkconfig.defaults"), "utf8");
    expect(defaults).toContain(`CONFIG_IDF_TARGET="${chip}"`);
    expect(defaults).toContain(`FILENAME="boards/${board}/partitions.csv"`);
  });

  it.each(["wasm3", "aot"] as const)("is given every source that %s needs", (vm) => {
    const lists = idfLists(vm);
    const all = [...lists.OTHERS_SOURCES, ...lists.OWN_FOLDERS];
    expect(all.filter((path) => !existsSync(path))).toEqual([]);
    expect(lists.OTHERS_SOURCES).toEqual(expect.arrayContaining([...lists.OTHERS_HOT]));
    expect(cmakeText(lists)).toMatch(/^set\(OTHERS_SOURCES\n {2}\[\[\//);
  });
});

describe("npm run check:esp32", () => {
  it.each([undefined, "/nowhere"])("says what to set where IDF_PATH is %s", (path) => {
    const env = { ...process.env, IDF_PATH: path };
    const { status, stderr } = spawnSync(NODE, ["scripts/check-esp32.ts"], {
      cwd: ROOT,
      env,
      encoding: "utf8",
    });
    expect(stderr).toMatch(/^Set IDF_PATH to a checkout of ESP-IDF 5\.4 or newer/);
    expect(status).toBe(1);
  });
});
