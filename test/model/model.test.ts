// SPDX-License-Identifier: Apache-2.0
// The models of the handshakes and of the link's sessions, with one prover: what PROTOCOL section 14
// says is proved has to be proved, its limits have to be found, and so has the attack on each broken
// variant. `npm run model` asks the second prover too.

import { describe, expect, test } from "vitest";
import { PROPERTIES } from "./properties.ts";
import { ask } from "./prover.ts";
import { askSessions, SESSION_PROPERTIES } from "./sessions.ts";

const SAYS = { reached: "reached", holds: "holds", limit: "limit", mutation: "broken, found" };

describe("handshakes", () => {
  test.each(PROPERTIES.map((p) => [`${p.setting.layer}, ${SAYS[p.kind]}: ${p.text}`, p] as const))(
    "%s",
    async (_, property) => {
      const { isExpected, output } = await ask(property, "eprover");
      expect(isExpected, output.slice(-4000)).toBe(true);
    },
  );
});

describe("sessions of a link", () => {
  test.each(SESSION_PROPERTIES.map((p) => [`${SAYS[p.kind]}: ${p.text}`, p] as const))(
    "%s",
    async (_, property) => {
      const { isExpected, output } = await askSessions(property);
      expect(isExpected, output.slice(-4000)).toBe(true);
    },
  );
});
