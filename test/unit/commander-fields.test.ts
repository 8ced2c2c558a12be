// SPDX-License-Identifier: Apache-2.0
// Every field of every object of a Commander: wrong types, lengths, addresses, ports, durations, duplicates,
// fields that are not there. Each has a problem that names the field and says what to write instead.

import { describe, expect, it } from "vitest";
import { checkCustomer } from "../../host/commander/domain/customer.ts";
import type { Problem, Result } from "../../host/commander/domain/problem.ts";
import { checkProfile } from "../../host/commander/domain/profile.ts";
import { checkRoute } from "../../host/commander/domain/route.ts";
import { checkStlink } from "../../host/commander/domain/stlink.ts";
import { checkTag } from "../../host/commander/domain/tag.ts";
import { checkTemplate } from "../../host/commander/domain/template.ts";
import {
  GOOD_BINDING,
  GOOD_CUSTOMER,
  GOOD_MAPPING,
  GOOD_PROFILE,
  GOOD_STLINK,
  GOOD_TAG,
  GOOD_TEMPLATE,
  idOf,
  keyOf,
  problemsOf,
  sentences,
} from "./commander-objects.ts";

type Check = (value: unknown) => Result<unknown>;
type Fields = Readonly<Record<string, unknown>>;

const OBJECTS: [kind: string, check: Check, good: Fields, needed: string[]][] = [
  ["Tag", checkTag, GOOD_TAG, ["name"]],
  ["Mapping", checkRoute, GOOD_MAPPING, ["type", "name", "address", "port"]],
  ["Binding", checkRoute, GOOD_BINDING, ["type", "name", "mapping", "port"]],
  ["Template", checkTemplate, GOOD_TEMPLATE, ["name"]],
  ["Profile", checkProfile, GOOD_PROFILE, ["name"]],
  ["STLink", checkStlink, GOOD_STLINK, ["name"]],
  ["Customer", checkCustomer, GOOD_CUSTOMER, ["name", "commander"]],
];

const TYPES: Fields = {
  nothing: null,
  number: 7.5,
  boolean: true,
  text: "\u0000",
  list: [[]],
  table: { "no such field": 1 },
};

/** One value of each type that the field's good value does not have. */
function wrongTypes(good: unknown): [type: string, value: unknown][] {
  const own = good === null ? "nothing" : Array.isArray(good) ? "list" : typeof good;
  const names: Fields = { string: "text", object: "table" };
  return Object.entries(TYPES).filter(([type]) => type !== (names[own] ?? own));
}

const WRONG_TYPES = OBJECTS.flatMap(([kind, check, good]) =>
  Object.entries(good).flatMap(([field, value]) =>
    wrongTypes(value).map(([type, wrong]) => ({ kind, check, good, field, type, wrong })),
  ),
);

function about(problems: readonly Problem[], field: string): Problem[] {
  return problems.filter(({ path }) => path[0] === field);
}

