// SPDX-License-Identifier: Apache-2.0
// The recovery key takes a site back from who has the current one: new keys at everybody who comes, and a Commander that
// runs with them. PROTOCOL 10.5; rule T8.

import { afterEach, describe, expect, it } from "vitest";
import { startRecovery } from "../../host/commander/control/recovery.ts";
import { readAuthority, readVersion } from "../../host/commander/store/site.ts";
import { hex } from "../../host/service/hex.ts";
import { keyPairOf } from "../../host/service/key-file.ts";
import { CommanderSite } from "./commander-site.ts";

let site: CommanderSite;

afterEach(() => site.end());

const next = keyPairOf(new Uint8Array(32).fill(7));

function recover() {
  return startRecovery({
    ...{ registry: site.registry, log: site.log, world: site.process("commander") },
    ...{ recoveryKey: site.recovery.privateKey, nextRecoveryKey: next.publicKey },
  });
}

describe("a recovery", () => {
  it("installs new keys at everybody who comes, and the site goes on under them", async () => {
    site = new CommanderSite("recovers").start();
    const { came, client, camera } = await site.talkingSite();
    await site.activated("away");
    await site.member("away").stop();
    site.kill();
    site.openDatabase();
    // The thief has made the Connector hold what he liked.
    site.desk.held.version = { epoch: 9, serial: 1n };
    site.moveCommander(site.recovery.publicKey);
    const recovery = recover();
    await site.until(() => recovery.progress().installed === 2, "two are installed");
    expect(recovery.progress()).toEqual({
      ...{ installed: 2, members: 3, missing: [site.stlink("away").id] },
    });
    site.member("away").start();
    await site.until(() => recovery.progress().installed === 3, "all are installed", 1_500_000);
    recovery.finish();
    const authority = readAuthority(site.db);
    expect(authority?.recoveryKey).toBe(hex(next.publicKey));
    expect(authority?.commanderKey).not.toBe(hex(site.keys.publicKey));
    expect(readVersion(site.db).epoch).toBeGreaterThan(9);
    site.moveCommander(Buffer.from(authority?.commanderKey ?? "", "hex"));
    site.start();
    await site.current("office", "camera", "away");
    expect(camera.running.status().commander).toMatchObject({ byRecoveryKey: false });
    client.send(" after");
    await site.until(() => came[0]?.text === "hello after", "bytes come through");
  });

  it("goes on with the same new keys when it was killed in between", async () => {
    site = new CommanderSite("killed in recovery").start();
    await site.activated("camera");
    site.kill();
    site.openDatabase();
    site.moveCommander(site.recovery.publicKey);
    const first = recover();
    await site.until(() => first.progress().installed === 1, "it is installed");
    first.stop();
    const second = recover();
    second.finish();
    const { commanderKey } = site.authorityNow;
    site.moveCommander(Buffer.from(commanderKey, "hex"));
    site.start();
    await site.current("camera");
  });

  it("refuses another key than the site's recovery key", async () => {
    site = new CommanderSite("another key");
    const wrong = { recoveryKey: site.keys.privateKey, nextRecoveryKey: next.publicKey };
    const options = { registry: site.registry, log: site.log, world: site.process("commander") };
    expect(() => startRecovery({ ...options, ...wrong })).toThrow(/not the private half/);
  });
});
