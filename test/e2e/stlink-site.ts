// SPDX-License-Identifier: Apache-2.0
// For the tests of whole sites: keys, JSON files and processes of any number of Connectors and STLinks over
// loopback, and what their status sockets say. Before it: sealed-tools.ts. After it: stlink.test.ts and
// the shows. Each Connector keeps its port, so that it can be killed and started again.

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { askSocket } from "../../host/cli/status-socket.ts";
import type { ConnectorStatus } from "../../host/connector/status.ts";
import { keyPairOf } from "../../host/service/key-file.ts";
import type { StlinkStatus } from "../../host/stlink/status.ts";
import { freePort } from "./free-port.ts";
import { makeFolder, type SealedProcess, sealed } from "./sealed-tools.ts";

const LOOK_MS = 10;

type Party = { id: string; key: string };

/** As in an STLink's file, without what every file has. */
export type Routes = {
  mappings?: readonly object[];
  bindings?: readonly object[];
  /** Other entries than one for each Connector, by name, with changed fields. */
  connectors?: Readonly<Record<string, object>>;
  /** Entries beside them, complete. */
  moreConnectors?: readonly object[];
  /** Only these of the site's Connectors; all when absent. */
  onlyConnectors?: readonly string[];
  /** Only these peers; all others of the site when absent. */
  peers?: readonly string[];
  /** As in the file. */
  limits?: object;
};

export class StlinkSite {
  readonly folder = makeFolder();
  readonly #stlinks = new Map<string, Party>();
  readonly #connectors = new Map<string, Party>();
  readonly #addresses = new Map<string, string>();
  readonly #processes = new Map<string, SealedProcess>();

  constructor(connectors: readonly string[], stlinks: readonly string[]) {
    for (const name of connectors) this.#connectors.set(name, this.#makeParty(name));
    for (const name of stlinks) this.#stlinks.set(name, this.#makeParty(name));
  }

  /** Starts a Connector, at the place where it was before; `limits` as in its file. */
  async startConnector(name: string, limits: object = {}): Promise<SealedProcess> {
    if (!this.#addresses.has(name)) this.#addresses.set(name, `127.0.0.1:${await freePort()}`);
    const stlinks = [...this.#stlinks].map(([stlink, party]) => ({ name: stlink, ...party }));
    this.#write(name, {
      key_file: `${name}.key`,
      status_socket: `${name}.sock`,
      listen: [this.addressOf(name)],
      groups: [stlinks.map((one) => one.name)],
      stlinks,
      limits,
    });
    const process = this.#start("connector", name);
    await process.logged("ready");
    return process;
  }

  /** An STLink's id, as hexadecimal digits. */
  idOf(stlink: string): string {
    return this.#stlinks.get(stlink)?.id ?? "";
  }

  /** Anyone's private key, likewise. */
  secretOf(name: string): string {
    return readFileSync(join(this.folder, `${name}.key`), "utf8").trim();
  }

  keyOf(connector: string): string {
    return this.#connectors.get(connector)?.key ?? "";
  }

  addressOf(connector: string): string {
    return this.#addresses.get(connector) ?? "127.0.0.1:0";
  }

  /** Writes an STLink's file; all Connectors and other STLinks of the site are in it unless `routes` says so. */
  writeStlink(name: string, routes: Routes): void {
    const { mappings = [], bindings = [], connectors = {}, moreConnectors = [], peers } = routes;
    const { limits = {} } = routes;
    const { onlyConnectors = [...this.#connectors.keys()] } = routes;
    const dialled = [...this.#connectors].filter(([connector]) =>
      onlyConnectors.includes(connector),
    );
    const others = [...this.#stlinks].filter(([other]) => peers?.includes(other) ?? other !== name);
    this.#write(name, {
      id: this.#stlinks.get(name)?.id,
      key_file: `${name}.key`,
      status_socket: `${name}.sock`,
      connectors: [
        ...moreConnectors,
        ...dialled.map(([connector, { key }]) => ({
          name: connector,
          address: this.addressOf(connector),
          key,
          ...connectors[connector],
        })),
      ],
      peers: others.map(([peer, party]) => ({ name: peer, ...party })),
      mappings,
      bindings,
      limits,
    });
  }

  /** Starts an STLink; its first hop is up. */
  async startStlink(name: string, routes: Routes): Promise<SealedProcess> {
    this.writeStlink(name, routes);
    const process = this.#start("stlink", name);
    await process.logged("hop up");
    return process;
  }

  /** The port of an STLink's only Binding. */
  async portOf(name: string): Promise<number> {
    const { bindings } = await this.status(name);
    return Number(bindings[0]?.listening[0]?.split(":").at(-1));
  }

  /** Starts a second process with an STLink's key and id, in another folder, as after a copied disk. */
  startTwin(name: string): SealedProcess {
    const file = join(this.folder, `${name}.json`);
    const { status_socket: _, ...fields } = JSON.parse(readFileSync(file, "utf8"));
    this.#write(`${name}-twin`, fields);
    return sealed(makeFolder(), "stlink", "run", join(this.folder, `${name}-twin.json`));
  }

  process(name: string): SealedProcess {
    const process = this.#processes.get(name);
    if (process === undefined) throw new Error(`${name} was not started`);
    return process;
  }

  kill(name: string) {
    return this.process(name).end("SIGKILL");
  }

  async status(name: string): Promise<StlinkStatus> {
    return (await askSocket(join(this.folder, `${name}.sock`))) as StlinkStatus;
  }

  async connectorStatus(name: string): Promise<ConnectorStatus> {
    return (await askSocket(join(this.folder, `${name}.sock`))) as ConnectorStatus;
  }

  /** The status, once it is so. */
  async statusWhen(
    name: string,
    isSo: (status: StlinkStatus) => boolean,
    seconds = 60,
  ): Promise<StlinkStatus> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      const status = await this.status(name);
      if (isSo(status)) return status;
      await pause(LOOK_MS);
    }
    throw new Error(`it never was: ${JSON.stringify(await this.status(name))}`);
  }

  /** Has a running STLink read this file. */
  async reload(name: string, routes: Routes): Promise<Record<string, unknown>> {
    const process = this.process(name);
    const isReport = ({ msg }: Record<string, unknown>): boolean =>
      msg === "file read again" || msg === "the file was not taken: nothing has changed";
    const before = process.lines().filter(isReport).length;
    this.writeStlink(name, routes);
    process.child.kill("SIGHUP");
    return process.when((lines) => lines.filter(isReport)[before]);
  }

  #start(role: string, name: string): SealedProcess {
    const process = sealed(this.folder, role, "run", `${name}.json`);
    this.#processes.set(name, process);
    return process;
  }

  #makeParty(name: string): Party {
    const secret = randomBytes(32);
    writeFileSync(join(this.folder, `${name}.key`), `${secret.toString("hex")}\n`, { mode: 0o600 });
    const { publicKey } = keyPairOf(secret);
    return { id: randomBytes(16).toString("hex"), key: Buffer.from(publicKey).toString("hex") };
  }

  #write(name: string, value: object): void {
    writeFileSync(join(this.folder, `${name}.json`), JSON.stringify(value), { mode: 0o600 });
  }
}
