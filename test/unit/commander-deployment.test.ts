// SPDX-License-Identifier: Apache-2.0
// How a Route reaches an STLink (through a Template or a Profile alone), whom that pairs it with, and the
// configuration that comes of it: read by the reference decoder and taken by the core. Also what holds
// objects together: references that lead somewhere, and deletions that are refused.

import { describe, expect, it } from "vitest";
import {
  type Authority,
  configurationOf,
  type Psks,
} from "../../host/commander/domain/configuration.ts";
import {
  collisionsOf,
  effectiveRoutes,
  holdersOf,
  pairedRoutes,
  pairOf,
  pairsOf,
} from "../../host/commander/domain/deployment.ts";
import { memoryDeployment, type Objects } from "../../host/commander/domain/memory-deployment.ts";
import { demand, Refusal } from "../../host/commander/domain/problem.ts";
import type { Profile } from "../../host/commander/domain/profile.ts";
import {
  type Binding,
  checkRoute,
  type Mapping,
  neighbourProblems,
  typeProblems,
} from "../../host/commander/domain/route.ts";
import { NO_FACTS } from "../../host/commander/domain/stlink.ts";
import type { Template } from "../../host/commander/domain/template.ts";
import { deletionProblems, referenceProblems } from "../../host/commander/domain/uses.ts";
import { Core, DEVICE_SIZES } from "../../host/core/core.ts";
import { openCore } from "../../host/core/core-file.ts";
import { encodeConfiguration } from "../../host/stlink/configuration.ts";
import {
  type ConfiguredRoute,
  decodeConfiguration,
  encodeStored,
} from "../reference/configuration.ts";
import {
  GOOD_BINDING,
  GOOD_MAPPING,
  GOOD_PROFILE,
  idOf,
  keyOf,
  said,
  stlinkOf,
} from "./commander-objects.ts";

const [A, B, C] = [idOf(1), idOf(2), idOf(3)];
const [WEB, HERE] = [idOf(16), idOf(17)];
const [CAMERAS, DESKS] = [idOf(32), idOf(33)];
const FACTORY = idOf(48);

const web = { ...demand(checkRoute(GOOD_MAPPING)), id: WEB } as Mapping;
const here = { ...demand(checkRoute({ ...GOOD_BINDING, mapping: WEB })), id: HERE } as Binding;

function template(id: string, routes: string[]): Template {
  return { id, name: `t${Number(id)}`, description: "", tags: [], routes };
}

function profile(more: Partial<Profile>): Profile {
  return { ...GOOD_PROFILE, id: FACTORY, templates: [], routes: [], ...more };
}

/** A has the Binding, B the Mapping. */
const OBJECTS: Objects = {
  routes: [web, here],
  templates: [template(CAMERAS, [WEB]), template(DESKS, [HERE])],
  profiles: [],
  stlinks: [stlinkOf(1, { templates: [DESKS] }), stlinkOf(2, { templates: [CAMERAS] })],
};

const AUTHORITY: Authority = {
  commanderId: idOf(99),
  commanderKey: keyOf(99),
  recoveryKey: keyOf(98),
  connectors: [{ key: keyOf(97), address: "hall.test:443" }],
};

/** Pre-shared keys that can be told apart. */
const PSKS: Psks = {
  hop: (id) => new Uint8Array(32).fill(Number(`0x${id.slice(-2)}`)),
  pair(one, other) {
    const { low, high } = pairOf(one, other);
    const fill = Number(`0x${low.slice(-2)}`) * 16 + Number(`0x${high.slice(-2)}`);
    return { name: new Uint8Array(8).fill(fill), key: new Uint8Array(32).fill(fill) };
  },
};

function configured(objects: Objects, id: string, psks = PSKS) {
  const deployment = memoryDeployment(objects);
  const stlink = deployment.stlink(id);
  if (stlink === null) throw new Error(`no ${id}`);
  return configurationOf(deployment, AUTHORITY, { epoch: 3, serial: 7n }, stlink, psks);
}

