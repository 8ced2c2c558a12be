// SPDX-License-Identifier: Apache-2.0
// A network for several emulated machines: a switch that knows who is where, and QEMU's user network on
// one of its ports, which gives addresses and leads to this machine's loopback. (QEMU's own hub would also
// show that network what machines say to one another, and it answers for them.) For virt-gateway.test.ts
// and virt-pair.ts.

import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type Cable, cableBackend, tieToParent } from "../../host/device/emulator.ts";
import { freePort } from "../e2e/free-port.ts";

/** The user network gives addresses in the order in which machines ask. */
export const FIRST_HOST = "10.0.2.15";
const LOOPBACK = "127.0.0.1";
const MAC_LEN = 6;
/** In an address's first byte: it is of many machines. */
const GROUP = 1;

export type Forward = { from: number; host: string; port: number };

type Port = { socket: Socket; far: number };

export class VirtLan {
  readonly #ports: Port[] = [];
  /** Where a machine's frames came from, by its address. */
  readonly #places = new Map<string, Port>();
  #host: ChildProcess | null = null;

  /** A port of this machine's loopback may lead to a machine's. */
  static async start(forward?: Forward): Promise<VirtLan> {
    const lan = new VirtLan();
    const backend = cableBackend(await lan.plug());
    const nets = [`user,id=user${forwarding(forward)}`, `${backend},id=cable`];
    const ports = ["user", "cable"].map((name) => `hubport,hubid=0,id=${name}-port,netdev=${name}`);
    const machine = ["-M", "none", "-nodefaults", "-display", "none"];
    const args = [...machine, ...[...nets, ...ports].flatMap((net) => ["-netdev", net])];
    const [command, all] = tieToParent("qemu-system-riscv32", args);
    lan.#host = spawn(command, all, { stdio: "ignore" });
    return lan;
  }

  /** A free port of the switch: a cable's two ends, the machine's and the switch's. */
  async plug(): Promise<Cable> {
    const [socket, other] = await bound();
    const own = await freePort();
    const port = { socket, far: own };
    this.#ports.push(port);
    socket.on("message", (frame) => this.#pass(port, frame));
    return { own, other };
  }

  #pass(from: Port, frame: Buffer): void {
    const to = frame.toString("hex", 0, MAC_LEN);
    this.#places.set(frame.toString("hex", MAC_LEN, 2 * MAC_LEN), from);
    const place = ((frame[0] ?? 0) & GROUP) === 0 ? this.#places.get(to) : undefined;
    for (const port of place === undefined ? this.#ports : [place]) {
      if (port !== from) port.socket.send(frame, port.far, LOOPBACK);
    }
  }

  stop(): void {
    this.#host?.kill("SIGKILL");
    for (const { socket } of this.#ports) socket.close();
  }
}

function forwarding(forward?: Forward): string {
  if (forward === undefined) return "";
  return `,hostfwd=tcp:${LOOPBACK}:${forward.from}-${forward.host}:${forward.port}`;
}

async function bound(): Promise<[Socket, number]> {
  const socket = createSocket("udp4");
  socket.bind(0, LOOPBACK);
  await once(socket, "listening");
  socket.on("error", () => {}); // a machine that is gone
  return [socket, socket.address().port];
}
