// SPDX-License-Identifier: Apache-2.0
// A site of a real `sealed up` with two STLinks, an office and a camera, and a connection between them that talks all
// the time; a second pair of Routes comes and goes with one imported document. Before it: commander-faults.test.ts.
// After it: up-site.ts, echoes.ts.

import { Echo, eachAnswered } from "./echoes.ts";
import { freePort } from "./free-port.ts";
import { startServer, turnOver } from "./services.ts";
import { type UpOptions, UpSite, until } from "./up-site.ts";

const NAMES = ["office", "camera"] as const;
/** Always, and with the second pair. */
const ROUTES = { office: ["here", "there"], camera: ["hall", "yard"] } as const;
const ANSWER_MS = 60_000;

type Version = { epoch: number; serial: string };
type Thing = { id: string; name: string };
type StlinkAnswer = Thing & { confirmed: { version: Version } | null };

/** What an STLink has in force: version and hash, its Routes by name, and why it did not take the last one. */
export type Held = { configuration: string; routes: string[]; refused: string | null };

export class TalkingSite {
  readonly site: UpSite;
  readonly #service: number;
  readonly #ports: readonly [number, number];
  /** Of Routes, by id. */
  #names = new Map<string, string>();
  #echo: Echo | null = null;

  private constructor(site: UpSite, service: number, ports: readonly [number, number]) {
    this.site = site;
    this.#service = service;
    this.#ports = ports;
  }

  static async start(options: UpOptions = {}): Promise<TalkingSite> {
    const site = await UpSite.start(options);
    const ports = [await freePort(), await freePort()] as const;
    const talking = new TalkingSite(site, await startServer(turnOver), ports);
    await talking.deploy(false);
    const { items } = await site.ask<{ items: Thing[] }>("GET", "/routes");
    talking.#names = new Map(items.map(({ id, name }) => [id, name]));
    const joined = (name: string) => site.join(name, { fields: ["--profile", name] });
    await Promise.all(NAMES.map(joined));
    await talking.settled();
    await site.portOf("office");
    talking.#echo = new Echo(ports[0]);
    await talking.goesOn();
    return talking;
  }

  /** The connection has not ended, all of it was right, and another answer comes. */
  async goesOn(): Promise<void> {
    const echo = this.#echo;
    if (echo === null) throw new Error("nobody talks");
    await eachAnswered([echo], ANSWER_MS);
    if (echo.ending !== null) throw new Error(`the connection ended: ${echo.ending}`);
    if (echo.isWrong) throw new Error("the connection got other bytes than were sent");
  }

  /** One change that concerns both STLinks: the second pair of Routes is there, or not. Resolves once answered. */
  async deploy(isWide: boolean): Promise<void> {
    const service = { address: "127.0.0.1", port: this.#service };
    const profile = (name: (typeof NAMES)[number]) => {
      return { name, routes: this.routesOf(NAMES.indexOf(name), isWide) };
    };
    await this.site.ask("POST", "/document", {
      mappings: [
        { ...service, name: "hall" },
        { ...service, name: "yard" },
      ],
      bindings: [
        { name: "here", mapping: "hall", port: this.#ports[0] },
        { name: "there", mapping: "yard", port: this.#ports[1] },
      ],
      profiles: [{ name: "default" }, ...NAMES.map(profile)],
    });
  }

  /** The Routes of the office (0) or the camera (1). */
  routesOf(stlink: number, isWide: boolean): string[] {
    const [always, wide] = ROUTES[NAMES[stlink] ?? "office"];
    return isWide ? [always, wide] : [always];
  }

  /** Whether the second pair is what the Commander has. */
  async isWide(): Promise<boolean> {
    const { routes } = await this.site.json<{ routes: unknown[] }>("profile", "show", "office");
    return routes.length === 2;
  }

  /** What the Commander has. */
  async version(): Promise<string> {
    return textOf((await this.site.ask<{ version: Version }>("GET", "/site")).version);
  }

  /** Of both, office first; the Commander may be away. */
  held(): Promise<Held[]> {
    return Promise.all(
      NAMES.map(async (name) => {
        const { commander, bindings, mappings } = await this.site.status(name);
        return {
          configuration: `${commander?.version} ${commander?.hash}`,
          routes: [...bindings, ...mappings].map(({ id }) => this.#names.get(id) ?? id).sort(),
          refused: commander?.lastError ?? null,
        };
      }),
    );
  }

  /** Waits until both have the Commander's version in force, and it knows. */
  async settled(): Promise<void> {
    const isSettled = async () => {
      const version = await this.version();
      const path = "/stlinks?limit=500";
      const { items } = await this.site.ask<{ items: StlinkAnswer[] }>("GET", path);
      const known = NAMES.map((name) => items.find((one) => one.name === name)?.confirmed);
      return (
        (await this.held()).every(({ configuration }) => configuration.startsWith(`${version} `)) &&
        known.every((one) => one && textOf(one.version) === version)
      );
    };
    await until(isSettled, "both STLinks have the Commander's version");
  }
}

function textOf({ epoch, serial }: Version): string {
  return `${epoch}.${serial}`;
}