describe("every object", () => {
  it.each(OBJECTS)("%s: is taken as it is, and again in the form it was taken in", (...row) => {
    const [, check, good] = row;
    expect(check(good)).toEqual({ ok: true, value: good });
  });

  it.each(OBJECTS)("%s: needs its fields, and has defaults for the others", (...row) => {
    const [kind, check, good, needed] = row;
    const least = Object.fromEntries(needed.map((field) => [field, good[field]]));
    expect(check(least)).toMatchObject({ ok: true, value: least });
    for (const field of needed) {
      const { [field]: _, ...rest } = good;
      const problems = about(problemsOf(check(rest)), field);
      expect(
        problems.map(({ code }) => code),
        `${kind} without ${field}`,
      ).toEqual(["Invalid"]);
      expect(problems[0]?.sentence).toMatch(
        field === "type" ? /is one of|is missing/ : /is missing: ./,
      );
    }
  });

  it.each(OBJECTS)("%s: has no other field, and says which was meant", (...row) => {
    const [, check, good] = row;
    const [problem, ...more] = problemsOf(check({ ...good, descripton: "x" }));
    expect(more).toEqual([]);
    expect(problem?.path).toEqual(["descripton"]);
    expect(problem?.sentence).toMatch(/descripton is not a field: did you mean "description"\?$/);
  });

  it.each(OBJECTS)("%s: is a table, and nothing else", (...row) => {
    const [, check] = row;
    for (const wrong of [null, undefined, 7, "x", [], true]) {
      const [problem] = problemsOf(check(wrong));
      expect(problem?.code).toBe("Invalid");
      expect(problem?.sentence).toMatch(/^The \w+: what was sent is .*(a table|missing)/);
    }
  });

  it.each(WRONG_TYPES)("$kind: refuses $type as $field", ({ check, good, field, wrong }) => {
    const problems = problemsOf(check({ ...good, [field]: wrong }));
    expect(about(problems, field)).not.toEqual([]);
    expect(about(problems, field).length).toBe(problems.length);
    for (const { code, sentence } of problems) {
      expect(code).toBe("Invalid");
      expect(sentence).toMatch(/^(The \w+|\w+ ".*"): .+ .+/s);
      expect(sentence).not.toMatch(/Invalid input|undefined|\[object/);
    }
  });

  it("says all that is wrong at once", () => {
    const problems = problemsOf(
      checkRoute({ ...GOOD_MAPPING, port: 0, address: "8.8.8.8", hold: "x" }),
    );
    expect(problems.map(({ path }) => path[0]).sort()).toEqual(["address", "hold", "port"]);
  });
});

describe("names, descriptions and lists", () => {
  it.each(["", " ", "a b", "-a", "a".repeat(65), "a\nb", "e\u0301", "a/b", "\u{1f600}"])(
    "a name is not %j",
    (name) => {
      expect(sentences(checkTag({ name }))[0]).toMatch(/name is not a name: letters, digits/);
    },
  );

  it.each(["a", "é", "7", "camera-1.hall_2", "ü".repeat(64)])("a name may be %j", (name) => {
    expect(checkTag({ name }).ok).toBe(true);
  });

  it.each([
    ["a".repeat(1001), /description is longer than 1000 letters: shorten it/],
    ["\u001b[31m", /description holds control characters/],
    ["a\u0000", /description holds control characters/],
    ["\u009b31m", /description holds control characters/],
  ])("a description is not %j", (description, sentence) => {
    expect(sentences(checkTag({ name: "a", description }))[0]).toMatch(sentence);
  });

  it("a description may have lines", () => {
    expect(checkTag({ name: "a", description: "One.\n\tTwo." }).ok).toBe(true);
  });

  it.each([
    ["twice", [idOf(1), idOf(2), idOf(1)], /tags\[2\] is there twice/],
    ["in capitals", ["A".repeat(32)], /tags\[0\] is not an id/],
    ["too short", ["a".repeat(31)], /tags\[0\] is not an id/],
    ["too long", ["a".repeat(33)], /tags\[0\] is not an id/],
    ["zeros", ["0".repeat(32)], /tags\[0\] is not an id/],
    ["many", Array.from({ length: 65 }, (_, i) => idOf(i + 1)), /tags is to hold at most 64/],
  ])("tags are not %s", (_, tags, sentence) => {
    expect(sentences(checkTemplate({ name: "a", tags }))[0]).toMatch(sentence);
  });
});

describe("a Mapping", () => {
  it.each([
    ["8.8.8.8", /address is 8\.8\.8\.8: a Mapping never points to a public address/],
    ["2001:db8::1", /a Mapping never points to a public address/],
    ["::ffff:8.8.8.8", /a Mapping never points to a public address/],
    ["0.0.0.0", /a Mapping never points to a public address/],
    ["224.0.0.1", /a Mapping never points to a public address/],
    ["", /neither an IP address nor a host name/],
    ["http://camera", /without scheme or port/],
    ["camera:80", /without scheme or port/],
    ["a b", /neither an IP address nor a host name/],
    ["ü".repeat(130), /address has 260 bytes, and a configuration carries 255/],
  ])("never points to %j", (address, sentence) => {
    expect(sentences(checkRoute({ ...GOOD_MAPPING, address }))).toEqual([
      expect.stringMatching(sentence),
    ]);
  });

  it.each([
    "127.0.0.1",
    "::1",
    "10.1.2.3",
    "172.16.0.1",
    "100.64.0.1",
    "169.254.1.1",
    "fd00::1",
    "camera.local",
  ])("may point to %s", (address) => {
    expect(checkRoute({ ...GOOD_MAPPING, address }).ok).toBe(true);
  });

  it.each([
    ["port", 0, /port is to be at least 1/],
    ["port", 65_536, /port is to be at most 65535/],
    ["port", 80.5, /port is to be a whole number/],
    ["port", "443", /port is to be a whole number/],
    ["protocol", "sctp", /protocol is one of "tcp", "udp"/],
    ["hold", "25h", /hold is to be from 0s to 24h/],
    ["hold", "2 minutes", /hold is not a duration/],
    ["hold", "-1s", /hold is not a duration/],
    ["idle", "30s", /idle is for UDP, and this Route carries tcp: leave it out/],
    ["age", "2s", /age is for UDP/],
    ["flows", 10, /flows is for UDP/],
    ["type", "both", /type is one of "mapping", "binding"/],
    ["mapping", idOf(16), /mapping is not a field/],
  ])("refuses %s = %j", (field, value, sentence) => {
    expect(sentences(checkRoute({ ...GOOD_MAPPING, [field]: value }))).toEqual([
      expect.stringMatching(sentence),
    ]);
  });
});

describe("a UDP Route", () => {
  const udp = [
    { ...GOOD_MAPPING, protocol: "udp" },
    { ...GOOD_BINDING, protocol: "udp" },
  ];

  it("may say how long, how old and how many", () => {
    for (const route of udp) {
      expect(checkRoute({ ...route, idle: "1s", age: "10s", flows: 65_535 }).ok).toBe(true);
    }
  });

  it.each([
    ["idle", "999ms", /idle is to be from 1s to 24h/],
    ["idle", "25h", /idle is to be from 1s to 24h/],
    ["age", "49ms", /age is to be from 50ms to 10s/],
    ["age", "11s", /age is to be from 50ms to 10s/],
    ["flows", 0, /flows is to be at least 1/],
    ["flows", 65_536, /flows is to be at most 65535/],
  ])("is refused with %s = %j", (field, value, sentence) => {
    for (const route of udp) {
      expect(sentences(checkRoute({ ...route, [field]: value }))).toEqual([
        expect.stringMatching(sentence),
      ]);
    }
  });
});

describe("a Binding", () => {
  it.each([
    ["port", 0, /port is to be at least 1/],
    ["mapping", "web", /mapping is not an id/],
    [
      "address",
      "8.8.8.8",
      /address is 8\.8\.8\.8, a public address: a Binding listens on loopback/,
    ],
    ["address", "", /neither an IP address nor the name of an interface/],
    ["address", "eth0:80", /neither an IP address nor the name of an interface/],
    ["help", "x".repeat(2001), /help is longer than 2000 letters/],
    ["access", { sources: ["10.0.0.0"] }, /access\.sources\[0\] is not a network/],
    ["access", { sources: ["10.0.0.0/33"] }, /access\.sources\[0\] is not a network/],
    ["access", { sources: ["fd00::/129"] }, /access\.sources\[0\] is not a network/],
    ["access", { sources: ["10.0.0.0/8", "10.0.0.0/8"] }, /sources\[1\] is there twice/],
    ["access", { connections: 0 }, /access\.connections is to be at least 1/],
    ["access", { connections: 65_536 }, /access\.connections is to be at most 65535/],
    ["access", { rate: "1B" }, /access\.rate is to be from 1KiB to 1GiB/],
    ["access", { rate: 1024 }, /access\.rate is not a size/],
    ["access", { source: [] }, /access\.source is not a field: did you mean "sources"/],
  ])("refuses %s = %j", (field, value, sentence) => {
    expect(sentences(checkRoute({ ...GOOD_BINDING, [field]: value }))).toEqual([
      expect.stringMatching(sentence),
    ]);
  });

  it.each([
    ["192.168.0.7", "listens on 192.168.0.7: every machine of that network can use it"],
    ["eth0", "listens on eth0: every machine of that network can use it"],
    ["all", "listens on all interfaces: every machine that reaches this one can use it"],
    ["0.0.0.0", "listens on all interfaces"],
    ["::", "listens on all interfaces"],
    ["fd00::7", "listens on fd00::7"],
  ])("that listens on %s has to say what it exposes", (address, exposure) => {
    const exposes = address.includes(":") ? `tcp [${address}]:443` : `tcp ${address}:443`;
    const [problem, ...more] = problemsOf(checkRoute({ ...GOOD_BINDING, address }));
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: "NeedsConfirmation", path: ["exposes"] });
    expect(problem?.sentence).toContain(`Route "here" ${exposure}`);
    expect(problem?.sentence).toContain(`exposes is to be "${exposes}"`);
    expect(checkRoute({ ...GOOD_BINDING, address, exposes }).ok).toBe(true);
  });

  it("has to say it again when it exposes something else", () => {
    const exposed = { ...GOOD_BINDING, address: "eth0", exposes: "tcp eth0:443" };
    for (const change of [{ address: "all" }, { port: 80 }, { protocol: "udp" }]) {
      const problems = problemsOf(checkRoute({ ...exposed, ...change }));
      expect(problems.map(({ code }) => code)).toEqual(["NeedsConfirmation"]);
    }
  });

  it("on loopback exposes nothing, and does not say so", () => {
    for (const address of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) {
      expect(checkRoute({ ...GOOD_BINDING, address }).ok).toBe(true);
      const result = checkRoute({ ...GOOD_BINDING, address, exposes: "tcp eth0:443" });
      expect(sentences(result)[0]).toMatch(/exposes says "tcp eth0:443", and .* exposes nothing/);
    }
  });
});

