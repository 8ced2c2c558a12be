// SPDX-License-Identifier: Apache-2.0
// Where the demo plays: its hosts and their addresses, as network namespaces, or all of it on the loopback
// where there can be none, with the reason. Before it: namespaces.ts. After it: play.ts puts files and
// processes there. The "Internet" is 198.51.100.0/24, which is for examples only (RFC 5737), so that no
// network of the user's is hidden by it. No host passes packets on.

import { networkInterfaces } from "node:os";
import { isAlive } from "./folder.ts";
import { type Host, Namespaces } from "./namespaces.ts";
import { firstUsable, LOOPBACK, type Spot } from "./ports.ts";

export type HostName = "own" | "relay" | "site" | "web" | "gateway" | "camera" | "centre";

/** How the user's own network reaches the Connector, and why not in a better way. */
export type Uplink =
  | { kind: "cable"; name: string }
  | { kind: "forwarder"; from: Host; why: string }
  | { kind: "loopback"; why: string };

export type Place = {
  namespaces: Namespaces;
  hosts: Readonly<Record<HostName, Host>>;
  uplink: Uplink;
  connector: Spot;
  /** The web service; its Mapping's target. */
  web: Spot;
  /** The address of the gateway's Binding as its file says it, and where the camera finds it. */
  gatewayListensOn: string;
  gateway: Spot;
  /** Of the command centre, on its own loopback. */
  viewer: { video: Spot; page: Spot };
};

const INTERNET = "198.51.100.";
/**
 * Makes the Internet's switch, and the Connector's end of it. Its MAC address is written: the kernel's own
 * choice would change with each cable, and hosts would lose the Connector for half a minute.
 */
export const SWITCH = [
  "link add internet address 02:00:c6:33:64:01 type bridge",
  `addr add ${INTERNET}1/24 dev internet`,
  "link set internet up",
];
/** The interface in the user's own network: this and the demo's process id. */
const CABLE = "sealed";

/** Namespaces where they can be had and are wanted, else the loopback. */
export async function makePlace(isLoopbackWanted: boolean): Promise<Place> {
  if (isLoopbackWanted) return loopbackPlace("--loopback was given");
  const namespaces = new Namespaces();
  try {
    return await namespacePlace(namespaces);
  } catch (error) {
    await namespaces.close();
    return loopbackPlace(textOf(error));
  }
}

async function namespacePlace(namespaces: Namespaces): Promise<Place> {
  const own: Host = { name: "own", pid: null };
  const relay = await makeInternet(namespaces);
  const add = (name: string) => namespaces.addHost(name);
  const site = await add("site");
  const gateway = await add("gateway");
  const centre = await add("centre");
  for (const [i, host] of [site, gateway, centre].entries()) {
    await plugIn(namespaces, relay, { host, name: "eth1", cidr: `${INTERNET}${i + 2}/24` });
  }
  const web = await add("web");
  const camera = await add("camera");
  const eth0 = (host: Host, cidr: string) => ({ host, name: "eth0", cidr });
  await namespaces.join(eth0(web, "192.168.0.1/24"), eth0(site, "192.168.0.2/24"));
  await namespaces.join(eth0(gateway, "192.168.1.1/24"), eth0(camera, "192.168.1.64/24"));
  return {
    namespaces,
    hosts: { own, relay, site, web, gateway, camera, centre },
    uplink: await joinOwnNetwork(namespaces, relay, own),
    connector: { host: `${INTERNET}1`, port: 8443 },
    web: { host: "192.168.0.1", port: 543 },
    gatewayListensOn: "eth0",
    gateway: { host: "192.168.1.1", port: 5004 },
    viewer: { video: { host: LOOPBACK, port: 5004 }, page: { host: LOOPBACK, port: 80 } },
  };
}

/** The Connector's host is also the switch that stands for the Internet. */
async function makeInternet(namespaces: Namespaces): Promise<Host> {
  const relay = await namespaces.addHost("relay");
  await namespaces.configure(relay, ...SWITCH);
  return relay;
}

/** A cable from a host to the Internet. */
export async function plugIn(
  namespaces: Namespaces,
  relay: Host,
  plug: { host: Host; name: string; cidr: string },
): Promise<void> {
  const port = `to-${plug.host.name}`;
  await namespaces.join({ host: relay, name: port }, plug);
  await namespaces.configure(relay, `link set ${port} master internet`);
}

/** Where no cable is allowed, a host of its own has the address, and a forwarder passes bytes to it. */
async function joinOwnNetwork(namespaces: Namespaces, relay: Host, own: Host): Promise<Uplink> {
  const cidr = `${INTERNET}9/24`;
  try {
    if (!namespaces.isRoot) throw new Error("an interface in your own network needs root");
    await removeOldCables(namespaces, own);
    if (isInternetHere()) throw new Error(`${INTERNET}0/24 is in use on this machine`);
    const name = `${CABLE}${process.pid}`;
    await plugIn(namespaces, relay, { host: own, name, cidr });
    return { kind: "cable", name };
  } catch (error) {
    const from = await namespaces.addHost("forwarder");
    await plugIn(namespaces, relay, { host: from, name: "eth1", cidr });
    return { kind: "forwarder", from, why: textOf(error) };
  }
}

/** A demo that was killed leaves its cable for some seconds: until its last connection has given up. */
async function removeOldCables(namespaces: Namespaces, own: Host): Promise<void> {
  const old = Object.keys(networkInterfaces()).filter((name) => {
    const pid = /^sealed(\d+)$/.exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
  if (old.length > 0) await namespaces.configure(own, ...old.map((name) => `link del ${name}`));
}

function isInternetHere(): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((list = []) => list);
  return addresses.some(({ address }) => address.startsWith(INTERNET));
}

/** Takes the place down, once nothing runs in it any more. */
export async function closePlace({ namespaces, hosts, uplink }: Place): Promise<void> {
  if (uplink.kind === "cable") {
    // Somebody else may have taken it away: it is gone then.
    await namespaces.configure(hosts.own, `link del ${uplink.name}`).catch(() => {});
  }
  await namespaces.close();
}

async function loopbackPlace(why: string): Promise<Place> {
  const host = (name: string): Host => ({ name, pid: null });
  const anyPort = async () => ({ host: LOOPBACK, port: (await firstUsable([0])).port });
  return {
    namespaces: new Namespaces(),
    hosts: {
      own: host("own"),
      relay: host("relay"),
      site: host("site"),
      web: host("web"),
      gateway: host("gateway"),
      camera: host("camera"),
      centre: host("centre"),
    },
    uplink: { kind: "loopback", why },
    connector: await anyPort(),
    web: { host: LOOPBACK, port: (await firstUsable([543, 0])).port },
    gatewayListensOn: LOOPBACK,
    gateway: await anyPort(),
    viewer: { video: await anyPort(), page: await anyPort() },
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
