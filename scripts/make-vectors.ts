// SPDX-License-Identifier: Apache-2.0
// Makes the project's own vectors from the reference peer, never from the core: the two hybrid
// handshakes (test/vectors/noise-hfs.json, PROTOCOL.md section 3) and the control formats
// (test/vectors/control.json, section 10). `--check` compares with the files and changes nothing.
// Invariant: the output follows from this file and test/reference alone.

import { readFileSync, writeFileSync } from "node:fs";
import { blake2s } from "@noble/hashes/blake2.js";
import {
  deriveFromSecret,
  encodeCode,
  provisionalId,
  toBase32,
} from "../test/reference/activation.ts";
import { seal } from "../test/reference/aead.ts";
import { concat, fromHex, toHex, utf8 } from "../test/reference/bytes.ts";
import {
  type Configuration,
  configurationHash,
  encodeConfiguration,
} from "../test/reference/configuration.ts";
import { newConnectionHandshake } from "../test/reference/connection.ts";
import { encodeControl } from "../test/reference/control.ts";
import { label } from "../test/reference/hop.ts";
import {
  drawEphemerals,
  type Ephemerals,
  HandshakeState,
  protocolName,
  publicKey,
} from "../test/reference/noise.ts";
import { seededRandom } from "../test/reference/random.ts";

const FOLDER = new URL("../test/vectors/", import.meta.url);
const NOTE = {
  origin: "SealedTunnel's reference peer (test/reference), made by scripts/make-vectors.ts",
  licence: "Apache-2.0",
};
const NO_AD = new Uint8Array(0);

type Json = Record<string, unknown>;

interface Sides {
  initiator: HandshakeState;
  responder: HandshakeState;
}

/** Three hops and links with keys, PSKs and prologues of each kind. */
function hopAndLinkVectors(): Json[] {
  const random = seededRandom("noise-hfs XKhfs+psk3");
  const zeros = new Uint8Array(32);
  const link = (name: Uint8Array) => concat(label("sealed/1 link"), random(16), random(16), name);
  return [
    xkVector("hop, no PSK", label("sealed/1 hop"), zeros),
    xkVector("hop, PSK", label("sealed/1 hop"), random(32)),
    xkVector("link, no PSK", link(new Uint8Array(8)), zeros),
    xkVector("link, PSK", link(random(8)), random(32)),
    xkVector("empty prologue", NO_AD, random(32)),
  ];
}

function xkVector(title: string, prologue: Uint8Array, psk: Uint8Array): Json {
  const random = seededRandom(`noise-hfs ${title}`);
  const secrets = { initiator: random(32), responder: random(32) };
  const ephemerals = { initiator: drawEphemerals(random), responder: drawEphemerals(random) };
  const shared = { pattern: "XKhfs+psk3", prologue, pskFor: () => psk } as const;
  const initiator = new HandshakeState({
    ...shared,
    initiator: true,
    staticSecret: secrets.initiator,
    remoteStatic: publicKey(secrets.responder),
    ephemerals: ephemerals.initiator,
  });
  const responder = new HandshakeState({
    ...shared,
    initiator: false,
    staticSecret: secrets.responder,
    ephemerals: ephemerals.responder,
  });
  return {
    title,
    protocol: protocolName("XKhfs+psk3"),
    prologue: toHex(prologue),
    psk: toHex(psk),
    initiatorStatic: toHex(secrets.initiator),
    responderStatic: toHex(secrets.responder),
    responderStaticPublic: toHex(publicKey(secrets.responder)),
    ...ephemeralFields(ephemerals.initiator, ephemerals.responder),
    ...runHandshake({ initiator, responder }, 3),
  };
}

function connectionVectors(): Json[] {
  const random = seededRandom("noise-hfs NNhfs");
  return [1, 2, 3, 1].map((kind, i) => {
    const context = {
      handshakeHash: random(32),
      openerLinkId: random(8),
      accepterLinkId: random(8),
      stream: [0, 1, 2, 0xfffffffe][i] as number,
      bindingId: kind === 3 ? new Uint8Array(16) : random(16),
      mappingId: kind === 3 ? new Uint8Array(16) : random(16),
      kind,
    };
    return nnVector(`connection, kind ${kind}, stream ${context.stream}`, context);
  });
}

function nnVector(title: string, context: Parameters<typeof newConnectionHandshake>[1]): Json {
  const random = seededRandom(`noise-hfs ${title}`);
  const ephemerals = { initiator: drawEphemerals(random), responder: drawEphemerals(random) };
  const sides = {
    initiator: newConnectionHandshake(true, context, ephemerals.initiator),
    responder: newConnectionHandshake(false, context, ephemerals.responder),
  };
  const { kind, stream, ...ids } = context;
  const hexIds = Object.entries(ids).map(([name, bytes]) => [name, toHex(bytes)]);
  return {
    title,
    protocol: protocolName("NNhfs"),
    context: { ...Object.fromEntries(hexIds), stream, kind },
    ...ephemeralFields(ephemerals.initiator, ephemerals.responder),
    ...runHandshake(sides, 2),
  };
}