describe("a Profile", () => {
  it("has the rules of the design where it says none", () => {
    expect(checkProfile({ name: "a" })).toMatchObject({
      ok: true,
      value: { lease: "7d", codes: { uses: 1, expiry: "1d", sources: [], approval: false } },
    });
  });

  it("may have a lease that never ends", () => {
    expect(checkProfile({ name: "a", lease: "never" }).ok).toBe(true);
  });

  it.each([
    [{ lease: "59m" }, /lease is not a lease: a duration from 1h to 365d/],
    [{ lease: "366d" }, /lease is not a lease/],
    [{ lease: "always" }, /lease is not a lease/],
    [{ codes: { uses: 0 } }, /codes\.uses is to be at least 1/],
    [{ codes: { uses: 10_001 } }, /codes\.uses is to be at most 10000/],
    [{ codes: { uses: 1.5 } }, /codes\.uses is to be a whole number/],
    [{ codes: { expiry: "30s" } }, /codes\.expiry is to be from 1m to 365d/],
    [{ codes: { expiry: "soon" } }, /codes\.expiry is not a duration/],
    [{ codes: { sources: ["office"] } }, /codes\.sources\[0\] is not a network/],
    [{ codes: { approval: "yes" } }, /codes\.approval is to be true or false/],
    [{ codes: { use: 1 } }, /codes\.use is not a field: did you mean "uses"/],
    [{ routes: [idOf(1), idOf(1)] }, /routes\[1\] is there twice/],
    [{ templates: ["x"] }, /templates\[0\] is not an id/],
  ])("refuses %j", (change, sentence) => {
    expect(sentences(checkProfile({ name: "a", ...change }))).toEqual([
      expect.stringMatching(sentence),
    ]);
  });
});

