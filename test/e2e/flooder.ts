// SPDX-License-Identifier: Apache-2.0
// An admitted STLink that keeps to no rule but the hop's: it sends packets that open nothing to one peer, as
// fast as the Connector reads, and heeds no window and no DROPPED. A process of its own. Before it:
// show-connections.ts forks it and sends its setup. After it: the reference peer's hop.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fromHex } from "../reference/bytes.ts";
import { Hop } from "../reference/hop.ts";
import type { HopFrame } from "../reference/hop-frames.ts";

export type FloodSetup = {
  port: number;
  /** All as hexadecimal digits. */
  connectorKey: string;
  secret: string;
  victim: string;
};

/** Bytes of each of its packets. */
export const FLOOD_PACKET_BYTES = 16_384;
const CHANNEL = 0;
const HOP_MAX_PACKET = 65_000;
const CLASS_STREAM = 0;
const DATA_PACKET = 0x14;

async function flood({ port, connectorKey, secret, victim }: FloodSetup): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => process.exit());
  socket.on("close", () => process.exit());
  const options = {
    role: "stlink",
    staticSecret: fromHex(secret),
    connectorKey: fromHex(connectorKey),
    pskFor: () => new Uint8Array(32),
    random: (length: number) => new Uint8Array(randomBytes(length)),
  } as const;
  const hop = new Hop(options, 0);
  socket.write(hop.take());
  await welcomed(socket, hop);
  hop.send({ type: "NAME", channel: CHANNEL, id: fromHex(victim) });
  socket.on("data", (bytes) => answer(hop, bytes));
  process.send?.("flooding");
  await pour(socket, hop);
}

/** Reads until the Connector has admitted it. */
async function welcomed(socket: Socket, hop: Hop): Promise<void> {
  let hasGreeted = false;
  for (;;) {
    const [bytes] = (await once(socket, "data")) as [Buffer];
    const frames = [...hop.receive(bytes)].flat();
    if (hop.established && !hasGreeted) {
      hop.send({ type: "HOP_HELLO", maxPacket: HOP_MAX_PACKET, channels: 4 });
      hasGreeted = true;
    }
    socket.write(hop.take());
    if (frames.some(({ type }) => type === "WELCOME")) return;
  }
}

/** PING alone is answered: the hop has to stay. */
function answer(hop: Hop, bytes: Buffer): void {
  for (const frame of [...hop.receive(bytes)].flat() as HopFrame[]) {
    if (frame.type === "PING") hop.send({ type: "PONG", token: frame.token });
  }
}

async function pour(socket: Socket, hop: Hop): Promise<never> {
  const packet = new Uint8Array(randomBytes(FLOOD_PACKET_BYTES));
  packet[0] = DATA_PACKET;
  for (;;) {
    hop.send({ type: "PACKET", class: CLASS_STREAM, channel: CHANNEL, packet });
    if (!socket.write(hop.take())) await once(socket, "drain");
    // What comes in has its turn too.
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

if (import.meta.main) {
  process.once("message", (setup) => void flood(setup as FloodSetup));
  process.once("disconnect", () => process.exit());
}
