// SPDX-License-Identifier: Apache-2.0
// Scenes of a host's mistakes and of limits: calls in the wrong order, with wrong values, after an
// error, and without room. Each has one status and changes nothing. PROTOCOL 12, 13.1; H8.

import { Status } from "../../../host/core/abi.gen.ts";
import { expectStatus } from "./checks.ts";
import { expectNothing, HOP, LINK, NO_KEY, type Scene, STREAM, type Stage } from "./stage.ts";

const NOT_CANONICAL = new Uint8Array(32).fill(0xff);
const MANY = 12;

export const CALLS: Scene[] = [
  ["bad-state.txt", "Calls that do not fit the state: BadState.", badState],
  ["bad-argument.txt", "Values out of their range: BadArgument.", badArgument],
  [
    "bad-argument-sizes.txt",
    "An instance does not start with sizes out of their range.",
    badSizes,
    { sizes: { MAX_PACKET: 2047 } },
  ],
  ["bad-length.txt", "More bytes than room: BadLength.", badLength],
  ["bad-handle.txt", "No such hop, link or stream: BadHandle.", badHandle],
  ["bad-key.txt", "Keys that are not canonical are refused (1).", badKey],
  ["no-entropy.txt", "Without fresh entropy no handshake starts (H8).", noEntropy],
  ["no-hop-slot.txt", "Every hop is taken.", noHopSlot],
  [
    "no-handshake-slot.txt",
    "Every handshake slot is taken.",
    noHandshakeSlot,
    { sizes: { HANDSHAKES: 1 } },
  ],
  ["no-link-slot.txt", "Every link is taken.", noLinkSlot],
  ["no-buffer-start.txt", "Memory is too small for the sizes.", noBufferStart],
  [
    "no-buffer-hop.txt",
    "A hop that finds no buffer for an incomplete record ends (K9).",
    noBufferHop,
    { sizes: { HOP_BUFFERS: 1 } },
  ],
  ["stop.txt", "A stopped instance knows nothing, and starts again.", stop],
  [
    "link-remove.txt",
    "A link is removed: its streams are gone, its packets are a stranger's (T10).",
    remove,
  ],
];

function all(stage: Stage, status: number, calls: [name: string, ...args: number[]][]): void {
  for (const [name, ...args] of calls) expectStatus(stage.rec.call(name, ...args), status);
}

function badState(stage: Stage): void {
  const { rec } = stage;
  all(stage, Status.BadState, [["tick", 1000], ["hop_open", 0], ["link_add"], ["stream_next"]]);
  stage.hopUp();
  expectStatus(rec.start("stlink"), Status.BadState);
  all(stage, Status.BadState, [["hop_answer", HOP], ["stream_next"]]);
  rec.arg(new Uint8Array(32));
  rec.call("stream_open", LINK, 1);
  all(stage, Status.BadState, [
    ["stream_connected", STREAM],
    ["stream_fin", STREAM],
    ["stream_release", STREAM],
    ["datagram_commit", STREAM, 0, 1, 0],
    ["datagram_out", STREAM],
  ]);
  rec.call("hop_close", HOP, 1);
  all(stage, Status.BadState, [["hop_close", HOP, 1]]);
}

function badArgument(stage: Stage): void {
  const { rec } = stage;
  stage.hopUp();
  rec.arg(new Uint8Array(32));
  rec.call("stream_open", LINK, 1);
  all(stage, Status.BadArgument, [
    ["stream_open", LINK, 0],
    ["stream_open", LINK, 4],
    ["stream_reset", STREAM, 0],
    ["stream_reset", STREAM, 256],
    ["stream_hold", STREAM, -1],
    ["stream_hold", STREAM, 86_400_001],
    ["hop_tell", HOP, 5, 0],
    ["hop_tell", HOP, 0, 256],
  ]);
}

function badSizes(stage: Stage): void {
  stage.sizes();
  expectStatus(stage.rec.start("stlink"), Status.BadArgument);
}

function badLength(stage: Stage): void {
  stage.streamOpened();
  all(stage, Status.BadLength, [
    ["hop_rx_commit", HOP, 100_000],
    ["hop_rx_commit", HOP, -1],
    ["hop_tx_consume", HOP, 1],
    ["in_commit", STREAM, 1461],
    ["in_commit", STREAM, -1],
    ["out_consume", STREAM, 1],
  ]);
  expectNothing(stage.frames());
}

