// SPDX-License-Identifier: Apache-2.0
// For the tests of UDP Routes on real sockets: a Connector in a process of its own that can be killed, a
// DNS responder and its clients (RFC 1035), RTP packets (RFC 3550). Before it: udp.test.ts. After it:
// this machine's loopback, and nothing outside it.

import { type ChildProcess, fork } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { systemWorld } from "../../host/net/world.ts";
import type { ConnectorAddress } from "../../host/stlink/hop.ts";
import { newIdentity, type Station } from "../unit/udp-site.ts";
import type { ConnectorSetup } from "./udp-connector.ts";

const LOOPBACK = "127.0.0.1";

/** A Connector's process, which comes back on the same port with the same key. */
export class ConnectorProcess {
  readonly #setup: ConnectorSetup;
  #child: ChildProcess | null = null;

  constructor(stations: readonly [Station, Station]) {
    const [near, far] = stations;
    this.#setup = {
      ...newIdentity(systemWorld),
      address: { host: LOOPBACK, port: 0 },
      admitted: stations.map(({ identity: { id, publicKey } }) => ({ id, key: publicKey })),
      pairs: [[near.identity.id, far.identity.id]],
    };
  }

  get address(): ConnectorAddress {
    return { address: this.#setup.address, key: this.#setup.publicKey };
  }

  async start(): Promise<void> {
    const child = fork(join(import.meta.dirname, "udp-connector.ts"), [], {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    child.send(this.#setup);
    const [port] = (await once(child, "message")) as [number];
    this.#setup.address = { host: LOOPBACK, port };
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}

/** A UDP socket of an application, bound on `host`; port 0 is any free one. */
export async function bound(host: string, port = 0): Promise<Socket> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.bind(port, host);
  await once(socket, "listening");
  return socket;
}

/** Waits for a condition; says what never came true. */
export async function until(isTrue: () => boolean, what: string, mostMs = 60_000): Promise<void> {
  const end = performance.now() + mostMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const QUERY_FLAGS = 0x0100;
const ANSWER_FLAGS = 0x8180;
const TYPE_A = 1;
const CLASS_IN = 1;
const HEADER_LEN = 12;
const TTL_SECONDS = 60;

/** A query for the A record of `name`. */
export function dnsQuery(id: number, name: string): Buffer {
  const header = words(id, QUERY_FLAGS, 1, 0, 0, 0);
  const labels = name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([header, ...labels, Buffer.from([0]), words(TYPE_A, CLASS_IN)]);
}

/** Its answer: one A record, whose address is made of the name. */
export function dnsAnswer(query: Buffer): Buffer {
  const question = query.subarray(HEADER_LEN);
  const header = words(query.readUInt16BE(0), ANSWER_FLAGS, 1, 1, 0, 0);
  const nameAt = 0xc000 | HEADER_LEN;
  const record = words(nameAt, TYPE_A, CLASS_IN, 0, TTL_SECONDS, 4);
  return Buffer.concat([header, question, record, addressOf(question)]);
}

function addressOf(question: Buffer): Buffer {
  let sum = 0;
  for (const byte of question) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return words(sum >>> 16, sum & 0xffff);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, 2 * i);
  return bytes;
}

const TRIES = 10;
const TRY_MS = 1000;

/** Asks as a resolver does: again after a second. The first answer, and how often it asked. */
export async function ask(
  socket: Socket,
  port: number,
  query: Buffer,
  isAnswer: (bytes: Buffer) => boolean = () => true,
): Promise<{ answer: Buffer; tries: number }> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const answered = firstAnswer(socket, isAnswer);
    socket.send(query, port, LOOPBACK);
    const answer = await answered;
    if (answer !== null) return { answer, tries };
  }
  throw new Error("no answer");
}

/** The next message that is one; null: none comes in time. What answers an earlier try comes late. */
function firstAnswer(socket: Socket, isAnswer: (bytes: Buffer) => boolean): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const end = (answer: Buffer | null) => {
      clearTimeout(timer);
      socket.off("message", look);
      resolve(answer);
    };
    const look = (bytes: Buffer) => {
      if (isAnswer(bytes)) end(bytes);
    };
    const timer = setTimeout(end, TRY_MS, null);
    socket.on("message", look);
  });
}

/** Whether the answer has the query's number (RFC 1035, 4.1.1). */
export function hasNumberOf(query: Buffer): (answer: Buffer) => boolean {
  return (answer) => answer.readUInt16BE(0) === query.readUInt16BE(0);
}

const RTP_VERSION = 0x80;
const RTP_DYNAMIC_TYPE = 96;
const RTP_CLOCK_PER_PACKET = 180;
const RTP_LEN = 1200;

/** Packet `number` of a video stream, 1,200 bytes; the number fits its 16 bits. */
export function rtpPacket(number: number): Buffer {
  const packet = Buffer.alloc(RTP_LEN, number & 0xff);
  packet.writeUInt8(RTP_VERSION, 0);
  packet.writeUInt8(RTP_DYNAMIC_TYPE, 1);
  packet.writeUInt16BE(number, 2);
  packet.writeUInt32BE(number * RTP_CLOCK_PER_PACKET, 4);
  packet.writeUInt32BE(0x5ea1ed, 8);
  return packet;
}

const RTP_PAUSE_MS = 2;

/**
 * Sends packets from number 0 on until `isEnough` says so of how many were sent. A pause follows each: whoever is late
 * does not make it up by a burst, which the system's buffers would not hold.
 */
export async function sendRtp(
  socket: Socket,
  port: number,
  isEnough: (sent: number) => boolean,
): Promise<number> {
  let sent = 0;
  while (!isEnough(sent)) {
    socket.send(rtpPacket(sent++), port, LOOPBACK);
    await new Promise((resolve) => setTimeout(resolve, RTP_PAUSE_MS));
  }
  return sent;
}
