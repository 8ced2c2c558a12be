// SPDX-License-Identifier: Apache-2.0
// chisel, rathole and frp as systems to be measured, each with its own encryption on and as near to our topology as it
// gets: client's side, relay, server's side. Before it: bench-peers.ts. After it: programs.ts. Configurations are made
// anew for each run; keys and tokens in them are worth nothing afterwards.

import { randomBytes } from "node:crypto";
import { makeIdentity } from "./identities.ts";
import { freePorts, type Source, startPrograms, writeFiles } from "./programs.ts";
import type { RunningSystem, System } from "./system.ts";

const HOST = "127.0.0.1";

export type Peer = {
  name: string;
  sources: readonly Source[];
  /** The system, with the paths of its programs in the order of `sources`. */
  system(paths: readonly string[]): System;
};

export const PEERS: readonly Peer[] = [
  {
    name: "chisel",
    sources: [{ program: "chisel", tool: "go", name: "github.com/jpillora/chisel@latest" }],
    system: ([chisel = ""]) => ({
      name: "chisel",
      encrypts:
        "SSH over WebSocket on each of two hops (AES-GCM or ChaCha20-Poly1305, X25519 or newer): the relay " +
        "opens it and sees every byte. Each byte is sealed twice and opened twice",
      start: (targetPort) => startChisel(chisel, targetPort),
    }),
  },
  {
    name: "rathole",
    sources: [{ program: "rathole", tool: "cargo", name: "rathole" }],
    system: ([rathole = ""]) => ({
      name: "rathole",
      encrypts:
        "Noise_NK_25519_ChaChaPoly_BLAKE2s between relay and server's side. It has no client's side: there the " +
        "bytes are in the open, and the relay sees every byte. Each byte is sealed once and opened once",
      start: (targetPort) => startRathole(rathole, targetPort),
    }),
  },
  {
    name: "frp",
    sources: ["frps", "frpc"].map((program) => ({
      program,
      tool: "go",
      name: `github.com/fatedier/frp/cmd/${program}@latest`,
    })),
    system: ([frps = "", frpc = ""]) => ({
      name: "frp",
      encrypts:
        "TLS 1.3 on each of two hops, and inside it AES-128-CFB without authentication under a token that the " +
        "relay has too (useEncryption, stcp). Each byte is encrypted up to four times and decrypted as often",
      start: (targetPort) => startFrp(frps, frpc, targetPort),
    }),
  },
];

async function startChisel(chisel: string, targetPort: number): Promise<RunningSystem> {
  const [port = 0, relayPort = 0, middle = 0] = await freePorts(3);
  const relay = `http://${HOST}:${relayPort}`;
  const client = ["client", "--max-retry-interval", "200ms", relay];
  return startPrograms(port, [
    {
      role: "client side",
      path: chisel,
      args: [...client, `${HOST}:${port}:${HOST}:${middle}`],
    },
    {
      role: "relay",
      path: chisel,
      args: ["server", "--host", HOST, "--port", `${relayPort}`, "--reverse"],
    },
    {
      role: "server side",
      path: chisel,
      args: [...client, `R:${HOST}:${middle}:${HOST}:${targetPort}`],
    },
  ]);
}

async function startRathole(rathole: string, targetPort: number): Promise<RunningSystem> {
  const [port = 0, relayPort = 0] = await freePorts(2);
  const { privateKey, publicKey } = makeIdentity();
  const token = randomBytes(16).toString("hex");
  const noise = (side: string, name: string, key: Uint8Array) =>
    `[${side}.transport]\ntype = "noise"\n[${side}.transport.noise]\n` +
    `${name} = "${Buffer.from(key).toString("base64")}"\n`;
  const files = writeFiles({
    "relay.toml":
      `[server]\nbind_addr = "${HOST}:${relayPort}"\ndefault_token = "${token}"\n` +
      noise("server", "local_private_key", privateKey) +
      `[server.services.bench]\nbind_addr = "${HOST}:${port}"\n`,
    "server-side.toml":
      `[client]\nremote_addr = "${HOST}:${relayPort}"\ndefault_token = "${token}"\n` +
      noise("client", "remote_public_key", publicKey) +
      `[client.services.bench]\nlocal_addr = "${HOST}:${targetPort}"\n`,
  });
  const system = startPrograms(port, [
    { role: "relay", path: rathole, args: ["--server", files.path("relay.toml")] },
    { role: "server side", path: rathole, args: ["--client", files.path("server-side.toml")] },
  ]);
  return removing(system, files.remove);
}

async function startFrp(frps: string, frpc: string, targetPort: number): Promise<RunningSystem> {
  const [port = 0, relayPort = 0] = await freePorts(2);
  const token = randomBytes(16).toString("hex");
  const log = '[log]\nlevel = "error"\n';
  const auth = `[auth]\nmethod = "token"\ntoken = "${token}"\n`;
  const client =
    `serverAddr = "${HOST}"\nserverPort = ${relayPort}\nloginFailExit = false\n` +
    `[transport.tls]\nenable = true\n${auth}${log}`;
  const route = `type = "stcp"\nsecretKey = "${token}"\ntransport.useEncryption = true\n`;
  const files = writeFiles({
    "relay.toml": `bindAddr = "${HOST}"\nbindPort = ${relayPort}\n[transport.tls]\nforce = true\n${auth}${log}`,
    "server-side.toml": `${client}[[proxies]]\nname = "bench"\n${route}localIP = "${HOST}"\nlocalPort = ${targetPort}\n`,
    "client-side.toml":
      `${client}[[visitors]]\nname = "visitor"\nserverName = "bench"\n${route}` +
      `bindAddr = "${HOST}"\nbindPort = ${port}\n`,
  });
  const system = startPrograms(port, [
    { role: "client side", path: frpc, args: ["-c", files.path("client-side.toml")] },
    { role: "relay", path: frps, args: ["-c", files.path("relay.toml")] },
    { role: "server side", path: frpc, args: ["-c", files.path("server-side.toml")] },
  ]);
  return removing(system, files.remove);
}

function removing(system: RunningSystem, remove: () => void): RunningSystem {
  return {
    ...system,
    async stop() {
      await system.stop();
      remove();
    },
  };
}
