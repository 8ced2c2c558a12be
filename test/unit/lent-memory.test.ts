// SPDX-License-Identifier: Apache-2.0
// What a host writes to sockets out of the core's memory stays as it is until the host has done with it, whatever
// becomes of the stream or the hop meanwhile: else another stream's plaintext would go out on that socket.
// host/net/hop-wire.ts and host/stlink/pump.ts rely on it. In memory: test/bench/tunnel.ts, without sockets.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DEVICE_SIZES, HopState, StreamFlag } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { HopWire, Loans } from "../../host/net/hop-wire.ts";
import type { Connection } from "../../host/net/transport.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { type Ends, Tunnel } from "../bench/tunnel.ts";

type End = { unsentBytes: number; loans?: Loans };

const REASON = 12;
const OLD = 0x11;
const OTHER = 0x22;
/** A record of 20 bytes that nobody sealed. */
const FORGED = new Uint8Array(22).fill(20, 0, 1);

/** A device with two streams from a desktop; the first one has a row for its application. */
function tunnelWithRow(): { tunnel: Tunnel; first: Ends; second: Ends; row: Uint8Array } {
  const wasm = readFileSync(CORE_WASM);
  const tunnel = new Tunnel(wasm, openV8(wasm), DEVICE_SIZES);
  tunnel.dial(tunnel.near);
  tunnel.dial(tunnel.far);
  tunnel.connectLink(tunnel.far);
  const first = tunnel.openStream(tunnel.far);
  const second = tunnel.openStream(tunnel.far);
  tunnel.far.core.streamPut(first.opened, new Uint8Array(1000).fill(OLD));
  tunnel.rest();
  const row = tunnel.near.core.streamReady(first.accepted);
  expect(row.length).toBeGreaterThan(0);
  return { tunnel, first, second, row };
}

/** The second stream receives as much as the device has memory for. */
function flood(tunnel: Tunnel, { opened, accepted }: Ends): void {
  const { near, far } = tunnel;
  for (let i = 0; i < 64; i++) {
    far.core.streamPut(opened, new Uint8Array(1000).fill(OTHER));
    tunnel.rest();
  }
  expect(near.core.streamReady(accepted).every((byte) => byte === OTHER)).toBe(true);
}

describe("a row that a socket is still writing", () => {
  it("keeps its bytes when the peer resets the stream and another stream fills the memory", () => {
    const { tunnel, first, second, row } = tunnelWithRow();
    tunnel.far.core.streamReset(first.opened, REASON);
    tunnel.rest();
    expect(tunnel.near.core.streamFlags(first.accepted) & StreamFlag.Closed).not.toBe(0);
    flood(tunnel, second);
    expect(row.every((byte) => byte === OLD)).toBe(true);
  });

  it("keeps its bytes when this side resets the stream and another stream fills the memory", () => {
    const { tunnel, first, second, row } = tunnelWithRow();
    tunnel.near.core.streamReset(first.accepted, REASON);
    tunnel.rest();
    flood(tunnel, second);
    expect(row.every((byte) => byte === OLD)).toBe(true);
  });

  it("is not offered again after a reset, and is wiped when the stream is released", () => {
    const { tunnel, first, row } = tunnelWithRow();
    tunnel.far.core.streamReset(first.opened, REASON);
    tunnel.rest();
    const { core } = tunnel.near;
    expect(core.streamReady(first.accepted).length).toBe(0);
    expect(core.streamFlags(first.accepted) & (StreamFlag.Readable | StreamFlag.Fin)).toBe(0);
    core.streamRelease(first.accepted);
    expect(row.every((byte) => byte === 0)).toBe(true);
  });
});

describe("a hop's buffer that a socket is still writing", () => {
  it("keeps its bytes when the hop fails and another hop writes, until the hop is freed", () => {
    const { tunnel, first } = tunnelWithRow();
    const { core, hop } = tunnel.near;
    core.streamPut(first.accepted, new Uint8Array(100).fill(OLD));
    const written = core.hopReady(hop);
    const before = written.slice();
    expect(before.length).toBeGreaterThan(0);
    core.hopPut(hop, FORGED);
    expect(core.hopStep(hop)).toBeLessThan(0);
    expect(core.hopState(hop).state).toBe(HopState.Closed);
    const other = core.hopDial(tunnel.relayKey);
    while (core.work()) {}
    expect(core.hopReady(other).length).toBeGreaterThan(0);
    expect([...written]).toEqual([...before]);
    expect(core.hopReady(hop).length).toBe(0);
    core.hopSent(hop, before.length);
    expect(core.hopReady(other).byteOffset).not.toBe(written.byteOffset);
    expect([...written]).toEqual([...before]);
  });

  it("is freed after a connection that still writes it has been reset", () => {
    expect(endOf({ unsentBytes: 10 })).toEqual(["ready", "write 10", "reset", "free"]);
  });

  it("is freed after a connection that has written it closes behind it", () => {
    expect(endOf({ unsentBytes: 0 })).toEqual(["ready", "write 10", "sent 10", "close", "free"]);
  });

  it("is copied and goes back at once when others who don't read have theirs", () => {
    const loans = new Loans(1);
    loans.take();
    const done = endOf({ unsentBytes: 10, loans });
    expect(done).toEqual(["ready", "write 10", "sent 10", "reset", "free"]);
    expect(loans.isOneLeft).toBe(false);
    loans.giveBack();
    expect(loans.isOneLeft).toBe(true);
  });

  it("is lent no longer when the hop ends", () => {
    const loans = new Loans(1);
    endOf({ unsentBytes: 10, loans });
    expect(loans.isOneLeft).toBe(true);
  });
});

/** What a wire does to its connection and its hop when it ends after a write, of which so much is unsent. */
function endOf({ unsentBytes, loans = new Loans(1) }: End): string[] {
  const done: string[] = [];
  const connection = {
    remoteHost: "",
    unsentBytes: 0,
    write: (bytes: Uint8Array) => {
      done.push(`write ${bytes.length}`);
      connection.unsentBytes = unsentBytes;
      return unsentBytes;
    },
    pause() {},
    resume() {},
    end() {},
    reset: () => void done.push("reset"),
    close: () => void done.push("close"),
  } satisfies Connection;
  const hops = {
    hopPut: () => 0,
    hopStep: () => 0,
    hopReady: () => {
      done.push("ready");
      return new Uint8Array(10);
    },
    hopSent: (_hop: number, len: number) => void done.push(`sent ${len}`),
    hopFree: () => void done.push("free"),
  };
  const wire = new HopWire(hops, 0, connection, loans);
  wire.send();
  wire.end();
  return done;
}
