// SPDX-License-Identifier: Apache-2.0
// For the tests of `sealed`: a site of two STLinks and a Connector over loopback, made as its owner makes
// it, with `sealed keygen` and pasted lines. Before it: sealed-tools.ts runs the command. After it:
// sealed.test.ts, package.test.ts, layers.test.ts.

import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { keygen, makeFolder, type SealedProcess, sealed, write } from "./sealed-tools.ts";

const servers: Server[] = [];

/** Ends what startService began. */
export function endServices(): void {
  for (const server of servers.splice(0)) server.close();
}

/** A service that sends back what it gets, upside down: its bytes are told from an echo on the way. */
export async function startService(): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("data", (bytes) => socket.write(bytes.map((byte) => byte ^ 0xff)));
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Sends, half-closes, and gives everything that comes back. */
export async function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.end(bytes);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

type Keys = Map<string, string>;
export type Site = { folder: string; hall: Keys; office: Keys; camera: Keys; psk: string };

/** Keys for a Connector and two STLinks, and a pre-shared key. */
export async function makeSite(): Promise<Site> {
  const folder = makeFolder();
  const [hall, office, camera, psk] = await Promise.all([
    keygen(folder, "--connector", "hall.key"),
    keygen(folder, "office.key"),
    keygen(folder, "camera.key"),
    sealed(folder, "keygen", "--psk").ended(),
  ]);
  return { folder, hall, office, camera, psk: psk.out.trim() };
}

/** Writes the Connector's file, and starts it on a port that is free. */
export function runConnector({ folder, hall, office, camera }: Site): SealedProcess {
  write(
    folder,
    "hall.toml",
    (hall.get("own") ?? "").replace(/listen = .*/, 'listen = ["127.0.0.1:0"]'),
    'groups = [["office", "camera"]]',
    office.get("connector") ?? "",
    camera.get("connector") ?? "",
  );
  return sealed(folder, "connector", "run", "hall.toml");
}

async function startConnector(site: Site): Promise<string> {
  const { listening } = await runConnector(site).logged("connector listens");
  return String(listening);
}

function hallAt({ hall }: Site, address: string): string {
  return (hall.get("peer") ?? "").replace("HOST:8443", address);
}

export function writeOffice(site: Site, address: string, ...more: string[]): void {
  const { folder, office, camera, psk } = site;
  const binding = '[[bindings]]\nname = "here"\nmapping = "web"\nport = 0\npeers = ["camera"]';
  const peer = `${camera.get("peer")}\n${psk}`;
  write(
    folder,
    "office.toml",
    office.get("own") ?? "",
    hallAt(site, address),
    peer,
    binding,
    ...more,
  );
}

export function writeCamera(
  site: Site,
  address: string,
  servicePort: number,
  ...more: string[]
): void {
  const { folder, office, camera, psk } = site;
  const mapping = `[[mappings]]\nname = "web"\naddress = "localhost"\nport = ${servicePort}\npeers = ["office"]`;
  const peer = `${office.get("peer")}\n${psk}`;
  const own = camera.get("own") ?? "";
  write(folder, "camera.toml", own, hallAt(site, address), peer, mapping, ...more);
}

type Started = { site: Site; office: SealedProcess; port: number };

/** The whole site, with its hops up; the port of the Binding. More Routes may stand behind the usual. */
export async function startSite(moreBindings = "", moreMappings = ""): Promise<Started> {
  const site = await makeSite();
  const address = await startConnector(site);
  writeOffice(site, address, moreBindings);
  writeCamera(site, address, await startService(), moreMappings);
  const office = sealed(site.folder, "stlink", "run", "office.toml");
  const camera = sealed(site.folder, "stlink", "run", "camera.toml");
  await Promise.all([office.logged("hop up"), camera.logged("hop up")]);
  const { listening } = await office.logged("binding listens");
  return { site, office, port: Number(String(listening).split(":").at(-1)) };
}
