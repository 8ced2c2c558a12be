// SPDX-License-Identifier: Apache-2.0
// A camera that has no STLink: it draws pictures and pushes them to one address, the gateway's Binding on
// its own subnet, over plain TCP. Before it: picture.ts. After it: video.ts, the gateway. It dials again
// when the connection ends, and leaves frames out while the other side does not take them.

import { connect, type Socket } from "node:net";
import { tell } from "./messages.ts";
import { drawFrame, FRAMES_PER_SECOND } from "./picture.ts";
import { encodeFrame } from "./video.ts";

const REDIAL_MS = 500;
const UNSENT_MOST_BYTES = 65_536;

const [host = "", port = ""] = process.argv.slice(2);
let number = 0;
let socket = dial();

function dial(): Socket {
  const dialled = connect({ host, port: Number(port), noDelay: true });
  dialled.on("error", () => {});
  dialled.on("close", () => setTimeout(() => (socket = dial()), REDIAL_MS));
  dialled.resume();
  return dialled;
}

function push(): void {
  number += 1;
  if (socket.readyState !== "open" || socket.writableLength > UNSENT_MOST_BYTES) return;
  socket.write(encodeFrame({ number, picture: drawFrame(number) }));
  tell({ kind: "sent", frame: number });
}

setInterval(push, 1000 / FRAMES_PER_SECOND);