function ephemeralFields(initiator: Ephemerals, responder: Ephemerals): Json {
  return {
    initiatorEphemeral: toHex(initiator.e),
    initiatorKemSeed: toHex(initiator.kemSeed),
    responderEphemeral: toHex(responder.e),
    responderKemRandomness: toHex(responder.m),
  };
}

function runHandshake({ initiator, responder }: Sides, count: number): Json {
  const messages: string[] = [];
  for (let i = 0; i < count; i++) {
    const [from, to] = i % 2 === 0 ? [initiator, responder] : [responder, initiator];
    const message = from.writeMessage();
    to.readMessage(message);
    messages.push(toHex(message));
  }
  const { toResponder, toInitiator, handshakeHash } = initiator.split();
  const [up, down] = [utf8("from the initiator"), utf8("from the responder")];
  return {
    messages,
    handshakeHash: toHex(handshakeHash),
    keyToResponder: toHex(toResponder),
    keyToInitiator: toHex(toInitiator),
    transport: [
      { plaintext: toHex(up), sealed: toHex(seal(toResponder, 0, NO_AD, up)) },
      { plaintext: toHex(down), sealed: toHex(seal(toInitiator, 0, NO_AD, down)) },
    ],
  };
}

function controlVectors(): Json {
  const random = seededRandom("control");
  const key = () => publicKey(random(32));
  const code = {
    connectorKey: key(),
    commanderId: random(16),
    commanderKey: key(),
    recoveryHash: blake2s(key()),
    secret: random(16),
    addresses: ["connector.example:443", "[fd00::1]:8443"],
  };
  const bytes = encodeCode(code);
  const derived = deriveFromSecret(code.secret);
  const configuration = encodeConfiguration(exampleConfiguration(random, key));
  const hash = configurationHash(configuration);
  return {
    ...NOTE,
    activation: {
      ...hexed(code),
      bytes: toHex(bytes),
      text: toBase32(bytes),
      derived: { ...hexed(derived), provisionalId: toHex(provisionalId(derived.codeId)) },
    },
    configuration: { epoch: 3, serial: "42", bytes: toHex(configuration), hash: toHex(hash) },
    messages: {
      state: toHex(encodeControl({ type: "STATE", epoch: 3, serial: 42n, hash })),
      activate: toHex(
        encodeControl({ type: "ACTIVATE", secret: code.secret, platform: utf8("posix") }),
      ),
      current: toHex(encodeControl({ type: "CURRENT", epoch: 3, serial: 42n })),
      config: toHex(encodeControl({ type: "CONFIG", configuration })),
      refused: toHex(encodeControl({ type: "REFUSED", reason: 64 })),
    },
  };
}

/** 192.168.0.0/24 and fd00::/8, 20 connections, 1 MiB in a second. */
const EXAMPLE_OPTIONS = [
  { type: 1, value: fromHex("0418c0a80000") },
  { type: 1, value: fromHex(`0608fd${"00".repeat(15)}`) },
  { type: 2, value: fromHex("1400") },
  { type: 3, value: fromHex("00001000") },
];

function exampleConfiguration(
  random: (length: number) => Uint8Array,
  key: () => Uint8Array,
): Configuration {
  const none = (length: number) => new Uint8Array(length);
  const peer = (nextKey: Uint8Array, pskName: Uint8Array, psk: Uint8Array) => ({
    id: random(16),
    key: key(),
    nextKey,
    keyEpoch: 1,
    pskName,
    psk,
  });
  const peers = [peer(none(32), random(8), random(32)), peer(key(), none(8), none(32))];
  const shared = { protocol: 1, holdSeconds: 120, peers: peers.map(({ id }) => id) };
  const mapping = { ...shared, id: random(16), kind: 1, flags: 0, port: 80, address: "127.0.0.1" };
  const binding = { ...shared, id: random(16), kind: 2, flags: 1, port: 443, address: "127.0.0.1" };
  return {
    epoch: 3,
    serial: 42n,
    id: random(16),
    leaseSeconds: 604_800,
    commanderKey: key(),
    recoveryKey: key(),
    commanderId: random(16),
    connectors: [{ key: key(), psk: random(32), address: "connector.example:443" }],
    peers,
    routes: [
      { ...mapping, mappingId: none(16) },
      { ...binding, mappingId: random(16), options: EXAMPLE_OPTIONS },
    ],
  };
}

function hexed(fields: object): Json {
  const hex = (value: unknown) => (value instanceof Uint8Array ? toHex(value) : value);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, hex(value)]));
}

/** Writes `name`, or with --check says whether it is as it should be. */
function emit(name: string, content: Json): boolean {
  const text = `${JSON.stringify(content, null, 2)}\n`;
  const file = new URL(name, FOLDER);
  if (!process.argv.includes("--check")) {
    writeFileSync(file, text);
    return true;
  }
  const fresh = readFileSync(file, "utf8") === text;
  console.log(`${fresh ? "fresh" : "stale"} test/vectors/${name}`);
  return fresh;
}

const vectors = [...hopAndLinkVectors(), ...connectionVectors()];
const results = [
  emit("noise-hfs.json", { ...NOTE, vectors }),
  emit("control.json", controlVectors()),
];
if (results.includes(false)) process.exitCode = 1;
