// SPDX-License-Identifier: Apache-2.0
// `sealed device provision` as a person calls it: the image that it writes, for its owner alone and never
// over another; the session that it prints; and what it refuses.

import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { deviceRecords } from "../../host/device/configuration.ts";
import { provisionSession } from "../../host/device/serial-session.ts";
import { LARGE_FLASH, SMALL_FLASH, storeImage } from "../../host/device/store-image.ts";
import { readSite } from "../../host/stlink/site-file.ts";
import { ROOT } from "../../scripts/run.ts";
import { GOOD_SITE, place, removeFolders } from "../unit/site-files.ts";

const SEALED = join(ROOT, "host", "cli", "sealed.cjs");
const TIMEOUT_MS = 60_000;

let file: string;
let out: string;

beforeEach(() => {
  file = place("camera.toml", GOOD_SITE);
  out = join(dirname(file), "camera.flash");
});

afterAll(removeFolders);

function provision(...args: string[]): { status: number | null; said: string; out: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [SEALED, "device", "provision", ...args],
    { encoding: "utf8", timeout: TIMEOUT_MS },
  );
  return { status, said: stderr.trimEnd(), out: stdout };
}

describe("an image", () => {
  it.each([
    ["native", SMALL_FLASH],
    ["virt-rv32", LARGE_FLASH],
  ])("for %s holds what the file says, for its owner alone", (target, shape) => {
    expect(provision(file, "--out", out, "--for", target)).toMatchObject({ status: 0, said: "" });
    const expected = storeImage(shape, deviceRecords(readSite(file)));
    expect(readFileSync(out).equals(expected)).toBe(true);
    expect(statSync(out).mode & 0o777).toBe(0o600);
  });

  it("is never written over another file", () => {
    writeFileSync(out, "mine");
    const { status, said } = provision(file, "--out", out);
    expect(status).toBe(8);
    expect(said).toBe(
      `${out} is there already, and a device's flash is never overwritten: choose another name, or move it away.`,
    );
    expect(readFileSync(out, "utf8")).toBe("mine");
  });
});

describe("what a device leaves out", () => {
  const more = `[limits]\nstreams = 9\n[log]\nlevel = "debug"\n`;
  const text = `${GOOD_SITE.replace("port = 543", 'port = 543\nudp_age = "1s"')}udp_flows = 4\n${more}`;

  it.each([["--out"], ["--serial"]])("is warned of by name, and the rest is made (%s)", (how) => {
    writeFileSync(file, text, { mode: 0o600 });
    const target = how === "--out" ? ["--out", out] : ["--serial"];
    const { status, said, out: printed } = provision(file, ...target);
    expect(status).toBe(0);
    expect(said).toBe(
      `warning: ${file}: a device leaves out mappings[0].udp_age, bindings[0].udp_flows, limits.streams, log.level: its limits and its log are its own. See \`sealed device provision --help\`.`,
    );
    expect(printed).not.toContain("warning");
  });
});

describe("a session", () => {
  it("is printed for the console", () => {
    const { status, out: printed } = provision(file, "--serial");
    expect(status).toBe(0);
    expect(printed.trimEnd().split("\n")).toEqual(provisionSession(deviceRecords(readSite(file))));
  });
});

describe("it refuses", () => {
  it("a file of what a device can't do", () => {
    writeFileSync(file, GOOD_SITE.replace("port = 443", "port = 0"), { mode: 0o600 });
    const { status, said } = provision(file, "--out", out);
    expect([status, said]).toEqual([
      3,
      `${file}: binding "here" has port 0: for a device write which.`,
    ]);
  });

  const withIpv6 = GOOD_SITE.replace('"192.0.2.7:8443"', '"[2001:db8::7]:8443"')
    .replace('address = "192.168.0.1"', 'address = "fd00::1"')
    .replace("port = 443", 'port = 443\naddress = "::1"');
  const boards = "and a board has IPv4 alone: write one of IPv4.";

  it.each([
    ["an image for virt-rv32", ["--out", "x.flash", "--for", "virt-rv32"]],
    ["an image for esp32", ["--out", "x.flash", "--for", "esp32"]],
    ["a session for esp32", ["--serial", "--for", "esp32"]],
  ])("each address of IPv6 in %s", (_, args) => {
    writeFileSync(file, withIpv6, { mode: 0o600 });
    const { status, said } = provision(file, ...args);
    expect([status, said.split("\n")]).toEqual([
      3,
      [
        `${file}: connector "hall" has the IPv6 address 2001:db8::7, ${boards}`,
        `${file}: mapping "web" has the IPv6 address fd00::1, ${boards}`,
        `${file}: binding "here" has the IPv6 address ::1, ${boards}`,
      ],
    ]);
  });

  it("no address of IPv6 for the native device", () => {
    writeFileSync(file, withIpv6, { mode: 0o600 });
    expect(provision(file, "--out", out)).toMatchObject({ status: 0, said: "" });
  });

  it.each([
    ["neither --out nor --serial", []],
    ["both", ["--out", "x.flash", "--serial"]],
  ])("%s", (_, args) => {
    const { status, said } = provision(file, ...args);
    expect(status).toBe(2);
    expect(said).toBe("Say where to: --out FILE, or --serial to print the session.");
  });
});
