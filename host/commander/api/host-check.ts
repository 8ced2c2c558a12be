// SPDX-License-Identifier: Apache-2.0
// A server without TLS is for this machine alone, and answers only who calls it by a name of this machine: a page
// whose name was made to resolve to loopback (DNS rebinding) has another one. Before it: the Host header. After it:
// authentication.

import { ipKindOf } from "../../net/ip.ts";
import { HttpRefusal } from "./problems.ts";
import type { Server } from "./server-types.ts";

const HOST = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+))(?::\d{1,5})?$/;

export function addHostCheck(server: Server): void {
  server.addHook("onRequest", async ({ headers }) => {
    if (isLoopbackHost(headers.host ?? "")) return;
    const sentence =
      "The Host header names another host: this server is called 127.0.0.1, [::1] or localhost.";
    throw new HttpRefusal("WrongHost", sentence);
  });
}

export function isLoopbackHost(header: string): boolean {
  const [, bracketed, plain = ""] = HOST.exec(header) ?? [];
  return isLoopback(bracketed ?? plain);
}

/** An IP address of loopback, or "localhost". */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === "localhost" || ipKindOf(host) === "loopback";
}
