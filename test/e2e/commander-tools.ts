// SPDX-License-Identifier: Apache-2.0
// For the tests of `sealed up` and the Commander's nouns: a site in a folder of its own, on ports that are free, its
// commands with what they answer, and STLinks that join it. Before it: sealed-tools.ts. After it: commander-*.test.ts.

import { once } from "node:events";
import { createServer } from "node:net";
import { expect } from "vitest";
import { type Ended, makeFolder, SealedProcess, sealed, write } from "./sealed-tools.ts";

/** Nobody listens there a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** `sealed up` in a folder of its own. */
export class UpSite {
  readonly folder = makeFolder();
  #process: SealedProcess | null = null;
  #ports: string[] = [];

  /** Started, on the same ports each time. */
  async start(...more: string[]): Promise<SealedProcess> {
    if (this.#ports.length === 0) {
      const [relay, api] = [await freePort(), await freePort()];
      this.#ports = ["--listen", `127.0.0.1:${relay}`, "--api", String(api)];
    }
    const started = sealed(this.folder, "up", "site", ...this.#ports, ...more);
    await started.printed(/^(Next,|Who is here:)/m);
    this.#process = started;
    return started;
  }

  get process(): SealedProcess {
    if (this.#process === null) throw new Error("it has not been started");
    return this.#process;
  }

  /** A command, ended. */
  run(...args: string[]): Promise<Ended> {
    return sealed(this.folder, ...args).ended();
  }

  /** One that is to end well; what it printed. */
  async done(...args: string[]): Promise<string> {
    const ended = await this.run(...args);
    expect(ended, args.join(" ")).toMatchObject({ code: 0 });
    return ended.out;
  }

  async json<Value = Record<string, unknown>>(...args: string[]): Promise<Value> {
    return JSON.parse(await this.done(...args, "--json"));
  }

  /** With another environment. */
  runAs(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
    return new SealedProcess(this.folder, args, { env }).ended();
  }

  /** An STLink of this name, activated and running. */
  async join(name: string, ...codeArgs: string[]): Promise<SealedProcess> {
    const { text } = await this.json<{ text: string }>("code", "add", ...codeArgs);
    write(this.folder, `${name}.code`, text);
    const out = await this.done("stlink", "activate", `${name}.code`, "--state", name);
    const [, id = ""] = /STLink is ([0-9a-f]{32})/.exec(out) ?? [];
    await this.done("stlink", "rename", id, name);
    return sealed(this.folder, "stlink", "run", "--state", name);
  }
}
