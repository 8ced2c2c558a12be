// SPDX-License-Identifier: Apache-2.0
// Two Commanders on one real Connector: the operator's, and that of a Customer whom it has named. Each has its own
// database, STLinks and tenant. PROTOCOL 9.1; rules T2, T4.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hopPskName } from "../../host/commander/control/secrets.ts";
import { revoke } from "../../host/commander/store/activations.ts";
import { setCustomerPsk } from "../../host/commander/store/customers.ts";
import { writeAuthority, writeSecret } from "../../host/commander/store/site.ts";
import { CommanderSite } from "./commander-site.ts";

let operator: CommanderSite;
let bakery: CommanderSite;

beforeEach(async () => {
  operator = await CommanderSite.withConnector("operator");
  bakery = operator.customer("bakery");
});

afterEach(async () => {
  await bakery.end();
  await operator.end();
});

/** The operator's administrator names the bakery, as the API does; the bakery's Commander starts. */
function name(psk: Uint8Array | null = bakery.hopPsk): string {
  const { commanderId: id, commanderKey: key, recoveryKey: recovery } = bakery.authority;
  const fields = { name: "bakery", description: "", tags: [], commander: { id, key, recovery } };
  const customer = operator.make("customer", fields);
  if (psk !== null) {
    operator.registry.change("anna", (change) => setCustomerPsk(change, customer, psk));
  }
  bakery.start();
  return customer;
}

const isConnected = () => bakery.control.connectors()[0]?.isConnected ?? false;

/** All that a site has on disk but for its Connector's own folder: databases, what its STLinks store. */
function kept(site: CommanderSite): Buffer {
  const files = readdirSync(site.path, { recursive: true, encoding: "utf8" });
  const own = files.filter((file) => !file.startsWith("connector"));
  const paths = own.map((file) => join(site.path, file)).filter((path) => statSync(path).isFile());
  return Buffer.concat(paths.map((path) => readFileSync(path)));
}

describe("a Customer's Commander", () => {
  it("has STLinks of its own on the operator's Connector, and neither learns ids or keys of the other's", async () => {
    await operator.talkingSite();
    name();
    await bakery.talkingSite();
    for (const [one, other] of [
      [operator, bakery],
      [bakery, operator],
    ] as const) {
      const all = kept(one);
      for (const stlink of ["office", "camera"]) {
        const { id, facts } = other.stlink(stlink);
        for (const text of [id, facts.key ?? ""]) {
          expect([all.includes(text), all.includes(Buffer.from(text, "hex"))]).toEqual([
            false,
            false,
          ]);
        }
        // What is looked for is there where it belongs.
        expect(kept(other).includes(Buffer.from(facts.key ?? "", "hex"))).toBe(true);
      }
    }
  });

  it("may have an STLink with an id that the operator has too; whose is revoked is one matter", async () => {
    await operator.talkingSite();
    name();
    const { id } = operator.stlink("camera");
    bakery.newId = once(id, bakery.newId.bind(bakery));
    const { client, came } = await bakery.talkingSite();
    expect(bakery.stlink("office").id).toBe(id);
    operator.registry.change("anna", (change) => revoke(change, id));
    await operator.until(() => operator.stlink("camera").facts.key === null, "it is revoked");
    await operator.pass(3000);
    client.send(" again");
    await bakery.until(() => came[0]?.text === "hello again", "bytes come through");
  });

  it("gets in with the pre-shared key that the operator was shown, and with no other", async () => {
    const customer = name(null);
    await bakery.pass(10_000);
    expect(isConnected()).toBe(false);
    operator.registry.change("anna", (change) =>
      setCustomerPsk(change, customer, new Uint8Array(32).fill(7)),
    );
    await bakery.pass(10_000);
    expect(isConnected()).toBe(false);
    operator.registry.change("anna", (change) => setCustomerPsk(change, customer, bakery.hopPsk));
    await bakery.until(isConnected, "it is let in");
    const next = new Uint8Array(32).fill(8);
    operator.registry.change("anna", (change) => setCustomerPsk(change, customer, next));
    await bakery.until(() => !isConnected(), "the hop under the old one ends");
    bakery.registry.change("bob", (change) => {
      writeSecret(change, hopPskName(bakery.authority.connectors[0]?.key ?? ""), next);
      writeAuthority(change, bakery.authority);
    });
    await bakery.until(isConnected, "it is let in again");
    await bakery.talkingSite();
  });

  it("that nobody has named is not let in", async () => {
    bakery.start();
    await bakery.pass(10_000);
    expect(isConnected()).toBe(false);
  });
});

/** This first, then what `rest` gives. */
function once<Value>(first: Value, rest: () => Value): () => Value {
  let isGiven = false;
  return () => {
    if (isGiven) return rest();
    isGiven = true;
    return first;
  };
}
