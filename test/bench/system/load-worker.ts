// SPDX-License-Identifier: Apache-2.0
// The process at either end of what is measured: a server of bytes, and a client that downloads, uploads or
// echoes. The same two processes stand behind and before every system that is compared. Before it: load.ts
// forks it and asks. After it: a table. A connection begins with 9 bytes: what is wanted, and how many bytes.

import { connect, createServer, type Socket } from "node:net";

export type Work = "download" | "upload" | "echo";

export type Ask =
  | { kind: "serve" }
  | { kind: "move"; port: number; work: "download" | "upload"; connections: number; bytes: number }
  | { kind: "echo"; port: number; rounds: number };

export type Answer =
  | { kind: "serving"; port: number }
  | { kind: "moved"; seconds: number }
  | { kind: "echoed"; microseconds: number[] }
  | { kind: "failed"; message: string };

const HOST = "127.0.0.1";
const HEADER_LEN = 9;
const CODES: Record<Work, number> = { download: 1, upload: 2, echo: 3 };
const PIECE = new Uint8Array(65_536).fill(0x5a);
const LANDING = new Uint8Array(262_144);

function serve(): Promise<Answer> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => answer(socket, bytes));
  });
  return new Promise((resolve) => {
    server.listen(0, HOST, () => {
      const address = server.address();
      resolve({ kind: "serving", port: typeof address === "object" && address ? address.port : 0 });
    });
  });
}

/** The header comes in one piece: it is the first thing that a client writes. */
function answer(socket: Socket, first: Buffer): void {
  const bytes = Number(first.readBigUInt64LE(1));
  if (first[0] === CODES.download) return give(socket, bytes, () => {});
  if (first[0] === CODES.upload) {
    return take(socket, bytes, first.length - HEADER_LEN, () => void socket.end(Buffer.alloc(1)));
  }
  socket.on("data", (data) => void socket.write(data));
  socket.on("end", () => socket.end());
}

/** Writes `bytes` and half-closes. */
function give(socket: Socket, bytes: number, done: () => void): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
      left -= piece.length;
      if (!socket.write(piece)) return void socket.once("drain", more);
    }
    done();
  };
  more();
}

function take(socket: Socket, bytes: number, had: number, done: () => void): void {
  let have = had;
  const check = (): void => {
    if (have >= bytes) done();
  };
  socket.on("data", (data) => {
    have += data.length;
    check();
  });
  check();
}

function header(work: Work, bytes: number): Buffer {
  const head = Buffer.alloc(HEADER_LEN);
  head[0] = CODES[work];
  head.writeBigUInt64LE(BigInt(bytes), 1);
  return head;
}

/** Moves `bytes` over each of so many connections at once; the time from the first dial to the last byte. */
async function move(ask: Extract<Ask, { kind: "move" }>): Promise<Answer> {
  const startedMs = performance.now();
  const each = Array.from({ length: ask.connections }, () => moveOne(ask));
  await Promise.all(each);
  return { kind: "moved", seconds: (performance.now() - startedMs) / 1000 };
}

function moveOne({ port, work, bytes }: Extract<Ask, { kind: "move" }>): Promise<void> {
  return new Promise((resolve, reject) => {
    const want = work === "download" ? bytes : 1;
    let have = 0;
    const onread = {
      buffer: LANDING,
      callback(count: number): boolean {
        have += count;
        if (have >= want) {
          socket.destroy();
          resolve();
        }
        return true;
      },
    };
    const socket = connect({ host: HOST, port, noDelay: true, onread });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`closed after ${have} of ${want} bytes`)));
    socket.write(header(work, bytes));
    if (work === "upload") give(socket, bytes, () => {});
  });
}

/** One byte there and back, again and again; each round trip's time. */
function echo({ port, rounds }: Extract<Ask, { kind: "echo" }>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const microseconds: number[] = [];
    const byte = Buffer.alloc(1);
    let sentMs = 0;
    const socket = connect({ host: HOST, port, noDelay: true });
    const send = (): void => {
      sentMs = performance.now();
      socket.write(byte);
    };
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`closed after ${microseconds.length} round trips`)));
    socket.on("connect", () => {
      socket.write(header("echo", 0));
      // The first byte must not travel with the header, which the server takes in one piece.
      setTimeout(send, SETTLE_MS);
    });
    socket.on("data", () => {
      microseconds.push((performance.now() - sentMs) * 1000);
      if (microseconds.length < rounds) return send();
      socket.destroy();
      resolve({ kind: "echoed", microseconds });
    });
  });
}

const SETTLE_MS = 300;

function work(ask: Ask): Promise<Answer> {
  if (ask.kind === "serve") return serve();
  return ask.kind === "move" ? move(ask) : echo(ask);
}

process.on("disconnect", () => process.exit(0));
process.on("message", (ask) => {
  work(ask as Ask)
    .catch((error: Error): Answer => ({ kind: "failed", message: error.message }))
    .then((answered) => process.send?.(answered));
});
