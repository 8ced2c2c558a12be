// SPDX-License-Identifier: Apache-2.0
// SealedTunnel as a system to be measured: two STLinks and a Connector, each a `sealed` process as a person
// starts it, with a site of their own. Before it: bench-tunnel.ts, bench-peers.ts. After it: the site and the
// processes of the end-to-end tests.

import {
  makeSite,
  runConnector,
  type Site,
  writeCamera,
  writeOffice,
} from "../../e2e/sealed-site.ts";
import { endAll, type SealedProcess, sealed } from "../../e2e/sealed-tools.ts";
import type { RunningSystem, System } from "./system.ts";

const START_MS = 15_000;

/** The system with the core in this file. */
export function sealedSystem(wasmPath: string): System {
  return {
    name: "SealedTunnel",
    encrypts:
      "three layers, each ChaCha20-Poly1305 with X25519 and ML-KEM-768: two from STLink to STLink, which " +
      "the relay can't open, one on each hop. Each byte is sealed 4 times and opened 4 times",
    async start(targetPort) {
      process.env["CORE_WASM"] = wasmPath;
      // A process that was ended fails whoever waits for its log.
      const timer = setTimeout(endAll, START_MS);
      try {
        return await startSite(await makeSite(), targetPort);
      } catch (error) {
        await endAll();
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function startSite(site: Site, targetPort: number): Promise<RunningSystem> {
  const relay = runConnector(site);
  const address = String((await relay.logged("connector listens"))["listening"]);
  writeOffice(site, address);
  writeCamera(site, address, targetPort);
  const client = sealed(site.folder, "stlink", "run", "office.toml");
  const server = sealed(site.folder, "stlink", "run", "camera.toml");
  await Promise.all([client.logged("hop up"), server.logged("hop up")]);
  const { listening } = await client.logged("binding listens");
  return {
    port: Number(String(listening).split(":").at(-1)),
    parts: [partOf("client side", client), partOf("relay", relay), partOf("server side", server)],
    stop: endAll,
  };
}

function partOf(role: string, { child }: SealedProcess) {
  return { role, pid: child.pid ?? 0 };
}
