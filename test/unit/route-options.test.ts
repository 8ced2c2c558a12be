// SPDX-License-Identifier: Apache-2.0
// Options of a Route (PROTOCOL 10.3): which ones a configuration may have, by the core and by the reference,
// and that both always say the same: of each rule in turn, and of bytes that are anything.

import { blake2s } from "@noble/hashes/blake2.js";
import { describe, expect, it } from "vitest";
import { Core, CoreError, DEVICE_SIZES } from "../../host/core/core.ts";
import { openCore } from "../../host/core/core-file.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { concat, fromHex, toHex } from "../reference/bytes.ts";
import {
  type Configuration,
  type ConfiguredRoute,
  decodeConfiguration,
  encodeConfiguration,
  type RouteOption,
} from "../reference/configuration.ts";
import { statusOf } from "../reference/status.ts";

const [MAPPING, BINDING, TCP, UDP] = [1, 2, 1, 2];
const MUTANTS = 3000;
const prng = new Prng("route options");
const key = (): Uint8Array => Uint8Array.of(...prng.bytes(31), 1);
const peerId = prng.bytes(16);

function optionOf([type, value]: readonly [number, string]): RouteOption {
  return { type, value: fromHex(value) };
}

function configurationOf(kind: number, protocol: number, options: RouteOption[]): Configuration {
  const route: ConfiguredRoute = {
    ...{ id: prng.bytes(16), kind, protocol, flags: 0, holdSeconds: 1, port: 80 },
    ...{ address: "a.test", peers: [peerId], options },
    mappingId: kind === BINDING ? prng.bytes(16) : new Uint8Array(16),
  };
  const peer = { id: peerId, key: key(), nextKey: new Uint8Array(32), keyEpoch: 1 };
  return {
    ...{ epoch: 1, serial: 1n, id: prng.bytes(16), leaseSeconds: 0, connectors: [] },
    ...{ commanderKey: key(), recoveryKey: key(), commanderId: prng.bytes(16) },
    peers: [{ ...peer, pskName: new Uint8Array(8), psk: new Uint8Array(32) }],
    routes: [route],
  };
}

/** What is stored of a configuration of one peer: pinned epoch, a mark, a checksum. */
function storedOf(configuration: Uint8Array): Uint8Array {
  const body = concat(configuration, Uint8Array.of(1, 0, 0, 0, 0));
  return concat(body, blake2s(body).subarray(0, 4));
}

/** Most often of a length that means something. */
function anyOption(): RouteOption {
  const length = prng.pick([0, 1, 2, 2, 2, 4, 4, 4, 6, 6, 18]);
  const value = prng.bytes(length);
  if (length > 4) value[0] = prng.pick([4, 6]);
  if (length > 4) value[1] = prng.below(140);
  return { type: prng.below(9), value };
}

/** What both say of a configuration. */
function verdicts(config: Configuration): { core: string; reference: string } {
  const reference = statusOf(() => decodeConfiguration(encodeConfiguration(config))) ?? "Ok";
  const core = new Core(openCore());
  core.start("stlink", DEVICE_SIZES, 0);
  try {
    core.loadConfiguration(storedOf(encodeConfiguration(config)));
    return { core: "Ok", reference };
  } catch (error) {
    if (!(error instanceof CoreError)) throw error;
    return { core: error.code, reference };
  } finally {
    core.stop();
  }
}

const NETWORK_4 = "0418c0a80000";
const NETWORK_6 = `0640fd${"00".repeat(15)}`;

