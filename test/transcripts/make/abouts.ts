// SPDX-License-Identifier: Apache-2.0
// Scenes of what an STLink and its Commander say beyond versions: options of Routes, what an STLink is and
// has (ABOUT), the new key that it is asked for (RENEW). Before: trusts.ts, whose device boots with its
// configuration. After: scenes.ts. PROTOCOL 10.1, 10.3, 10.4.

import { Reason, Status } from "../../../host/core/abi.gen.ts";
import { concat, fromHex, utf8 } from "../../reference/bytes.ts";
import type { ControlMessage } from "../../reference/control.ts";
import { expectReset, expectStatus } from "./checks.ts";
import {
  activated,
  COMMANDER,
  commanderFar,
  expectFlag,
  expectSaid,
  PAUSE_MS,
  SIZES,
  says,
  takeControlStream,
  taken,
  WANTS_RENEW,
} from "./commander.ts";
import { identityOf, StreamFar } from "./ends.ts";
import { BINDING, MAPPING, type Scene, type Stage } from "./stage.ts";
import {
  booted,
  commanded,
  connected,
  enforced,
  expectAlive,
  met,
  routeOf,
  stateOf,
  versionOf,
} from "./trusts.ts";

const OTHER_MAPPING = new Uint8Array(16).fill(9);
/** 192.168.0.0/24, fd00::/8, 20 connections, 1 MiB in a second. */
const ACCESS = [
  { type: 1, value: fromHex("0418c0a80000") },
  { type: 1, value: fromHex(`0608fd${"00".repeat(15)}`) },
  { type: 2, value: fromHex("1400") },
  { type: 3, value: fromHex("00001000") },
];
/** Idle for 30 s, 2 s old, 1,024 flows. */
const TIMES = [
  { type: 4, value: fromHex("30750000") },
  { type: 5, value: fromHex("d007") },
  { type: 6, value: fromHex("0004") },
];
const FIRST = 1;
const CORE_HASH = new Uint8Array(32).fill(0xc0);
const TEXT = utf8("virt-rv32\0QEMU virt\0camera 1.0.0");
const options = { sizes: { ...SIZES, SEND_BLOCKS: 60 } };

export const ABOUTS: Scene[] = [
  [
    "route-options.txt",
    "A Mapping of UDP and a Binding get options; streams of Routes that are still there go on (10.3).",
    optioned,
    options,
  ],
  [
    "about.txt",
    "What the STLink is, and how many sessions and streams it has, goes behind each STATE (10.1).",
    told,
    options,
  ],
  [
    "about-refused.txt",
    "What a host says of itself has a hash and at most 64 bytes, and needs a control plane (10.1).",
    refused,
    options,
  ],
  [
    "control-renew.txt",
    "The Commander asks for a new key: a flag until the host rotates, and none meanwhile (10.4).",
    renewed,
    { sizes: SIZES },
  ],
];

function optioned(stage: Stage): void {
  const { rec } = stage;
  const binding = routeOf(stage, { id: BINDING, kind: 2, mappingId: OTHER_MAPPING });
  const datagrams = routeOf(stage, { id: OTHER_MAPPING, protocol: 2 });
  const configuration = versionOf(stage, { routes: [routeOf(stage), binding, datagrams] });
  booted(stage, configuration);
  const far = commanded(stage, configuration);
  const commander = stage.link;
  met(stage);
  const peer = stage.link;
  const stream = connected(stage, FIRST);
  stage.turnTo(COMMANDER.id, commander);
  rec.note("Options of every type, and in the Mapping of the stream one that is not known.");
  const next = [
    routeOf(stage, { options: [{ type: 9, value: TEXT }] }),
    { ...binding, options: ACCESS },
    { ...datagrams, options: TIMES },
  ];
  enforced(stage, far, versionOf(stage, { serial: 6n, routes: next }));
  stage.turnTo(stage.peer.id, peer);
  expectAlive(stage, FIRST, stream);
}

function told(stage: Stage): void {
  const { rec } = stage;
  const configuration = versionOf(stage);
  booted(stage, configuration);
  rec.arg(CORE_HASH, TEXT);
  expectStatus(rec.call("about_set", CORE_HASH.length + TEXT.length), 0);
  stage.turnTo(COMMANDER.id, commanderFar(stage, stage.own.id));
  stage.initiate();
  const { far, said } = takeControlStream(stage);
  expectSaid(said, stateOf(configuration), aboutOf(0, 0));
  says(stage, far, { type: "CURRENT", epoch: 1, serial: 5n });
  const commander = stage.link;
  met(stage);
  connected(stage, FIRST);
  rec.note("A peer's OPEN that is ahead has the Commander asked again: one session, one stream.");
  const names = { stream: 3, kind: 1, bindingId: BINDING, mappingId: MAPPING };
  stage.say({ ...new StreamFar(stage.link, names, true).open(), epoch: 9 });
  expectReset(stage.data(), names.stream, Reason.ConfigBehind);
  stage.turnTo(COMMANDER.id, commander);
  stage.pass(PAUSE_MS);
  expectSaid(taken(stage, far), stateOf(configuration), aboutOf(1, 1));
}

function aboutOf(sessions: number, streams: number): ControlMessage {
  return { type: "ABOUT", sessions, streams, coreHash: CORE_HASH, text: TEXT };
}

function refused(stage: Stage): void {
  const { rec } = stage;
  rec.note("Before start.");
  expectStatus(rec.call("about_set", 32), Status.BadState);
  stage.start();
  for (const length of [0, 31, 97, -1]) {
    expectStatus(rec.call("about_set", length), Status.BadLength);
  }
  for (const length of [32, 96]) expectStatus(rec.call("about_set", length), 0);
}

function renewed(stage: Stage): void {
  const { far } = activated(stage);
  const { rec } = stage;
  rec.note("With a body it is no RENEW.");
  stage.say(far.record("data", concat(Uint8Array.of(0x76, 1, 0, 0, 9))));
  stage.pass(PAUSE_MS);
  expectStatus(rec.call("flags") & WANTS_RENEW, 0);
  says(stage, far, { type: "RENEW" });
  expectFlag(stage, WANTS_RENEW);
  const next = identityOf("own, renewed", 0x40);
  rec.arg(next.secret, next.key);
  expectStatus(rec.call("rotate"), 0);
  expectStatus(rec.call("flags") & WANTS_RENEW, 0);
  stage.pass(PAUSE_MS);
  expectSaid(taken(stage, far), { type: "ROTATE", key: next.key });
  rec.note("While a rotation is under way it has no effect.");
  says(stage, far, { type: "RENEW" });
  expectStatus(rec.call("flags") & WANTS_RENEW, 0);
}
