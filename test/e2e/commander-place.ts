// SPDX-License-Identifier: Apache-2.0
// Hosts of their own for a Commander's site: the Connector's, an office with a browser, a camera's network with a
// web service at 192.168.0.1 port 543 and a gateway beside it, and a stranger. Before it: commander.test.ts. After
// it: host/cli/demo/namespaces.ts. No host passes packets on; what runs on them ends with the test.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Message } from "../../host/cli/demo/messages.ts";
import { type Host, Namespaces } from "../../host/cli/demo/namespaces.ts";
import { plugIn, SWITCH } from "../../host/cli/demo/place.ts";
import { webPage } from "../../host/cli/demo/web-page.ts";
import { ROOT } from "../../scripts/run.ts";
import type { Inside } from "./up-site.ts";

const DEMO = join(ROOT, "host", "cli", "demo");
const LIFELINE = pathToFileURL(join(DEMO, "lifeline.ts")).href;

/** In 198.51.100.0/24; the Connector's is also the switch. */
const ADDRESSES = { connector: 1, gateway: 2, office: 3, stranger: 66 };
export type PlaceName = keyof typeof ADDRESSES;

export const CONNECTOR_PORT = 8443;

export function addressOf(name: PlaceName): string {
  return `198.51.100.${ADDRESSES[name]}`;
}

export class CommanderPlace {
  readonly namespaces = new Namespaces();
  readonly #hosts = new Map<string, Host>();
  #service: ChildProcess | null = null;
  /** What the web service gives for `/`. */
  page = "";

  static async make(): Promise<CommanderPlace> {
    const place = new CommanderPlace();
    try {
      await place.#join();
      place.page = await place.#startWebService();
      return place;
    } catch (error) {
      await place.close();
      throw error;
    }
  }

  host(name: PlaceName): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  /** What puts a command on a host. */
  inside(name: PlaceName): Inside {
    return (command) => this.namespaces.inside(this.host(name), command);
  }

  async close(): Promise<void> {
    this.#service?.kill("SIGKILL");
    await this.namespaces.close();
  }

  async #join(): Promise<void> {
    const { namespaces } = this;
    for (const name of Object.keys(ADDRESSES) as PlaceName[]) {
      this.#hosts.set(name, await namespaces.addHost(name));
    }
    const connector = this.host("connector");
    await namespaces.configure(connector, ...SWITCH);
    for (const name of ["gateway", "office", "stranger"] as const) {
      const plug = { host: this.host(name), name: "eth1", cidr: `${addressOf(name)}/24` };
      await plugIn(namespaces, connector, plug);
    }
    const web = await namespaces.addHost("web");
    this.#hosts.set("web", web);
    const eth0 = (host: Host, cidr: string) => ({ host, name: "eth0", cidr });
    await namespaces.join(
      eth0(web, "192.168.0.1/24"),
      eth0(this.host("gateway"), "192.168.0.2/24"),
    );
  }

  /** It knows nothing of tunnels. */
  #startWebService(): Promise<string> {
    const service = [join(DEMO, "web-service.ts"), "192.168.0.1", "543"];
    const web = this.#hosts.get("web") as Host;
    const node: [string, ...string[]] = [process.execPath, "--import", LIFELINE, ...service];
    const [program, ...args] = this.namespaces.inside(web, node);
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#service = child;
    return new Promise((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the web service ended with ${code}`)));
      child.once("message", (message) => {
        const { largeHash } = message as Extract<Message, { kind: "web" }>;
        resolve(webPage(largeHash));
      });
    });
  }
}