describe("options of a Route", () => {
  it.each([
    ["none", MAPPING, TCP, []],
    [
      "networks of both families, more than one",
      BINDING,
      TCP,
      [
        [1, NETWORK_4],
        [1, NETWORK_6],
        [1, NETWORK_4],
      ],
    ],
    [
      "every address",
      BINDING,
      TCP,
      [
        [1, "040000000000"],
        [1, `0600${"00".repeat(16)}`],
      ],
    ],
    [
      "one machine",
      BINDING,
      UDP,
      [
        [1, "0420c0a80007"],
        [1, `0680${"01".repeat(16)}`],
      ],
    ],
    [
      "connections and a rate",
      BINDING,
      TCP,
      [
        [3, "00001000"],
        [2, "0100"],
      ],
    ],
    [
      "times and flows of a Binding",
      BINDING,
      UDP,
      [
        [4, "30750000"],
        [5, "d007"],
        [6, "0004"],
      ],
    ],
    [
      "times and flows of a Mapping",
      MAPPING,
      UDP,
      [
        [4, "30750000"],
        [5, "d007"],
        [6, "0004"],
      ],
    ],
    [
      "what is not known",
      MAPPING,
      TCP,
      [
        [7, ""],
        [0, "01"],
        [255, "00".repeat(200)],
        [7, "02"],
      ],
    ],
  ] as const)("may be %s", (_, kind, protocol, options) => {
    const config = configurationOf(kind, protocol, options.map(optionOf));
    expect(verdicts(config)).toEqual({ core: "Ok", reference: "Ok" });
  });

  it.each([
    ["a network of no family", BINDING, TCP, [[1, ""]]],
    ["a network of an unknown family", BINDING, TCP, [[1, "0508c0a80000"]]],
    ["a network of the other family's length", BINDING, TCP, [[1, "0618c0a80000"]]],
    ["a network that is cut", BINDING, TCP, [[1, "0418c0a800"]]],
    ["a network with a byte too many", BINDING, TCP, [[1, "0418c0a8000000"]]],
    ["a prefix above 32", BINDING, TCP, [[1, "0421c0a80000"]]],
    ["a prefix above 128", BINDING, TCP, [[1, `0681${"01".repeat(16)}`]]],
    ["a network of a Mapping", MAPPING, TCP, [[1, NETWORK_4]]],
    ["connections of a Mapping", MAPPING, TCP, [[2, "0100"]]],
    ["a rate of a Mapping", MAPPING, UDP, [[3, "00001000"]]],
    ["an idle time of TCP", BINDING, TCP, [[4, "30750000"]]],
    ["an age of TCP", MAPPING, TCP, [[5, "d007"]]],
    ["flows of TCP", BINDING, TCP, [[6, "0004"]]],
    ["connections of another length", BINDING, TCP, [[2, "01000000"]]],
    ["a rate of another length", BINDING, TCP, [[3, "0100"]]],
    ["an idle time of another length", BINDING, UDP, [[4, "0100"]]],
    ["an age of another length", BINDING, UDP, [[5, "01"]]],
    ["flows of another length", BINDING, UDP, [[6, "010000"]]],
    ["connections of zero", BINDING, TCP, [[2, "0000"]]],
    ["a rate of zero", BINDING, TCP, [[3, "00000000"]]],
    ["an age of zero", BINDING, UDP, [[5, "0000"]]],
    [
      "connections twice",
      BINDING,
      TCP,
      [
        [2, "0100"],
        [3, "00001000"],
        [2, "0200"],
      ],
    ],
    [
      "what is wrong behind what is not known",
      BINDING,
      TCP,
      [
        [9, "00"],
        [2, "01"],
      ],
    ],
  ] as const)("are refused with %s", (_, kind, protocol, options) => {
    const config = configurationOf(kind, protocol, options.map(optionOf));
    expect(verdicts(config)).toEqual({ core: "BadConfig", reference: "BadConfig" });
  });

  it("are refused where their lengths do not add up", () => {
    const config = configurationOf(BINDING, TCP, [optionOf([2, "0100"])]);
    const good = encodeConfiguration(config);
    const core = new Core(openCore());
    core.start("stlink", DEVICE_SIZES, 0);
    // The last six bytes: how long the options are, and one: type, length, value.
    for (const end of [
      "040002030100",
      "040002010100",
      "0300020201",
      "05000202010000",
      "0100020201",
    ]) {
      const bytes = Buffer.concat([good.subarray(0, -6), fromHex(end)]);
      expect(statusOf(() => decodeConfiguration(bytes))).toBe("BadConfig");
      expect(() => core.loadConfiguration(storedOf(bytes))).toThrow("BadConfig");
    }
  });

  it("are taken or refused alike by core and reference, whatever their bytes are", () => {
    const counts = { Ok: 0, BadConfig: 0 };
    for (let i = 0; i < MUTANTS; i++) {
      const options = Array.from({ length: 1 + prng.below(3) }, () => anyOption());
      const config = configurationOf(1 + prng.below(2), 1 + prng.below(2), options);
      const { core, reference } = verdicts(config);
      expect(core, options.map(({ type, value }) => `${type} ${toHex(value)}`).join()).toBe(
        reference,
      );
      counts[core as "Ok"]++;
    }
    expect(Math.min(counts.Ok, counts.BadConfig)).toBeGreaterThan(MUTANTS / 20);
  });
});
