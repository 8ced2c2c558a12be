// SPDX-License-Identifier: Apache-2.0
// Passes connections on, byte for byte: how the user's own network reaches the Connector's where no
// interface may be made. Two of these meet at a socket in the demo's folder, since namespaces of networks
// don't part what has a path. Before it: an STLink. After it: the Connector. It sees what any wire sees.

import { once } from "node:events";
import {
  connect,
  createServer,
  type ListenOptions,
  type Socket,
  type TcpNetConnectOpts,
} from "node:net";
import { tell } from "./messages.ts";

/** Listens, and dials for each connection that comes; resolves with the port, 0 for a path. */
export async function forward(
  from: ListenOptions,
  to: TcpNetConnectOpts | { path: string },
): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    pass(near, connect({ ...to, allowHalfOpen: true }));
  }).listen(from);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** Ends travel as themselves; where one side breaks, the other does. */
function pass(near: Socket, far: Socket): void {
  near.pipe(far).pipe(near);
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.setNoDelay(true);
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroySoon());
  }
}

if (import.meta.main) {
  const [path = "", host = "", port = ""] = process.argv.slice(2);
  await forward({ path }, { host, port: Number(port) });
  tell({ kind: "forwarder" });
}
