// SPDX-License-Identifier: Apache-2.0
// Scenes of the control plane: a code, activation, configurations good and bad, refusal, rotation,
// renewal by the Commander's keys. The far end is the Commander. PROTOCOL section 10; rules T3 to T11.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import { concat, fromHex } from "../../reference/bytes.ts";
import type { ConfiguredRoute } from "../../reference/configuration.ts";
import type { ControlMessage } from "../../reference/control.ts";
import { expectStatus } from "./checks.ts";
import {
  activated,
  codeOf,
  configurationOf,
  confirmOf,
  controlStream,
  expectFlag,
  expectSaid,
  PAUSE_MS,
  PEER_ID,
  PEER_KEY,
  RECOVERY_KEY,
  reportOf,
  SIZES,
  says,
  shown,
  storedOf,
  taken,
  WANTS_KEY,
  WANTS_REDIAL,
  WANTS_STORE,
} from "./commander.ts";
import { identityOf } from "./ends.ts";
import { packetOf, type Scene, type Stage } from "./stage.ts";

const options = { sizes: SIZES };
const ROUTE_ID = new Uint8Array(16).fill(5);

export const CONTROLS: Scene[] = [
  [
    "bad-code.txt",
    "An activation code that does not check is refused, wherever the bit is (10.2).",
    badCode,
    options,
  ],
  [
    "activation.txt",
    "A code, the ticket, the Commander's link and stream, ACTIVATE, CONFIG, CONFIRM (10.2, 10.3).",
    activation,
    options,
  ],
  [
    "activation-refused.txt",
    "The Commander refuses a code; the host reads why (10.1).",
    refused,
    options,
  ],
  [
    "bad-config.txt",
    "A configuration that does not add up, or names other keys, is not taken (10.3).",
    badConfig,
    options,
  ],
  [
    "bad-config-options.txt",
    "Options of a Route that are wrong, or stand where they mean nothing, are not taken (10.3).",
    badOptions,
    options,
  ],
  [
    "bad-config-stored.txt",
    "What the host has stored is checked before it is in force (10.3).",
    badStored,
    options,
  ],
  [
    "old-config.txt",
    "A configuration that is not newer is not taken (10.3, T9).",
    oldConfig,
    options,
  ],
  [
    "config-newer.txt",
    "A newer configuration is stored, in force and confirmed; a peer that is gone is cut (10.3).",
    newer,
    options,
  ],
  [
    "control-rotate.txt",
    "The STLink rotates its key: ROTATE, ROTATED, stored, a new session (10.4, T3).",
    rotate,
    options,
  ],
  [
    "control-install.txt",
    "The current key may replace itself under a greater epoch, not the recovery key (10.5).",
    install,
    options,
  ],
];

function badCode(stage: Stage): void {
  const { rec } = stage;
  const code = codeOf(stage);
  stage.start();
  for (const at of [0, 40, code.length - 1]) {
    rec.config(code.map((byte, i) => (i === at ? byte ^ 1 : byte)));
    expectStatus(rec.call("code_load", code.length), Status.BadCode);
  }
  rec.config(code);
  expectStatus(rec.call("code_load", code.length - 1), Status.BadCode);
  rec.config(code);
  expectStatus(rec.call("code_load", code.length), 0);
}

function activation(stage: Stage): void {
  activated(stage);
  stage.rec.note(
    "1: activating, 2: activated. Bit 5 of the flags: a hop under the new id is wanted.",
  );
  expectStatus(stage.rec.call("control_state") & 0xff, 2);
  expectFlag(stage, WANTS_REDIAL);
}

function refused(stage: Stage): void {
  shown(stage);
  const { far } = controlStream(stage);
  says(stage, far, { type: "REFUSED", reason: Reason.CodeUsed });
  expectStatus(stage.rec.call("control_state"), 1 | (Reason.CodeUsed << 8));
}

function badConfig(stage: Stage): void {
  shown(stage);
  const { far } = controlStream(stage);
  const good = configurationOf(stage);
  const wrong = [
    good.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
    good.subarray(0, good.length - 1),
    concat(good, Uint8Array.of(0)),
    configurationOf(stage, { commanderKey: PEER_KEY }),
    configurationOf(stage, { recoveryKey: PEER_KEY }),
    configurationOf(stage, { commanderId: PEER_ID }),
    configurationOf(stage, { id: new Uint8Array(16) }),
  ];
  for (const configuration of wrong) {
    says(stage, far, { type: "CONFIG", configuration });
    stage.dropped(Status.BadConfig);
    stage.frames();
  }
  says(stage, far, { type: "CONFIG", configuration: good });
  expectFlag(stage, WANTS_STORE);
}

/** A Binding or a Mapping with options, each `type` and hexadecimal digits. */
function routeWith(kind: number, protocol: number, ...given: [number, string][]): ConfiguredRoute {
  return {
    ...{ id: ROUTE_ID, kind, protocol, flags: 0, holdSeconds: 1, port: 80, address: "eth0" },
    ...{ peers: [PEER_ID], mappingId: kind === 2 ? ROUTE_ID : new Uint8Array(16) },
    options: given.map(([type, value]) => ({ type, value: fromHex(value) })),
  };
}