function encoded(objects: Objects, id: string): Uint8Array {
  return new Uint8Array(encodeConfiguration(demand(configured(objects, id))));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("the Routes of an STLink", () => {
  const effective = (objects: Partial<Objects>, id = A) => {
    const deployment = memoryDeployment({ ...OBJECTS, ...objects });
    const stlink = deployment.stlink(id) ?? stlinkOf(9);
    return effectiveRoutes(deployment, stlink).map(({ route, origins }) => [route.id, origins]);
  };

  it("are none where a Route is in nothing that it has", () => {
    expect(effective({ stlinks: [stlinkOf(1)] })).toEqual([]);
    expect(
      holdersOf(memoryDeployment({ ...OBJECTS, stlinks: [stlinkOf(1)] }), "route", WEB),
    ).toEqual([]);
  });

  it("come from a Template that is assigned", () => {
    expect(effective({})).toEqual([[HERE, [{ profile: null, template: DESKS }]]]);
  });

  it("come from its Profile, and from the Profile's Templates", () => {
    const profiles = [profile({ routes: [WEB], templates: [DESKS] })];
    const stlinks = [stlinkOf(1, { profile: FACTORY })];
    expect(effective({ profiles, stlinks })).toEqual([
      [WEB, [{ profile: FACTORY, template: null }]],
      [HERE, [{ profile: FACTORY, template: DESKS }]],
    ]);
  });

  it("name each place that they come from", () => {
    const profiles = [profile({ routes: [HERE], templates: [DESKS] })];
    const stlinks = [stlinkOf(1, { profile: FACTORY, templates: [DESKS] })];
    expect(effective({ profiles, stlinks })).toEqual([
      [
        HERE,
        [
          { profile: null, template: DESKS },
          { profile: FACTORY, template: null },
          { profile: FACTORY, template: DESKS },
        ],
      ],
    ]);
  });

  it("are the same rule from the other end: who has it holds it", () => {
    const objects: Objects = {
      ...OBJECTS,
      profiles: [profile({ routes: [WEB], templates: [DESKS] })],
      stlinks: [1, 2, 3, 4].map((number) =>
        stlinkOf(number, {
          ...(number % 2 === 0 ? { profile: FACTORY } : {}),
          templates: number > 2 ? [CAMERAS] : [],
        }),
      ),
    };
    const deployment = memoryDeployment(objects);
    for (const route of [WEB, HERE]) {
      const holders = objects.stlinks
        .filter((one) => effectiveRoutes(deployment, one).some((it) => it.route.id === route))
        .map(({ id }) => id);
      expect(holdersOf(deployment, "route", route)).toEqual(holders);
    }
  });

  it("collide where two Bindings listen at one place", () => {
    const twin: Binding = { ...here, id: idOf(18), name: "twin" };
    const other: Binding = { ...here, id: idOf(19), protocol: "udp" };
    const collisions = collisionsOf(
      [here, other, twin, web].map((route) => ({ route, origins: [] })),
    );
    expect(collisions).toEqual([[here, twin]]);
  });

  it.each([
    ["all", "127.0.0.1", true],
    ["127.0.0.1", "all", true],
    ["0.0.0.0", "192.168.0.1", true],
    ["0.0.0.0", "eth0", true],
    ["0.0.0.0", "::", true],
    ["0.0.0.0", "::1", false],
    ["::", "127.0.0.1", true],
    ["localhost", "127.0.0.1", true],
    ["::1", "0:0:0:0:0:0:0:1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["eth0", "eth1", false],
    ["fe80::1%eth0", "fe80::1%eth1", false],
  ])("of one port at %s and at %s collide: %s", (one, other, isOne) => {
    const [first, second]: [Binding, Binding] = [
      { ...here, address: one },
      { ...here, id: idOf(18), name: "twin", address: other },
    ];
    const collisions = collisionsOf([first, second].map((route) => ({ route, origins: [] })));
    expect(collisions).toEqual(isOne ? [[first, second]] : []);
  });
});

describe("pairs", () => {
  it("are a Binding's STLink with each that has its Mapping", () => {
    const stlinks = [...OBJECTS.stlinks, stlinkOf(3, { templates: [CAMERAS] })];
    const deployment = memoryDeployment({ ...OBJECTS, stlinks });
    const pairs = stlinks.map((one) => pairsOf(deployment, one));
    expect(pairs).toEqual([
      [
        { low: A, high: B },
        { low: A, high: C },
      ],
      [{ low: A, high: B }],
      [{ low: A, high: C }],
    ]);
  });

  it("are the same, whichever of the two is asked", () => {
    expect(pairOf(A, B)).toEqual(pairOf(B, A));
  });

  it("are none with itself, with who has no key, or with who is revoked", () => {
    const both = stlinkOf(1, { templates: [CAMERAS, DESKS] });
    const invited = stlinkOf(2, { templates: [CAMERAS], facts: NO_FACTS });
    const revoked = stlinkOf(3, {
      templates: [CAMERAS],
      facts: { ...NO_FACTS, revokedAtMs: 1 },
    });
    const deployment = memoryDeployment({ ...OBJECTS, stlinks: [both, invited, revoked] });
    expect(pairsOf(deployment, both)).toEqual([]);
    expect(pairedRoutes(deployment, both).map(({ peers }) => peers)).toEqual([[], []]);
  });
});

describe("the configuration of an STLink", () => {
  it("says who it is, its Connectors, its peers with their keys, and its Routes", () => {
    const config = decodeConfiguration(encoded(OBJECTS, A));
    expect([config.epoch, config.serial, hex(config.id)]).toEqual([3, 7n, A]);
    expect(config.leaseSeconds).toBe(7 * 86_400);
    expect([config.commanderKey, config.recoveryKey, config.commanderId].map(hex)).toEqual([
      keyOf(99),
      keyOf(98),
      idOf(99),
    ]);
    expect(config.connectors.map((one) => [hex(one.key), hex(one.psk), one.address])).toEqual([
      [keyOf(97), "01".repeat(32), "hall.test:443"],
    ]);
    expect(
      config.peers.map((one) => [hex(one.id), hex(one.key), one.keyEpoch, hex(one.psk)]),
    ).toEqual([
      [idOf(99), keyOf(99), 0, "73".repeat(32)],
      [B, keyOf(2), 1, "12".repeat(32)],
    ]);
    expect(config.routes).toHaveLength(1);
    expect(config.routes[0]).toMatchObject({
      ...{ kind: 2, protocol: 1, flags: 0, holdSeconds: 120, port: 443, address: "127.0.0.1" },
    });
    expect(
      [config.routes[0]?.id, config.routes[0]?.mappingId].map((it) => hex(it as Uint8Array)),
    ).toEqual([HERE, WEB]);
    expect(config.routes[0]?.peers.map(hex)).toEqual([B]);
  });

  it("has the other end's pre-shared key, and the Mapping with its flag", () => {
    const config = decodeConfiguration(encoded(OBJECTS, B));
    expect(config.peers.map(({ id, psk }) => [hex(id), hex(psk)])[1]).toEqual([A, "12".repeat(32)]);
    expect(config.routes[0]).toMatchObject({ kind: 1, flags: 1, holdSeconds: 60, port: 543 });
    expect(config.routes[0]?.peers.map(hex)).toEqual([A]);
  });

  it("names a peer's next key, and its lease's seconds", () => {
    const facts = { ...stlinkOf(2).facts, nextKey: keyOf(22), keyEpoch: 4 };
    const stlinks = [
      stlinkOf(1, { profile: FACTORY }),
      stlinkOf(2, { templates: [CAMERAS], facts }),
    ];
    const profiles = [profile({ routes: [HERE], lease: "never" })];
    const config = decodeConfiguration(encoded({ ...OBJECTS, profiles, stlinks }, A));
    expect(config.leaseSeconds).toBe(0);
    expect(hex(config.peers[1]?.nextKey ?? new Uint8Array())).toBe(keyOf(22));
    expect(config.peers[1]?.keyEpoch).toBe(4);
  });

  it("leaves out a Route that leads to nobody", () => {
    const [first] = OBJECTS.stlinks;
    const config = decodeConfiguration(encoded({ ...OBJECTS, stlinks: [first as never] }, A));
    expect([config.peers.length, config.routes.length]).toEqual([1, 0]);
  });

  it("is taken by the core of a device", () => {
    const bytes = encoded(OBJECTS, A);
    const core = new Core(openCore());
    core.feed(new Uint8Array(64).fill(7));
    core.start("stlink", DEVICE_SIZES, 0);
    core.setIdentity(
      new Uint8Array(32).fill(1),
      Buffer.from(keyOf(1), "hex"),
      Buffer.from(A, "hex"),
    );
    core.loadConfiguration(encodeStored(decodeConfiguration(bytes)));
    expect(
      ([0, 1, 2] as const).map((section) => core.configurationEntries(section).length),
    ).toEqual([1, 2, 1]);
  });

  it("has a Binding's access list, and what a UDP Route says of its datagrams", () => {
    const access = { sources: ["192.168.0.0/24", "fd00::/8"], connections: 20, rate: "1MiB" };
    const udp = { protocol: "udp", idle: "60s", age: "3s", flows: 9 } as const;
    const routes = [
      { ...web, ...udp },
      { ...here, ...udp, access },
    ];
    const config = decodeConfiguration(encoded({ ...OBJECTS, routes }, A));
    const optionsOf = (one: ConfiguredRoute | undefined) =>
      one?.options?.map(({ type, value }) => [type, hex(value)]);
    const times = [
      [4, "60ea0000"],
      [5, "b80b"],
      [6, "0900"],
    ];
    expect(optionsOf(config.routes[0])).toEqual([
      [1, "0418c0a80000"],
      [1, `0608fd${"00".repeat(15)}`],
      [2, "1400"],
      [3, "00001000"],
      ...times,
    ]);
    const other = decodeConfiguration(encoded({ ...OBJECTS, routes }, B));
    expect(optionsOf(other.routes[0])).toEqual(times);
  });

  it("carries a Route with thousands of STLinks at its other end, and says where it can't", () => {
    const one = stlinkOf(2, { templates: [CAMERAS] });
    const many = (count: number) => {
      const others = Array.from({ length: count }, (_, i) => ({ ...one, id: idOf(i + 1000) }));
      return { ...OBJECTS, stlinks: [stlinkOf(1, { templates: [DESKS] }), ...others] };
    };
    const psk = { name: new Uint8Array(8), key: new Uint8Array(32) };
    const psks = { ...PSKS, pair: () => psk };
    const result = configured(many(4000), A, psks);
    if (!result.ok) throw new Error("refused");
    const config = decodeConfiguration(encodeConfiguration(result.value));
    expect([config.peers.length, config.routes[0]?.peers.length]).toEqual([4001, 4000]);
    const refused = configured(many(65_535), A, psks);
    expect(said(refused.ok ? [] : refused.problems)).toEqual([
      'TooLarge : STLink "stlink-1" is paired with 65535 STLinks, and a configuration carries 65534: make several of it, with some of them each.',
    ]);
  });

  it("is not made without a pair's own pre-shared key", () => {
    expect(() => configured(OBJECTS, A, { ...PSKS, pair: () => null })).toThrow(/no a PSK of/);
    expect(() => configured(OBJECTS, A, { ...PSKS, hop: () => null })).toThrow(/no a hop's PSK of/);
  });
});

describe("references", () => {
  const nobody = () => false;

  it.each([
    ["route", { ...here }, ["mapping"]],
    ["template", template(CAMERAS, [WEB, HERE]), ["routes.0", "routes.1"]],
    [
      "profile",
      profile({ tags: [], routes: [WEB], templates: [DESKS] }),
      ["routes.0", "templates.0"],
    ],
    [
      "stlink",
      stlinkOf(1, { tags: [idOf(5)], profile: FACTORY, templates: [DESKS] }),
      ["tags.0", "templates.0", "profile"],
    ],
    ["customer", { name: "n", tags: [idOf(5)] }, ["tags.0"]],
  ] as const)("of a %s lead to what is there", (kind, object, paths) => {
    const problems = referenceProblems(kind, object as never, nobody);
    expect(problems.map(({ path }) => path.join("."))).toEqual(paths);
    for (const { code, sentence } of problems) {
      expect(code).toBe("Invalid");
      expect(sentence).toMatch(/is [0-9a-f]{32}, and there is no \w+ with this id: list them/);
    }
    expect(referenceProblems(kind, object as never, () => true)).toEqual([]);
  });

  it("that are in use keep their object, and the first ten are named", () => {
    const users = Array.from(
      { length: 12 },
      (_, i) => ({ kind: "template", id: idOf(i + 1), name: `t${i}` }) as const,
    );
    expect(deletionProblems("route", "web", [])).toEqual([]);
    const [few] = deletionProblems("route", "web", users.slice(0, 2));
    expect(few?.sentence).toBe(
      'Route "web" can\'t be deleted: it is used by Template "t0", Template "t1". Take it out there first.',
    );
    const [many] = deletionProblems("route", "web", users);
    expect(many).toMatchObject({ code: "InUse", users });
    expect(many?.sentence).toMatch(/Template "t9", 2 more\. Take/);
  });
});

describe("a Route beside others", () => {
  const alone = { mapping: null, bindings: [] };

  it("keeps its type", () => {
    expect(typeProblems(web, { ...web, name: "x" })).toEqual([]);
    expect(said(typeProblems(here, web))).toEqual([
      'Invalid type: Route "web": type was binding, and stays so: make another Route, of another name.',
    ]);
  });

  it("that is a Binding leads to a Mapping, of its protocol", () => {
    expect(neighbourProblems(here, { ...alone, mapping: web })).toEqual([]);
    expect(said(neighbourProblems(here, { ...alone, mapping: { ...here, name: "x" } }))).toEqual([
      'Invalid mapping: Route "here": mapping is "x", itself a Binding: name a Mapping.',
    ]);
    expect(
      said(neighbourProblems(here, { ...alone, mapping: { ...web, protocol: "udp" } })),
    ).toEqual(['Invalid protocol: Route "here": protocol is tcp, and its Mapping "web" is udp.']);
  });

  it("that is a Mapping keeps the protocol of the Bindings that lead to it", () => {
    expect(neighbourProblems(web, { ...alone, bindings: [here] })).toEqual([]);
    const problems = neighbourProblems({ ...web, protocol: "udp" }, { ...alone, bindings: [here] });
    expect(said(problems)[0]).toMatch(
      /protocol is udp, and the Binding "here" that leads to it is tcp/,
    );
  });
});

it("problems are carried by one error, each sentence a line", () => {
  const result = checkRoute({ ...GOOD_MAPPING, port: 0, hold: "x" });
  expect(() => demand(result)).toThrow(Refusal);
  expect(() => demand(result)).toThrow(
    /^Route "web": port .*\.\nRoute "web": hold|^Route "web": hold .*\.\nRoute "web": port/s,
  );
});
