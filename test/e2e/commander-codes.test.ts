// SPDX-License-Identifier: Apache-2.0
// Activation codes of a real Commander as the machines meet them that show one: used a second time, expired, shown
// from another network, with another key, revoked; and an answer that is lost on the way, at some of its bytes (at
// all of them: `npm run shows -- activation-cuts`). Each refusal is read where a person reads it. PROTOCOL 10.2.

import { renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ActivationCuts } from "./activation-cuts.ts";
import type { Cut } from "./cut-line.ts";
import { buildForDemo } from "./demo-tools.ts";
import { endAll } from "./sealed-tools.ts";
import { type MadeCode, UpSite, until } from "./up-site.ts";

type CodeLine = { id: string; state: string; uses: { key: string; stlinkName: string }[] };

/** More than a minute, which no test waits for. */
const LATER_MS = 2 * 60_000;

let site: UpSite;

beforeAll(async () => {
  await buildForDemo();
  site = await UpSite.start();
});
afterAll(endAll);

async function newCode(profile: string, ...rules: string[]): Promise<MadeCode> {
  await site.sealed("profile", "add", profile, ...rules);
  return site.json<MadeCode>("code", "add", "--profile", profile);
}

async function codeLine(id: string): Promise<CodeLine | undefined> {
  return (await site.json<CodeLine[]>("code", "list")).find((code) => code.id === id);
}

/** What was written down about a code that was turned away so often; whoever showed it is answered before. */
function turnedAway(id: string, times = 1): Promise<unknown[]> {
  const look = async () => {
    const history = await site.history(id);
    const lines = history.filter(({ what }) => what === "turned away").map(({ after }) => after);
    return lines.length >= times && lines;
  };
  return until(look, `it was written down ${times} times that a code was turned away`);
}

describe("a code", () => {
  it("serves one machine, and is refused to the next, and to the same one with a new key", async () => {
    const { id, text } = await newCode("first");
    expect(await site.activate("first", text)).toMatchObject({ code: 0 });
    const second = await site.activate("second", text);
    expect(second).toMatchObject({
      code: 13,
      err: expect.stringMatching(/^CodeUsed: .*new code/m),
    });
    renameSync(join(site.folder, "first"), join(site.folder, "away"));
    const other = await site.activate("first", text);
    expect(other).toMatchObject({ code: 13, err: expect.stringMatching(/^CodeUsed: /m) });
    const line = await codeLine(id);
    expect(line).toMatchObject({ state: "used", uses: [{ key: site.facts(nameIn(line)).key }] });
    const keys = (await turnedAway(id, 2)) as { reason: string; key: string }[];
    expect(keys.map(({ reason }) => reason)).toEqual(["CodeUsed", "CodeUsed"]);
    expect(new Set(keys.map(({ key }) => key)).size).toBe(2);
    const ofProfile = (names: { name: string }[]) =>
      names.filter(({ name }) => /^first-/.test(name));
    expect(ofProfile(await site.json("stlink", "list"))).toHaveLength(1);
  });

  it("that has expired is refused as that", async () => {
    const { id, text } = await newCode("short", "--expiry", "1m");
    await site.kill();
    // As two minutes later.
    const expires = "json_set(body, '$.expiresAtMs', json_extract(body, '$.expiresAtMs') - ?)";
    site.meddle(`UPDATE codes SET body = ${expires} WHERE code_id = ?`, LATER_MS, id);
    await site.up();
    await site.published();
    const ended = await site.activate("late", text);
    expect(ended).toMatchObject({
      code: 13,
      err: expect.stringMatching(/^CodeExpired: .*new one/m),
    });
    expect(await codeLine(id)).toMatchObject({ state: "expired", uses: [] });
    expect(await turnedAway(id)).toMatchObject([{ reason: "CodeExpired" }]);
  });

  it("for another network is refused as that", async () => {
    const { id, text } = await newCode("elsewhere", "--source", "192.0.2.0/24");
    const ended = await site.activate("elsewhere", text);
    expect(ended).toMatchObject({ code: 13, err: expect.stringMatching(/^WrongNetwork: /m) });
    expect(await codeLine(id)).toMatchObject({ state: "open", uses: [] });
    const after = { reason: "WrongNetwork", source: "127.0.0.1" };
    expect(await turnedAway(id)).toMatchObject([after]);
  });

  it("that was revoked is known to nobody", async () => {
    const { id, text } = await newCode("withdrawn");
    await site.sealed("code", "rm", id);
    const ended = await site.activate("revoked", text);
    expect(ended).toMatchObject({ code: 13, err: expect.stringMatching(/^CodeUnknown: /m) });
    expect(await codeLine(id)).toMatchObject({ state: "revoked", uses: [] });
  });

  it("with approval serves once an administrator has compared the key", async () => {
    const { id, text } = await newCode("careful", "--approval");
    const waiting = site.activate("asks", text);
    const name = await site.someStlink((facts) => facts.waiting !== null);
    const key = site.facts(name).waiting?.key ?? "";
    await site.sealed("stlink", "approve", name, "--key", key);
    expect(await waiting).toMatchObject({ code: 0, err: expect.stringContaining(key) });
    expect(await codeLine(id)).toMatchObject({ state: "used", uses: [{ key }] });
  });
});

function nameIn(line: CodeLine | undefined): string {
  return line?.uses[0]?.stlinkName ?? "";
}

describe("an answer that is lost", () => {
  it("leaves a device that is activated once, wherever its connection is cut", async () => {
    const cuts = await ActivationCuts.start();
    const whole = await cuts.lengths();
    const places: Cut[] = [
      ...someOf(whole.down, 12).map((bytes) => ({ way: "down" as const, bytes })),
      ...someOf(whole.up, 6).map((bytes) => ({ way: "up" as const, bytes })),
    ];
    const { activated, extra, wrongCodes, cut, slowest } = await cuts.cutAt(places, () => {});
    expect({ activated, extra, wrongCodes }).toEqual({
      activated: places.length,
      extra: 0,
      wrongCodes: 0,
    });
    // How much goes each way differs a little from one activation to the next.
    expect(cut).toBeGreaterThan((places.length * 3) / 4);
    console.log(`an activation is ${whole.down} bytes down and ${whole.up} up; ${cut} were cut`);
    console.log(
      `the slowest took ${(slowest.ms / 1000).toFixed(1)} s: ${JSON.stringify(slowest.place)}`,
    );
  });
});

/** Evenly over all of it, before the first byte and before the last among them. */
function someOf(length: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - 1)) / (count - 1)));
}
