// SPDX-License-Identifier: Apache-2.0
// A Connector of a Commander as a service, on this machine's sockets: what its status says of tenants and
// Commanders, and what a changed file may change while it runs. PROTOCOL 9.1.

import { afterEach, describe, expect, it } from "vitest";
import { statusTable } from "../../host/cli/status-table.ts";
import { readConnectorFile } from "../../host/connector/connector-file.ts";
import { startConnector } from "../../host/connector/service.ts";
import type { Log } from "../../host/service/log.ts";
import { OWN_ID, PEER_KEY, place, publicKeyOf, removeFolders } from "./site-files.ts";

afterEach(removeFolders);

const FILE = `key_file = "own.key"
listen = ["127.0.0.1:0"]

[commander]
id = "${OWN_ID}"
key = "${PEER_KEY}"
`;
const silent = (): void => {};
const LOG: Log = { debug: silent, info: silent, warn: silent, error: silent };

describe("a Connector with a Commander", () => {
  it("shows it with its tenant, and nothing of the desk", async () => {
    const connector = await startConnector(readConnectorFile(place("hall.toml", FILE)), LOG);
    const status = connector.status();
    await connector.stop();
    const commander = { id: OWN_ID, hop: "away", role: "operator", isSuspended: false };
    expect(status.tenants).toEqual([
      {
        ...{ name: "default", version: expect.any(Number), stlinks: 0, up: 0 },
        commander: { ...commander, version: "0.0", customers: 0, codes: 0 },
      },
    ]);
    expect(status.stlinks).toEqual([]);
    const process = { version: "1", pid: 1, file: "hall.toml", upSeconds: 1 };
    const table = statusTable({ ...status, ...process } as Parameters<typeof statusTable>[0]);
    expect(table).toMatch(/COMMANDER +OF TENANT +HOP +ROLE +CUSTOMERS +OPEN CODES/);
    expect(table).toMatch(new RegExp(`${OWN_ID} +default +away +operator +0 +0`));
    expect(table).toMatch(/default +0 +0 +0\.0/);
  });

  it("takes another key of it while it runs; another one is another start", async () => {
    const connector = await startConnector(readConnectorFile(place("hall.toml", FILE)), LOG);
    const other = publicKeyOf(5);
    const recovered = place("hall.toml", FILE.replace(PEER_KEY, other));
    const report = await connector.reload(readConnectorFile(recovered));
    expect(report.applied).toEqual([{ kind: "commander", name: "", what: "changed" }]);
    const stranger = FILE.replace(OWN_ID, "77".repeat(16));
    const { needsRestart } = await connector.reload(readConnectorFile(place("a.toml", stranger)));
    await connector.stop();
    expect(needsRestart.map(({ kind }) => kind)).toEqual(["commander", "state_folder"]);
  });

  it("does not start where its state can't be", async () => {
    const file = place("hall.toml", `state_folder = "own.key"\n${FILE}`);
    const settings = readConnectorFile(file);
    await expect(startConnector(settings, LOG)).rejects.toThrow(
      `${settings.stateFolder} can't be made: it is no folder. Check state_folder.`,
    );
  });
});
