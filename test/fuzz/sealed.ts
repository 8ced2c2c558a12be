// SPDX-License-Identifier: Apache-2.0
// Fuzzers of what is inside the seals, where a far end with the keys is hostile: frames of a hop, in
// either role; frames and packets of a link; records of a stream. Before: index.ts. After: the benches
// of test/unit/hostile-tools.ts, whose far ends seal whatever they are given.

import { concat } from "../reference/bytes.ts";
import { encodeHopFrame } from "../reference/hop-frames.ts";
import { encodeLinkFrame, type LinkFrame } from "../reference/link-frames.ts";
import { StreamBench } from "../unit/hostile-streams.ts";
import { HOP_FRAMES, HOP_SECRETS, HopBench } from "../unit/hostile-tools.ts";
import { checkNoSecret, checkResult, type Fuzzer } from "./fuzzer.ts";
import { Mutator } from "./mutator.ts";

const INPUTS = 40;
const RECORD_TYPES = [0x41, 0x42, 0x43, 0x44, 0x45];

export const hopFrames: Fuzzer = {
  name: "hop-frames",
  about: "mutated frames under a hop's seal, to a Connector and to an STLink",
  round: fuzzHop,
};

export const linkFrames: Fuzzer = {
  name: "link-frames",
  about: "mutated frames, packets and records of a peer with a link and two streams",
  round: fuzzLink,
};

function fuzzHop(seed: number): void {
  const mutator = new Mutator(`hop frames ${seed}`);
  const bench = new HopBench(seed % 2 === 0 ? "connector" : "stlink").up();
  for (let i = 0; i < INPUTS; i++) {
    if (bench.closed) bench.again()[mutator.below(3) === 0 ? "shaken" : "up"]();
    const plaintext = mutator.mutate(encodeHopFrame(mutator.pick(HOP_FRAMES)));
    bench.sayPlaintext(plaintext);
    checkResult(bench.core.hopStatus(bench.hop), `input ${i}`);
    bench.take();
    if (mutator.below(20) === 0) bench.tick(mutator.below(30_000));
  }
  if (!bench.again().up().answers) throw new Error("the next hop doesn't answer a PING");
  bench.core.stop();
  checkNoSecret(bench.core.engine, HOP_SECRETS);
}

function fuzzLink(seed: number): void {
  const mutator = new Mutator(`link frames ${seed}`);
  const bench = new StreamBench();
  const { core, reference, world } = bench;
  for (let i = 0; i < INPUTS; i++) {
    if (!reference.peer.linkTo(core.id).current) break;
    for (const drop of input(bench, mutator)) {
      // statusName has a name for each that is defined.
      if (drop.startsWith("status ")) throw new Error(`a packet was dropped for ${drop}`);
    }
    if (mutator.below(20) === 0) world.wire.pass(mutator.below(20_000));
    for (const pipe of [bench.mine, bench.second[0]]) if (!pipe.ended) pipe.write(pipe.read());
  }
  core.core.stop();
  checkNoSecret(core.core.engine, [world.secrets.a, world.psk.link, world.psk.hop]);
}

function input(bench: StreamBench, mutator: Mutator): string[] {
  const frame = mutator.pick(framesOf(bench, mutator));
  const bytes = encodeLinkFrame(frame);
  const link = bench.reference.peer.linkTo(bench.core.id);
  if (!link.canSend) {
    bench.world.wire.pass(5000);
    return [];
  }
  if (mutator.below(4) === 0) return bench.give(mutator.mutate(bench.seal(bytes)));
  if (mutator.below(3) > 0) return bench.sayPlaintext(mutator.mutate(bytes));
  return bench.sayPlaintext(concat(mutator.mutate(bytes), encodeLinkFrame({ type: "RESUME" })));
}

function framesOf(bench: StreamBench, mutator: Mutator): LinkFrame[] {
  const stream = mutator.pick([bench.theirs, bench.second[1]]).stream.number;
  const config = { epoch: 0, serial: 0n };
  const ids = { bindingId: mutator.random(16), mappingId: mutator.random(16) };
  const limit = BigInt(mutator.below(100_000));
  const open = { kind: 1, ...ids, ...config, limit, version: 1, message: mutator.random(1216) };
  const frames: LinkFrame[] = [
    bench.hello(),
    { type: "ACK", stream, flags: 0, next: BigInt(mutator.below(5)), limit },
    { type: "OPEN", stream: mutator.below(99), ...open },
    { type: "ACCEPT", stream, load: 0, limit, version: 1, message: mutator.random(1152) },
    { type: "RESET", stream: mutator.below(99), reason: mutator.below(256) },
    { type: "PROBE", token: 1 },
    { type: "PONG", token: 1, load: 3 },
    { type: "DATAGRAM", stream, flow: 1, counter: 1n, sealed: mutator.random(60) },
  ];
  if (mutator.below(200) === 0) frames.push({ type: "GOODBYE", reason: 16 });
  if (bench.theirs.stream.state !== "open") return frames;
  const content = mutator.mutate(mutator.random(mutator.below(600)));
  return [...frames, bench.record(bench.theirs, mutator.pick(RECORD_TYPES), content)];
}
