// SPDX-License-Identifier: Apache-2.0
// Objects of a Commander for tests: a good one of each kind, ids and keys from a number, and how tests read
// problems. Before it: nothing. After it: commander-*.test.ts, which change one thing each.

import type { Problem, Result } from "../../host/commander/domain/problem.ts";
import { NO_FACTS, type Stlink, type StlinkFacts } from "../../host/commander/domain/stlink.ts";
import { publicKeyOf } from "./site-files.ts";

/** An id of 32 hexadecimal digits from a number above 0. */
export function idOf(number: number): string {
  return number.toString(16).padStart(32, "0");
}

export const keyOf = publicKeyOf;

export const GOOD_TAG = { name: "hall", description: "In the hall." };

export const GOOD_MAPPING = {
  type: "mapping",
  name: "web",
  description: "The camera's page.",
  tags: [idOf(1), idOf(2)],
  address: "192.168.0.1",
  port: 543,
  protocol: "tcp",
  pinned: true,
  hold: "60s",
};

export const GOOD_BINDING = {
  type: "binding",
  name: "here",
  description: "Open https://127.0.0.1",
  tags: [],
  mapping: idOf(16),
  address: "127.0.0.1",
  port: 443,
  protocol: "tcp",
  pinned: false,
  hold: "120s",
  help: "Accept the certificate.",
  access: { sources: ["192.168.0.0/24", "fd00::/8"], connections: 20, rate: "4MiB" },
};

export const GOOD_TEMPLATE = { name: "cameras", description: "", tags: [], routes: [idOf(16)] };

export const GOOD_PROFILE = {
  name: "factory",
  description: "",
  tags: [idOf(1)],
  templates: [idOf(32)],
  routes: [idOf(16)],
  lease: "7d",
  codes: { uses: 1, expiry: "1d", sources: ["10.0.0.0/8"], approval: false },
};

export const GOOD_STLINK = {
  name: "camera-1",
  description: "",
  tags: [],
  profile: idOf(48),
  templates: [idOf(32)],
};

export const GOOD_CUSTOMER = {
  name: "northern",
  description: "",
  tags: [],
  commander: { id: idOf(64), key: keyOf(3), recovery: keyOf(4) },
  stlinks: 100,
  rate: "1MiB",
  suspended: false,
};

/** An STLink that has a key, in force. */
export function stlinkOf(number: number, more: Partial<Stlink> = {}): Stlink {
  const facts = { ...NO_FACTS, key: keyOf(number), keyEpoch: 1 };
  const common = { description: "", tags: [], templates: [] };
  return { id: idOf(number), name: `stlink-${number}`, ...common, facts, ...more };
}

export function factsOf(more: Partial<StlinkFacts>): StlinkFacts {
  return { ...NO_FACTS, ...more };
}

export function problemsOf<Value>(result: Result<Value>): readonly Problem[] {
  return result.ok ? [] : result.problems;
}

/** `code path: sentence`, one for each. */
export function said(problems: readonly Problem[]): string[] {
  return problems.map(({ code, path, sentence }) => `${code} ${path.join(".")}: ${sentence}`);
}

export function sentences<Value>(result: Result<Value>): string[] {
  return problemsOf(result).map(({ sentence }) => sentence);
}
