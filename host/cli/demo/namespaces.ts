// SPDX-License-Identifier: Apache-2.0
// Hosts on one machine: network namespaces, joined by virtual cables. Before it: place.ts (the demo's
// hosts), tests. After it: `unshare`, `nsenter` and `ip`. A namespace has no name: it lives as long as the
// process that holds it open, which ends when its standard input does. So nothing stays behind, however
// this process ends. As root, or as any user where the kernel lets users make namespaces.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";

/** A host: its namespace is that of the process `pid`; null is the one that this process is in. */
export type Host = { name: string; pid: number | null };

/** One end of a cable: the interface's name in that host, and its address with prefix length. */
export type Plug = { host: Host; name: string; cidr?: string };

const COMMAND_MS = 10_000;
/**
 * Says that the namespace is there, then waits for the end of its input. Connections whose process and
 * peer are both gone would keep the namespace for minutes: here they give up at once, where /proc allows.
 */
const HOLD = `ip link set lo up || exit
{ echo 1 >/proc/sys/net/ipv4/tcp_orphan_retries; } 2>/dev/null
echo held
exec cat`;

export class Namespaces {
  /** Root makes namespaces itself, anybody else inside a user namespace of his own. */
  readonly isRoot: boolean = process.getuid?.() === 0;
  readonly #holders: ChildProcess[] = [];

  /** A new host without any interface but its loopback. Throws an Error that says why not. */
  async addHost(name: string): Promise<Host> {
    const isFirst = this.#holders.length === 0;
    const user = this.isRoot || !isFirst ? [] : ["--user", "--map-root-user"];
    const [command, ...args] = this.#asOwner(["unshare", ...user, "--net", "sh", "-c", HOLD]);
    const holder = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.#holders.push(holder);
    await untilHeld(holder);
    return { name, pid: holder.pid ?? 0 };
  }

  /** A cable between two hosts, both ends up. */
  async join(one: Plug, other: Plug): Promise<void> {
    const far = other.host.pid ?? process.pid;
    await this.configure(
      one.host,
      `link add ${one.name} type veth peer name ${other.name} netns ${far}`,
      ...settingsOf(one),
    );
    await this.configure(other.host, ...settingsOf(other));
  }

  /** Lines of `ip -batch` in a host. Throws an Error with what `ip` said. */
  async configure(host: Host, ...lines: string[]): Promise<void> {
    const [command, ...args] = this.inside(host, ["ip", "-batch", "-"]);
    const running = execFile(command, args, { timeout: COMMAND_MS });
    const said: string[] = [];
    running.stderr?.on("data", (text: string) => said.push(text));
    running.stdin?.end(`${lines.join("\n")}\n`);
    const [code] = await once(running, "close");
    if (code !== 0) throw new Error(firstLine(said.join("")) || `ip ended with ${code}`);
  }

  /** The command that runs a command in a host; it is the same process from its start to its end. */
  inside({ pid }: Host, command: readonly [string, ...string[]]): [string, ...string[]] {
    if (pid === null) return [...command];
    const user = this.isRoot ? [] : ["--user", "--preserve-credentials"];
    return ["nsenter", "--target", String(pid), ...user, "--net", "--", ...command];
  }

  /** Ends all hosts. What still runs in one keeps it. */
  async close(): Promise<void> {
    const holders = this.#holders.splice(0).filter((one) => one.exitCode === null);
    const gone = holders.map((holder) => once(holder, "exit"));
    for (const holder of holders) holder.stdin?.end();
    await Promise.all(gone);
  }

  /** The first holder owns the user namespace that all others belong to. */
  #asOwner(command: [string, ...string[]]): [string, ...string[]] {
    const owner = this.#holders[0]?.pid;
    if (this.isRoot || owner === undefined) return command;
    const user = ["--user", "--preserve-credentials"];
    return ["nsenter", "--target", String(owner), ...user, "--", ...command];
  }
}

/** Addresses that the kernel would make itself are taken off: they come late, and nobody uses them. */
function settingsOf({ name, cidr }: Plug): string[] {
  const address = cidr === undefined ? [] : [`addr add ${cidr} dev ${name}`];
  return [`link set dev ${name} addrgenmode none`, ...address, `link set dev ${name} up`];
}

function untilHeld(holder: ChildProcess): Promise<void> {
  const said: string[] = [];
  holder.stderr?.setEncoding("utf8").on("data", (text: string) => said.push(text));
  return new Promise((resolve, reject) => {
    holder.stdout?.once("data", () => resolve());
    holder.once("error", (error: NodeJS.ErrnoException) => {
      reject(new Error(`${holder.spawnfile} can't be run (${error.code})`));
    });
    holder.once("close", () => reject(new Error(firstLine(said.join("")) || "unshare ended")));
  });
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}
