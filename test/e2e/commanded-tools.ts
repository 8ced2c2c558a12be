// SPDX-License-Identifier: Apache-2.0
// For the tests of STLinks under a Commander: real ones in this process or as processes, each with a state
// folder, and connections that go on while things change. Before it: the simulated Commander and Connector
// on a real port (test/sim/control/bridge.ts). After it: commanded-*.test.ts, activate*.test.ts.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Log } from "../../host/service/log.ts";
import { type RunningCommanded, startCommanded } from "../../host/stlink/commanded.ts";
import { StateFolder } from "../../host/stlink/state-folder.ts";
import type { StlinkStatus } from "../../host/stlink/status.ts";
import { toBase32 } from "../reference/activation.ts";
import { ControlBridge } from "../sim/control/bridge.ts";
import { type Pair, type Row, versionText } from "../sim/control/database.ts";
import { startService } from "./sealed-site.ts";
import { makeFolder } from "./sealed-tools.ts";

export const DAY_MS = 86_400_000;

const bridges: ControlBridge[] = [];
const members: CommandedMember[] = [];
const sockets: Socket[] = [];

/** Ends everything that was begun here. */
export async function endCommanded(): Promise<void> {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(members.splice(0).map((member) => member.stop()));
  for (const bridge of bridges.splice(0)) bridge.close();
}

export function newBridge(seed: string): Promise<ControlBridge> {
  const bridge = new ControlBridge(seed);
  bridges.push(bridge);
  return bridge.start();
}

/** A fresh code of this Commander, as text. */
export function codeOf(bridge: ControlBridge, name: string, replaced?: Row): string {
  return toBase32(bridge.site.commander.issue(name, DAY_MS, replaced).text);
}

/** A folder with the code in a file. */
export function folderWith(code: string): string {
  const folder = makeFolder();
  writeFileSync(join(folder, "code.txt"), `${code}\n`, { mode: 0o600 });
  return folder;
}

/** It has confirmed the version in force, under its own id. */
export function isConfirmed({ site: { commander } }: ControlBridge, name: string): boolean {
  const row = commander.db.rows.find((one) => one.name === name);
  return row?.confirmed === versionText(commander.db) && commander.got.includes(`${name} STATE`);
}

type Line = Record<string, unknown> & { msg: string };

/** An STLink in this process. */
export class CommandedMember {
  readonly bridge: ControlBridge;
  readonly name: string;
  readonly folder: string;
  readonly lines: Line[] = [];
  #running: RunningCommanded | null = null;

  constructor(bridge: ControlBridge, name: string) {
    this.bridge = bridge;
    this.name = name;
    this.folder = join(makeFolder(), name);
    members.push(this);
  }

  /** The code is in the folder, as `activate` puts it there. */
  give(code: string): this {
    StateFolder.make(this.folder).save("code", code);
    return this;
  }

  start(): this {
    const at = (level: string) => (fields: object, msg: string) => {
      this.lines.push({ ...fields, level, msg });
    };
    const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
    this.#running = startCommanded({ folder: new StateFolder(this.folder), log });
    return this;
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = null;
  }

  get running(): RunningCommanded {
    if (this.#running === null) throw new Error(`${this.name} does not run`);
    return this.#running;
  }

  status(): StlinkStatus {
    return this.running.status();
  }

  command(name: string, argument = ""): string {
    const command = this.running.commands?.[name];
    if (command === undefined) throw new Error(`no command ${name}`);
    return command(argument);
  }

  confirmed(): Promise<void> {
    return this.bridge.until(() => isConfirmed(this.bridge, this.name), `${this.name} confirmed`);
  }

  /** What it has logged with this text in it. */
  told(text: string): Line[] {
    return this.lines.filter(({ msg }) => msg.includes(text));
  }

  /** The port of the only Binding, once it listens. */
  async port(): Promise<number> {
    const listening = () => this.status().bindings[0]?.listening[0];
    await this.bridge.until(() => listening() !== undefined, `${this.name} listens`);
    return Number(listening()?.split(":").at(-1));
  }
}

/** An activated STLink that has confirmed. */
export async function activated(bridge: ControlBridge, name: string): Promise<CommandedMember> {
  const member = new CommandedMember(bridge, name).give(codeOf(bridge, name)).start();
  await member.confirmed();
  return member;
}

/** A connection that stays open: bytes go out and come back upside down. */
export class Talk {
  readonly socket: Socket;
  isOver = false;
  readonly #ended = Promise.withResolvers<void>();
  #got = Buffer.alloc(0);

  constructor(port: number, from = "127.0.0.1") {
    this.socket = connect({ host: "127.0.0.1", port, localAddress: from });
    this.socket.on("data", (bytes) => {
      this.#got = Buffer.concat([this.#got, bytes]);
    });
    this.socket.on("error", () => {});
    this.socket.once("close", () => {
      this.isOver = true;
      this.#ended.resolve();
    });
    sockets.push(this.socket);
  }

  /** True when this comes back over the same connection; false when that has ended. */
  async says(text: string): Promise<boolean> {
    const expected = Buffer.from(text).map((byte) => byte ^ 0xff);
    this.#got = Buffer.alloc(0);
    this.socket.write(text);
    while (!this.isOver && this.#got.length < expected.length) {
      await Promise.race([once(this.socket, "data").catch(() => {}), this.ended()]);
    }
    return this.#got.equals(expected);
  }

  /** It has ended, one way or another. */
  ended(): Promise<void> {
    return this.#ended.promise;
  }
}

export type CommandedSite = {
  bridge: ControlBridge;
  office: CommandedMember;
  camera: CommandedMember;
};

/** A Binding of the office at any free port, to a service beside the camera. */
export async function pairedSite(
  seed: string,
  more: Pick<Pair, "isPinned"> = {},
): Promise<CommandedSite> {
  const bridge = await newBridge(seed);
  const [office, camera] = await Promise.all([
    activated(bridge, "office"),
    activated(bridge, "camera"),
  ]);
  const ports = { binding: 0, mapping: await startService() };
  bridge.site.commander.pair("office", "camera", { ...more, ports });
  await Promise.all([office.confirmed(), camera.confirmed()]);
  return { bridge, office, camera };
}

/** The same, with a connection that carries bytes. */
export async function talkingSite(seed: string): Promise<CommandedSite & { talk: Talk }> {
  const site = await pairedSite(seed);
  const talk = new Talk(await site.office.port());
  if (!(await talk.says("before"))) throw new Error("no byte comes through");
  return { ...site, talk };
}
