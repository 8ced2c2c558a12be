// SPDX-License-Identifier: Apache-2.0
// How many streams a desktop has room for at once when each has moved something (rule M4): the pool of
// host/core/sizes.ts, of which half may be lent to busy streams. In memory: test/bench/tunnel.ts.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { DESKTOP_SIZES, StreamFlag } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { Tunnel } from "../bench/tunnel.ts";

const STREAMS = 1000;

it("a desktop carries 1,000 streams at once to one peer, each with bytes both ways", () => {
  const wasm = readFileSync(CORE_WASM);
  const tunnel = new Tunnel(wasm, openV8(wasm), DESKTOP_SIZES);
  const { near, far } = tunnel;
  for (const station of [near, far]) tunnel.dial(station);
  tunnel.connectLink(far);
  const all = Array.from({ length: STREAMS }, () => {
    const ends = tunnel.openStream(far);
    far.core.streamPut(ends.opened, new Uint8Array(100));
    near.core.streamPut(ends.accepted, new Uint8Array(100));
    tunnel.rest();
    return ends;
  });
  const isUp = ({ opened }: { opened: number }) =>
    (far.core.streamFlags(opened) & StreamFlag.Connected) !== 0;
  expect(all.filter(isUp)).toHaveLength(STREAMS);
});