describe("a Customer", () => {
  const { commander } = GOOD_CUSTOMER;

  it.each([
    [{ commander: { ...commander, id: "7" } }, /commander\.id is not an id/],
    [{ commander: { ...commander, key: "7" } }, /commander\.key is not a public key/],
    [
      { commander: { ...commander, key: "ff".repeat(32) } },
      /key is no X25519 public key in canonical/,
    ],
    [{ commander: { ...commander, recovery: keyOf(3) } }, /commander\.recovery is the key itself/],
    [{ commander: { id: idOf(1), key: keyOf(3) } }, /commander\.recovery is missing/],
    [{ stlinks: 0 }, /stlinks is to be at least 1/],
    [{ rate: "1KiB" }, /rate is to be from 64KiB to 1GiB/],
    [{ suspended: 1 }, /suspended is to be true or false/],
  ])("refuses %j", (change, sentence) => {
    expect(sentences(checkCustomer({ ...GOOD_CUSTOMER, ...change }))).toEqual([
      expect.stringMatching(sentence),
    ]);
  });

  it("keeps keys in lower case, whatever was typed", () => {
    const typed = { ...commander, key: keyOf(3).toUpperCase() };
    const result = checkCustomer({ ...GOOD_CUSTOMER, commander: typed });
    expect(result).toMatchObject({ ok: true, value: { commander: { key: keyOf(3) } } });
  });
});
