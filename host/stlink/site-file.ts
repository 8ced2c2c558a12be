// SPDX-License-Identifier: Apache-2.0
// An STLink's file: read, checked as a whole (names, ids, keys and addresses that fit together), its key
// read, and made a Site. Before it: site-schema.ts has looked at each field. After it: stlink.ts, or
// `sealed stlink check`. Every complaint is collected before one is thrown.

import { dirname, resolve } from "node:path";
import { type Complaints, readDeclaration } from "../service/declaration.ts";
import { checkUnique, refusePublicPsk } from "../service/file-rules.ts";
import { hex } from "../service/hex.ts";
import { readKeyFile } from "../service/key-file.ts";
import { mappingRefusal } from "./addresses.ts";
import { routeId } from "./route-id.ts";
import type { BindingAccess, RouteTimes, Site, SiteBinding, SiteMapping } from "./site.ts";
import { type SiteFields, siteSchema } from "./site-schema.ts";

/** Reads an STLink's file and its key file. Throws AppError: BadFile, BadKeyFile. */
export function readSite(file: string): Site {
  const { value, complaints } = readDeclaration(file, siteSchema);
  checkNames(value, complaints);
  checkPeers(value, complaints);
  checkRoutes(value, complaints);
  refusePublicPsk(file, [...value.connectors, ...value.peers], complaints);
  complaints.throwIfAny();
  const folder = dirname(resolve(file));
  const keys = readKeyFile(resolve(folder, value.key_file));
  checkOwnKey(value, keys.publicKey, complaints);
  complaints.throwIfAny();
  return { file, ...keys, ...toSite(value, folder) };
}

function checkNames(fields: SiteFields, complaints: Complaints): void {
  for (const kind of ["connectors", "peers", "mappings", "bindings"] as const) {
    const entries: readonly { name: string }[] = fields[kind];
    checkUnique(complaints, entries, [kind], "name", (one) => one.name);
  }
}

function checkPeers({ id, peers, connectors }: SiteFields, complaints: Complaints): void {
  checkUnique(complaints, peers, ["peers"], "id", (one) => hex(one.id));
  checkUnique(complaints, peers, ["peers"], "key", (one) => hex(one.key));
  checkUnique(complaints, connectors, ["connectors"], "key", (one) => hex(one.key));
  for (const [i, peer] of peers.entries()) {
    if (hex(peer.id) !== hex(id)) continue;
    complaints.add(["peers", i, "id"], "is this STLink's own id: write the peer's.");
  }
}

function checkOwnKey({ peers }: SiteFields, publicKey: Uint8Array, complaints: Complaints): void {
  for (const [i, { key }] of peers.entries()) {
    if (hex(key) !== hex(publicKey)) continue;
    complaints.add(["peers", i, "key"], "is this STLink's own public key: write the peer's.");
  }
}

function checkRoutes(fields: SiteFields, complaints: Complaints): void {
  const { mappings, bindings } = fields;
  checkUnique(complaints, mappings, ["mappings"], "id", (one) => hex(idOf("mapping", one)));
  checkUnique(complaints, bindings, ["bindings"], "id", (one) => hex(idOf("binding", one)));
  checkUnique(complaints, bindings, ["bindings"], "port", placeOf);
  const known = new Set(fields.peers.map(({ name }) => name));
  for (const kind of ["mappings", "bindings"] as const) {
    for (const [i, { peers }] of fields[kind].entries()) {
      checkPeerNames(peers, known, [kind, i, "peers"], complaints);
    }
  }
  for (const [i, { address }] of mappings.entries()) {
    const refusal = mappingRefusal(address);
    if (refusal !== null) complaints.add(["mappings", i, "address"], refusal);
  }
}

/** Two Bindings at one place; a free port is nobody's place. */
function placeOf({ protocol, address, port }: SiteFields["bindings"][number]): string | null {
  return port === 0 ? null : `${port} of ${address} (${protocol})`;
}

function checkPeerNames(
  names: readonly string[],
  known: ReadonlySet<string>,
  path: PropertyKey[],
  complaints: Complaints,
): void {
  for (const [i, name] of names.entries()) {
    if (!known.has(name)) {
      complaints.add([...path, i], `names "${name}", whom [[peers]] does not have: add it there.`);
    } else if (names.indexOf(name) < i) {
      complaints.add([...path, i], `names "${name}" a second time: once is enough.`);
    }
  }
}

function toSite(
  fields: SiteFields,
  folder: string,
): Omit<Site, "file" | "privateKey" | "publicKey"> {
  const { id, connectors, peers, mappings, bindings, limits, log, status_socket } = fields;
  return {
    id,
    connectors: connectors.map((one) => ({ ...one, psk: one.psk ?? null })),
    peers: peers.map(({ next_key, psk, ...rest }) => ({
      ...rest,
      nextKey: next_key ?? null,
      psk: psk ?? null,
    })),
    mappings: mappings.map(toMapping),
    bindings: bindings.map(toBinding),
    limits: { streams: limits.streams, memoryBytes: limits.memory },
    log: { level: log.level, file: log.file === undefined ? null : resolve(folder, log.file) },
    statusSocket: status_socket === undefined ? null : resolve(folder, status_socket),
  };
}

function toMapping(fields: SiteFields["mappings"][number]): SiteMapping {
  const { name, protocol, address, port, peers } = fields;
  const id = idOf("mapping", fields);
  return { name, id, protocol, host: address, port, peers, times: timesOf(fields) };
}

function toBinding(fields: SiteFields["bindings"][number]): SiteBinding {
  const { name, mapping, protocol, address, port, peers } = fields;
  return {
    name,
    id: idOf("binding", fields),
    mappingId: typeof mapping === "string" ? routeId("mapping", mapping) : mapping,
    protocol,
    listenOn: address,
    port,
    peers,
    times: timesOf(fields),
    access: accessOf(fields),
  };
}

function accessOf({ access }: SiteFields["bindings"][number]): BindingAccess {
  const { sources, connections = null, rate = null } = access;
  return { sources, connections, bytesPerSecond: rate };
}

type TimeFields = Pick<
  SiteFields["bindings"][number],
  "hold" | "udp_idle" | "udp_age" | "udp_flows"
>;

function timesOf({ hold, udp_idle, udp_age, udp_flows }: TimeFields): RouteTimes {
  return { holdMs: hold, idleMs: udp_idle, ageMs: udp_age, flows: udp_flows };
}

type NamedRoute = { name: string; id?: Uint8Array | undefined };

function idOf(kind: "mapping" | "binding", { name, id }: NamedRoute): Uint8Array {
  return id ?? routeId(kind, name);
}