function badOptions(stage: Stage): void {
  shown(stage);
  const { far } = controlStream(stage);
  const wrong: [string, ConfiguredRoute][] = [
    ["A network of a Mapping.", routeWith(1, 1, [1, "0418c0a80000"])],
    ["A network of 33 bits.", routeWith(2, 1, [1, "0421c0a80000"])],
    ["A network of another length.", routeWith(2, 1, [1, "0618c0a80000"])],
    ["Connections twice.", routeWith(2, 1, [2, "0100"], [2, "0100"])],
    ["A rate of zero.", routeWith(2, 1, [3, "00000000"])],
    ["A rate of two bytes.", routeWith(2, 1, [3, "0100"])],
    ["An idle time of TCP.", routeWith(2, 1, [4, "30750000"])],
  ];
  for (const [note, route] of wrong) {
    stage.rec.note(note);
    const configuration = configurationOf(stage, { routes: [route] });
    says(stage, far, { type: "CONFIG", configuration });
    stage.dropped(Status.BadConfig);
    stage.frames();
  }
  stage.rec.note("Lengths that do not add up: the last option is cut, then a type alone.");
  const good = configurationOf(stage, { routes: [routeWith(2, 1, [2, "0100"])] });
  for (const end of ["040002030100", "0100020201"]) {
    const configuration = concat(good.subarray(0, -6), fromHex(end));
    says(stage, far, { type: "CONFIG", configuration });
    stage.dropped(Status.BadConfig);
    stage.frames();
  }
  says(stage, far, { type: "CONFIG", configuration: good });
  expectFlag(stage, WANTS_STORE);
}

function badStored(stage: Stage): void {
  const { rec } = stage;
  const configuration = configurationOf(stage);
  const stored = storedOf(configuration, 0);
  stage.start();
  for (const at of [20, stored.length - 9, stored.length - 1]) {
    rec.config(stored.map((byte, i) => (i === at ? byte ^ 1 : byte)));
    expectStatus(rec.call("config_load", stored.length), Status.BadConfig);
  }
  const unmarked = storedOf(configuration);
  rec.config(unmarked);
  expectStatus(rec.call("config_load", unmarked.length), Status.BadConfig);
  rec.config(stored);
  expectStatus(rec.call("config_load", stored.length), 0);
  expectStatus(rec.call("control_state") & 0xff, 2);
  if (rec.call("config_count", 1) !== 1) throw new Error("another count of peers");
}

function oldConfig(stage: Stage): void {
  const { far } = activated(stage);
  for (const change of [{ serial: 5n }, { serial: 4n }, { epoch: 0, serial: 9n }]) {
    says(stage, far, { type: "CONFIG", configuration: configurationOf(stage, change) });
    stage.dropped(Status.OldConfig);
    stage.frames();
  }
}

function newer(stage: Stage): void {
  const { far } = activated(stage);
  const { rec } = stage;
  rec.arg(PEER_ID);
  if (rec.call("link_find") < 0) throw new Error("the peer is not there");
  const configuration = configurationOf(stage, { serial: 6n, peers: [] });
  says(stage, far, { type: "CONFIG", configuration });
  expectFlag(stage, WANTS_STORE);
  expectStatus(rec.call("config_stored", 1), 0);
  stage.pass(PAUSE_MS);
  expectSaid(taken(stage, far), confirmOf(configuration, 6n), reportOf(configuration, 6n));
  rec.arg(PEER_ID);
  expectStatus(rec.call("link_find"), Status.BadHandle);
  rec.note("It is current: nothing follows.");
  says(stage, far, { type: "CURRENT", epoch: 1, serial: 6n });
  expectStatus(rec.call("flags") & WANTS_STORE, 0);
}

function rotate(stage: Stage): void {
  const { far } = activated(stage);
  const { rec } = stage;
  const next = identityOf("own, rotated", 0x40);
  rec.arg(next.secret, next.key);
  expectStatus(rec.call("rotate"), 0);
  stage.pass(PAUSE_MS);
  expectSaid(taken(stage, far), { type: "ROTATE", key: next.key });
  says(stage, far, { type: "ROTATED", key: next.key });
  expectFlag(stage, WANTS_KEY);
  expectStatus(rec.call("config_stored", 1), 0);
  rec.work();
  packetOf(stage.packets(), 0x11);
}

function install(stage: Stage): void {
  const { far } = activated(stage);
  const next = identityOf("commander, next", 0xc0);
  const message = (epoch: number, recovery: Uint8Array): ControlMessage => {
    return { type: "INSTALL", current: next.key, recovery, epoch };
  };
  says(stage, far, message(2, PEER_KEY));
  stage.dropped(Status.BadConfig);
  says(stage, far, message(1, RECOVERY_KEY));
  stage.dropped(Status.OldConfig);
  says(stage, far, message(2, RECOVERY_KEY));
  expectFlag(stage, WANTS_STORE);
  expectStatus(stage.rec.call("config_stored", 1), 0);
}