function badHandle(stage: Stage): void {
  stage.hopUp();
  const names = [
    "hop_free",
    "hop_state",
    "hop_status",
    "hop_peer_ptr",
    "hop_rx_ptr",
    "hop_rx_room",
    "hop_silent",
  ];
  const links = ["link_connect", "link_ptr", "link_info"];
  const streams = [
    "stream_flags",
    "stream_info",
    "stream_fin",
    "in_room",
    "out_len",
    "datagram_out",
  ];
  for (const handle of [-1, 1, 1_000_000]) {
    all(
      stage,
      Status.BadHandle,
      [...names, ...links, ...streams].map((name) => [name, handle]),
    );
  }
  all(stage, Status.BadHandle, [
    ["hop_rx_step", 1],
    ["hop_tx_fill", 1],
    ["forward_ptr", HOP, 100],
    ["stream_open", 1, 1],
    ["link_remove", 1, 1],
  ]);
}

function badKey(stage: Stage): void {
  const { rec } = stage;
  stage.start();
  rec.arg(NOT_CANONICAL, NO_KEY);
  expectStatus(rec.call("hop_open", 0), Status.BadKey);
  rec.arg(stage.peer.id, NOT_CANONICAL, new Uint8Array(72));
  expectStatus(rec.call("link_add"), Status.BadKey);
  rec.arg(stage.peer.id, stage.peer.key, NOT_CANONICAL, new Uint8Array(40));
  expectStatus(rec.call("link_add"), Status.BadKey);
  rec.arg(NO_KEY, NOT_CANONICAL, new Uint8Array(16));
  expectStatus(rec.call("identity_set"), Status.BadKey);
}

function noEntropy(stage: Stage): void {
  const { rec } = stage;
  stage.sizes();
  rec.now(stage.ms);
  rec.start("stlink");
  rec.arg(stage.connector.key, NO_KEY);
  expectStatus(rec.call("hop_open", 0), Status.NoEntropy);
  rec.note("Bit 1: entropy is wanted.");
  rec.call("flags");
  stage.feed(1);
  rec.arg(stage.connector.key, NO_KEY);
  rec.call("hop_open", 0);
}

function dialUntil(stage: Stage, status: number): void {
  for (let i = 0; i < MANY; i++) {
    stage.rec.arg(stage.connector.key, NO_KEY);
    const found = stage.rec.call("hop_open", 0);
    if (found < 0) {
      expectStatus(found, status);
      return;
    }
  }
  throw new Error("hop_open goes on");
}

function noHopSlot(stage: Stage): void {
  stage.start();
  dialUntil(stage, Status.NoHopSlot);
}

function noHandshakeSlot(stage: Stage): void {
  stage.start();
  dialUntil(stage, Status.NoHandshakeSlot);
  stage.rec.call("hop_free", HOP);
  stage.rec.arg(stage.connector.key, NO_KEY);
  stage.rec.call("hop_open", 0);
}

function noLinkSlot(stage: Stage): void {
  const { rec } = stage;
  stage.start();
  const add = (i: number) => {
    rec.arg(new Uint8Array(16).fill(i + 1), stage.peer.key, new Uint8Array(72));
    return rec.call("link_add");
  };
  let found = 0;
  for (let i = 0; i < MANY && found >= 0; i++) found = add(i);
  expectStatus(found, Status.NoLinkSlot);
  rec.note("A peer that is known changes its keys and needs no slot.");
  expectStatus(add(1), 1);
}

function noBufferStart(stage: Stage): void {
  const { rec } = stage;
  stage.sizes();
  rec.size("MEMORY_BYTES", 20_000);
  expectStatus(rec.start("stlink"), Status.NoBuffer);
  rec.note("Nothing has begun.");
  expectStatus(rec.call("hop_open", 0), Status.BadState);
}

function noBufferHop(stage: Stage): void {
  const { rec } = stage;
  stage.hopUp();
  stage.hop = stage.newHopFar("second");
  rec.note("The second hop's incomplete record holds the only buffer.");
  const first = stage.dial();
  rec.rx(1, stage.hop.answer(first).subarray(0, 100));
  expectStatus(rec.rx(HOP, Uint8Array.of(64)), Status.NoBuffer);
}

function stop(stage: Stage): void {
  const { rec } = stage;
  stage.streamOpened();
  rec.call("stop");
  all(stage, Status.BadHandle, [
    ["hop_state", HOP],
    ["stream_flags", STREAM],
  ]);
  all(stage, Status.BadState, [
    ["tick", 1],
    ["hop_open", 0],
  ]);
  expectStatus(rec.start("stlink"), 0);
  rec.arg(stage.connector.key, NO_KEY);
  expectStatus(rec.call("hop_open", 0), Status.NoEntropy);
}

function remove(stage: Stage): void {
  stage.streamOpened();
  stage.rec.call("link_remove", LINK, 10);
  all(stage, Status.BadHandle, [
    ["stream_flags", STREAM],
    ["link_connect", LINK],
  ]);
  stage.say({ type: "PROBE", token: 1 });
  expectNothing(stage.packets());
}
