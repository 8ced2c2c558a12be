// SPDX-License-Identifier: Apache-2.0
// The demo's web service, the Mapping's target, on a host of its own: a page and a large file over plain
// HTTP, so that whatever hides them is the tunnel. Before it: the connections of the STLink beside it.
// After it: web-page.ts, large-file.ts. Tells the demo what it serves, for comparison.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { finish } from "./http.ts";
import { LARGE_BYTES, largeFile, largeHash } from "./large-file.ts";
import { tell } from "./messages.ts";
import { webPage } from "./web-page.ts";

function answer({ url, method }: IncomingMessage, response: ServerResponse, html: string): void {
  if (method !== "GET" && method !== "HEAD") return finish(response, 405, "only GET and HEAD\n");
  if (url === "/") return finish(response, 200, html, "text/html; charset=utf-8");
  if (url !== "/large") return finish(response, 404, "only / and /large are here\n");
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": LARGE_BYTES,
  });
  if (method === "HEAD") return void response.end();
  const file = Readable.from(largeFile(), { objectMode: false });
  response.on("close", () => file.destroy());
  file.pipe(response);
}

const [host = "", port = ""] = process.argv.slice(2);
const hash = largeHash();
const html = webPage(hash);
createServer((request, response) => answer(request, response, html)).listen(
  Number(port),
  host,
  () => {
    const pageHash = createHash("sha256").update(html).digest("hex");
    tell({ kind: "web", largeHash: hash, pageHash, pageBytes: Buffer.byteLength(html) });
  },
);
