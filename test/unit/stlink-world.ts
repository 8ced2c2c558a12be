// SPDX-License-Identifier: Apache-2.0
// A simulated world for whole STLinks: the real services, STLink and Connector, on a fake network and clock,
// clients of a Binding and targets of a Mapping. Before it: a test says who there is. After it:
// stlink-routes.test.ts. All that is random comes from the seed.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConnectorFile } from "../../host/connector/connector-file.ts";
import { type RunningConnector, startConnector } from "../../host/connector/service.ts";
import { SimClock } from "../../host/net/sim/clock.ts";
import { SimDatagrams } from "../../host/net/sim/datagrams.ts";
import { SimNetwork } from "../../host/net/sim/network.ts";
import { LINE } from "../../host/net/sim/pipe.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { SimProcess } from "../../host/net/sim/process.ts";
import type { Connection, Ending } from "../../host/net/transport.ts";
import type { World } from "../../host/net/world.ts";
import { keyPairOf } from "../../host/service/key-file.ts";
import type { Log } from "../../host/service/log.ts";
import type { ReloadReport } from "../../host/service/running.ts";
import { type RunningStlink, startStlink } from "../../host/stlink/service.ts";
import { readSite } from "../../host/stlink/site-file.ts";
import type { StlinkStatus } from "../../host/stlink/status.ts";

const LOOPBACK = "127.0.0.1";
const BOUND_PORT = 8080;
export const TARGET_PORT = 9000;

type Party = { id: string; key: string };
/** Steps of 10 ms until something has stopped, at most. */
const STOPPING_MOST = 1000;

export type LogLine = Record<string, unknown> & { level: string; msg: string };

/** A client of the Binding, or one connection of a target: what came, and how it ended. */
export class Application {
  connection: Connection | null = null;
  text = "";
  hasEnded = false;
  /** undefined: it is open. */
  ending: Ending | null | undefined = undefined;
  readonly events = {
    data: (bytes: Uint8Array): void => {
      this.text += Buffer.from(bytes).toString();
    },
    drained: (): void => {},
    ended: (): void => {
      this.hasEnded = true;
    },
    closed: (why: Ending | null): void => {
      this.ending = why;
    },
  };

  send(text: string): void {
    this.connection?.write(Buffer.from(text));
  }
}

export class StlinkWorld {
  readonly clock = new SimClock();
  readonly network: SimNetwork;
  readonly logs = new Map<string, LogLine[]>();
  readonly #prng: Prng;
  readonly #folder = mkdtempSync(join(tmpdir(), "sealed-world-"));
  readonly #parties = new Map<string, Party>();
  readonly #running = new Map<string, RunningStlink | RunningConnector>();
  readonly #worlds = new Map<string, World>();

  constructor(seed: string, names: readonly string[]) {
    this.#prng = new Prng(seed);
    this.network = new SimNetwork(this.clock, this.#prng.fork("network"));
    for (const name of names) this.#parties.set(name, this.#makeParty(name));
  }

  /** Starts a Connector, which listens as `192.0.2.1:443` whatever its name: there is one. */
  async startConnector(): Promise<void> {
    const stlinks = [...this.#parties].filter(([name]) => name !== "connector");
    const file = this.#write("connector", {
      key_file: "connector.key",
      listen: ["192.0.2.1:443"],
      groups: [stlinks.map(([name]) => name)],
      stlinks: stlinks.map(([name, party]) => ({ name, ...party })),
    });
    const settings = readConnectorFile(file);
    const connector = await startConnector(
      settings,
      this.#log("connector"),
      this.worldOf("connector"),
    );
    this.#running.set("connector", connector);
  }

