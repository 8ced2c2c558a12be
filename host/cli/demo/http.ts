// SPDX-License-Identifier: Apache-2.0
// How the demo's two small web services answer. Before it: web-service.ts, viewer.ts. After it: Node's
// HTTP server.

import type { ServerResponse } from "node:http";

/** A whole answer, never cached. */
export function finish(
  response: ServerResponse,
  status: number,
  body: string,
  type = "text/plain",
): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}
