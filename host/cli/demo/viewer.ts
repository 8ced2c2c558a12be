// SPDX-License-Identifier: Apache-2.0
// The command centre: takes the camera's video at one port and shows it on a page at another, both on its
// own loopback. Before it: the STLink of the command centre, as any application's neighbour. After it: a
// browser, which may be behind another tunnel.

import { createServer as createHttp, type ServerResponse } from "node:http";
import { createServer, type Socket } from "node:net";
import { finish } from "./http.ts";
import { tell } from "./messages.ts";
import { type Frame, FrameReader } from "./video.ts";
import { VIEWER_PAGE } from "./viewer-page.ts";

/** Those who look on. */
const screens = new Set<ServerResponse>();
let last: Frame = { number: 0, picture: Buffer.alloc(0) };
let lost = 0;

function take(camera: Socket): void {
  const reader = new FrameReader();
  camera.on("error", () => {});
  camera.on("data", (bytes) => {
    try {
      for (const frame of reader.read(bytes)) show(frame);
    } catch {
      camera.destroy();
    }
  });
}

function show(frame: Frame): void {
  if (last.number > 0 && frame.number > last.number) lost += frame.number - last.number - 1;
  last = frame;
  tell({ kind: "received", frame: frame.number, lost });
  for (const screen of screens) if (!screen.writableNeedDrain) screen.write(eventOf(frame));
}

/** An event of the HTML standard's event stream. */
function eventOf({ number, picture }: Frame): string {
  return `id: ${number}\ndata: ${picture.toString("base64")}\n\n`;
}

function addScreen(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(last.number === 0 ? ":\n\n" : eventOf(last));
  screens.add(response);
  response.on("close", () => screens.delete(response));
}

const [host = "", videoPort = "", pagePort = ""] = process.argv.slice(2);
const page = createHttp((request, response) => {
  if (request.url === "/video") return addScreen(response);
  if (request.url === "/") return finish(response, 200, VIEWER_PAGE, "text/html; charset=utf-8");
  finish(response, 404, "only / and /video are here\n");
});
createServer(take).listen(Number(videoPort), host, () => {
  page.listen(Number(pagePort), host, () => tell({ kind: "viewer" }));
});