  /** Starts an STLink that knows all others. */
  async startStlink(name: string, routes: object): Promise<void> {
    const site = readSite(this.#writeSite(name, routes));
    this.#running.set(name, await startStlink(site, this.#log(name), this.worldOf(name)));
  }

  /** Has a running STLink read other Routes. */
  reload(name: string, routes: object): Promise<ReloadReport> {
    const stlink = this.#running.get(name) as RunningStlink;
    return stlink.reload(readSite(this.#writeSite(name, routes)));
  }

  #writeSite(name: string, routes: object): string {
    const peers = [...this.#parties].filter(([peer]) => peer !== name && peer !== "connector");
    return this.#write(name, {
      id: this.#parties.get(name)?.id,
      key_file: `${name}.key`,
      connectors: [
        { name: "hall", address: "192.0.2.1:443", key: this.#parties.get("connector")?.key },
      ],
      peers: peers.map(([peer, party]) => ({ name: peer, ...party })),
      ...routes,
    });
  }

  status(name: string): StlinkStatus {
    return (this.#running.get(name) as RunningStlink).status();
  }

  /** Time passes meanwhile: a Connector drains. */
  async stop(name: string): Promise<void> {
    const stopping = this.#running.get(name)?.stop();
    this.#running.delete(name);
    let isOver = false;
    const whenOver = stopping?.finally(() => {
      isOver = true;
    });
    for (let i = 0; i < STOPPING_MOST && !isOver; i++) await this.pass(10);
    await whenOver;
  }

  async end(): Promise<void> {
    for (const name of [...this.#running.keys()]) await this.stop(name);
    rmSync(this.#folder, { recursive: true });
  }

  /** A client that connects to the Binding, from this machine. */
  client(port = BOUND_PORT, from = "client"): Application {
    const client = new Application();
    const { transport } = this.worldOf(from);
    client.connection = transport.connect({ host: LOOPBACK, port }, client.events);
    return client;
  }

  /** What listens as the Mapping's target at this port, and what has come to it. */
  async target(
    port = TARGET_PORT,
    answer: (application: Application) => void = () => {},
  ): Promise<Application[]> {
    const came: Application[] = [];
    await this.worldOf("target").transport.listen({ host: LOOPBACK, port }, (connection) => {
      const application = new Application();
      application.connection = connection;
      came.push(application);
      answer(application);
      return application.events;
    });
    return came;
  }

  /** Log lines of one whose text contains this. */
  told(name: string, text: string): LogLine[] {
    return (this.logs.get(name) ?? []).filter(({ msg }) => msg.includes(text));
  }

  /** Lets time pass, promises too. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.nowMs + ms;
    while (this.clock.step(until)) await null;
  }

  worldOf(name: string): World {
    const known = this.#worlds.get(name);
    if (known !== undefined) return known;
    const prng = this.#prng.fork(name);
    const datagrams = new SimDatagrams(this.clock, prng, { latencyMs: 1, jitterMs: 0, loss: 0 });
    const { clock, network } = this;
    const world = new SimProcess({ name, clock, network, datagrams, line: LINE, prng });
    this.#worlds.set(name, world);
    return world;
  }

  #makeParty(name: string): Party {
    const secret = this.#prng.fork(`key of ${name}`).bytes(32);
    const text = `${Buffer.from(secret).toString("hex")}\n`;
    writeFileSync(join(this.#folder, `${name}.key`), text, { mode: 0o600 });
    const id = Buffer.from(this.#prng.fork(`id of ${name}`).bytes(16)).toString("hex");
    return { id, key: Buffer.from(keyPairOf(secret).publicKey).toString("hex") };
  }

  #write(name: string, value: object): string {
    const file = join(this.#folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(value), { mode: 0o600 });
    return file;
  }

  #log(name: string): Log {
    const lines: LogLine[] = this.logs.get(name) ?? [];
    this.logs.set(name, lines);
    const at = (level: string) => (fields: object, msg: string) => {
      lines.push({ ...fields, level, msg });
    };
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }
}

/** The Routes of the usual site: "here" leads to "web" of these peers. */
export function bindingTo(peers: readonly string[]): object {
  return { bindings: [{ name: "here", mapping: "web", port: BOUND_PORT, peers }] };
}

export function mappingTo(host: string = LOOPBACK, port = TARGET_PORT): object {
  return { mappings: [{ name: "web", address: host, port, peers: ["office"] }] };
}
