// SPDX-License-Identifier: Apache-2.0
// The demo's web service, the Mapping's target: a page with a picture in it, and a large file whose
// SHA-256 the page states. Before it: the Mapping's connections (or a browser, directly, to compare).
// The file is the key stream of AES-128-CTR under a zero key: the same on every machine, and nothing
// that a compressor could shrink.

import { createCipheriv, createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";

export const LARGE_BYTES = 100_000_000;
const CHUNK_BYTES = 65_536;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/** The large file, chunk by chunk. */
export function* largeFile(bytes: number = LARGE_BYTES): Generator<Buffer> {
  const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    yield stream.update(ZEROS.subarray(0, Math.min(left, CHUNK_BYTES)));
  }
}

/** Its SHA-256, hexadecimal. */
export function largeHash(): string {
  const hash = createHash("sha256");
  for (const chunk of largeFile()) hash.update(chunk);
  return hash.digest("hex");
}

/** Serves on any free port of the loopback; resolves once it listens. */
export function servePage(hash: string): Promise<{ server: Server; port: number }> {
  const html = page(hash);
  const server = createServer((request, response) => answer(request, response, html));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({ server, port: typeof address === "object" ? (address?.port ?? 0) : 0 });
    });
  });
}

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

function finish(response: ServerResponse, status: number, body: string, type = "text/plain"): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}

const PICTURE = `<svg viewBox="0 0 720 190" role="img" aria-label="The path of a byte">
  <defs><linearGradient id="g" x1="0" x2="1">
    <stop offset="0" stop-color="#2563eb"/><stop offset="1" stop-color="#7c3aed"/>
  </linearGradient></defs>
  <rect x="140" y="62" width="440" height="66" rx="33" fill="url(#g)" opacity=".16"/>
  <rect x="140" y="74" width="440" height="42" rx="21" fill="url(#g)" opacity=".3"/>
  <rect x="40" y="86" width="640" height="18" rx="9" fill="url(#g)"/>
  <g fill="#fff" stroke="#1e293b" stroke-width="3">
    <circle cx="40" cy="95" r="26"/><circle cx="190" cy="95" r="26"/>
    <rect x="330" y="65" width="60" height="60" rx="10"/>
    <circle cx="530" cy="95" r="26"/><circle cx="680" cy="95" r="26"/>
  </g>
  <g fill="none" stroke="#1e293b" stroke-width="3" stroke-linecap="round">
    <path d="M345 84h30M345 95h30M345 106h30"/>
    <path d="M28 95h24M40 83v24"/><path d="M668 88h24M668 102h24"/>
    <path d="M182 95h16l-6-6m6 6-6 6"/><path d="M522 95h16l-6-6m6 6-6 6"/>
  </g>
  <g font-family="system-ui,sans-serif" font-size="15" text-anchor="middle" fill="#1e293b">
    <text x="46" y="150">browser</text><text x="190" y="150">Binding</text>
    <text x="360" y="150">Connector</text><text x="360" y="170" fill="#64748b">sees no byte</text>
    <text x="530" y="150">Mapping</text><text x="670" y="150">service</text>
  </g>
</svg>`;

function page(hash: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Through a SealedTunnel</title>
<style>
  body { font: 17px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem;
    color: #1e293b; background: #f8fafc }
  h1 { font-size: 2rem; margin: 0 0 .3em }
  svg { width: 100%; margin: 1rem 0 }
  code { font: 14px ui-monospace, monospace; background: #e2e8f0; padding: .1em .35em;
    border-radius: 4px; overflow-wrap: anywhere }
</style>
<h1>This page came through a SealedTunnel</h1>
<p>From a web service on the loopback, through a Mapping, a Connector and a Binding: three processes,
three layers of encryption, no open inbound port on either end.</p>
${PICTURE}
<p>The Connector in the middle saw sealed packets: two ids, their sizes and times. Not this text.</p>
<p><a href="/large">/large</a> is ${LARGE_BYTES.toLocaleString("en")} bytes. Its SHA-256:<br><code>${hash}</code></p>
<p>Kill the Connector while it loads: it is started again, and the download goes on.</p>
</html>
`;
}
