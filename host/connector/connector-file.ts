// SPDX-License-Identifier: Apache-2.0
// A Connector's file: read, checked as a whole (names, ids, keys, groups inside one tenant), its key read,
// and made ConnectorSettings. Before it: settings-schema.ts has looked at each field. After it: service.ts,
// or `sealed connector check`. Every complaint is collected before one is thrown.

import { dirname, parse, resolve } from "node:path";
import { type Complaints, readDeclaration } from "../service/declaration.ts";
import { formatAddress } from "../service/fields.ts";
import { checkUnique, refusePublicPsk } from "../service/file-rules.ts";
import { hex } from "../service/hex.ts";
import { readKeyFile } from "../service/key-file.ts";
import type { ConnectorLimits, ConnectorSettings, Rate } from "./settings.ts";
import { DEFAULT_TENANT, type SettingsFields, settingsSchema } from "./settings-schema.ts";

/** Reads a Connector's file and its key file. Throws AppError: BadFile, BadKeyFile. */
export function readConnectorFile(file: string): ConnectorSettings {
  const { value, complaints } = readDeclaration(file, settingsSchema);
  checkStlinks(value, complaints);
  checkCommander(value, complaints);
  checkTenants(value, complaints);
  checkGroups(value, complaints);
  checkUnique(complaints, value.listen, ["listen"], null, placeOf);
  const commanders = value.commander === undefined ? [] : [value.commander];
  refusePublicPsk(file, [...value.stlinks, ...commanders], complaints);
  complaints.throwIfAny();
  const folder = dirname(resolve(file));
  const keys = readKeyFile(resolve(folder, value.key_file));
  return { file, ...keys, ...toSettings(value, file) };
}

function checkStlinks({ stlinks }: SettingsFields, complaints: Complaints): void {
  checkUnique(complaints, stlinks, ["stlinks"], "name", (one) => one.name);
  // An id means something inside its tenant alone (rule T4); a key decides whose hop it is (rule T2).
  checkUnique(complaints, stlinks, ["stlinks"], "id", (one) => `${one.tenant}/${hex(one.id)}`);
  checkUnique(complaints, stlinks, ["stlinks"], "key", (one) => hex(one.key));
  checkNextKeys(stlinks, complaints);
}

/** A key that an STLink is about to change to is nobody else's, and not the one that it has. */
function checkNextKeys(stlinks: SettingsFields["stlinks"], complaints: Complaints): void {
  const owners = new Map(stlinks.map(({ key, name }) => [hex(key), name]));
  for (const [i, { next_key, name }] of stlinks.entries()) {
    if (next_key === undefined) continue;
    const owner = owners.get(hex(next_key));
    if (owner === undefined) owners.set(hex(next_key), name);
    else
      complaints.add(["stlinks", i, "next_key"], `is a key of "${owner}" already: copy it again.`);
  }
}

/** In a Commander's tenant nobody else decides. */
function checkCommander({ stlinks, commander }: SettingsFields, complaints: Complaints): void {
  if (commander === undefined) {
    if (stlinks.length > 0) return;
    const what = "is empty, and there is no [commander]: nobody could connect. Add one of them.";
    return complaints.add(["stlinks"], what);
  }
  for (const [i, { name, tenant, key, next_key }] of stlinks.entries()) {
    if (tenant === commander.tenant) {
      const what = `is "${tenant}", in which the Commander decides: admit ${name} there, or give another.`;
      complaints.add(["stlinks", i, "tenant"], what);
    }
    const keys = [key, ...(next_key === undefined ? [] : [next_key])].map(hex);
    if (!keys.includes(hex(commander.key))) continue;
    complaints.add(["commander", "key"], `is a key of "${name}" already: copy it again.`);
  }
}

function checkTenants({ stlinks, tenants }: SettingsFields, complaints: Complaints): void {
  checkUnique(complaints, tenants, ["tenants"], "name", (one) => one.name);
  const known = new Set([DEFAULT_TENANT, ...tenants.map(({ name }) => name)]);
  for (const [i, { tenant }] of stlinks.entries()) {
    if (known.has(tenant)) continue;
    const what = `is "${tenant}", which [[tenants]] does not have: add it there.`;
    complaints.add(["stlinks", i, "tenant"], what);
  }
}

function checkGroups({ groups, stlinks }: SettingsFields, complaints: Complaints): void {
  const tenantOf = new Map(stlinks.map(({ name, tenant }) => [name, tenant]));
  for (const [i, group] of groups.entries()) {
    const unknown = group.filter((name) => !tenantOf.has(name));
    for (const name of unknown) {
      const what = `names "${name}", whom [[stlinks]] does not have: add it there.`;
      complaints.add(["groups", i, group.indexOf(name)], what);
    }
    const tenants = new Set(group.map((name) => tenantOf.get(name)));
    if (unknown.length > 0 || tenants.size === 1) continue;
    const what = `holds STLinks of several tenants (${[...tenants].join(", ")}), who never talk: split it.`;
    complaints.add(["groups", i], what);
  }
}

function placeOf(address: SettingsFields["listen"][number]): string | null {
  return address.port === 0 ? null : formatAddress(address);
}

type Rest = Omit<ConnectorSettings, "file" | "privateKey" | "publicKey">;

function toSettings(fields: SettingsFields, file: string): Rest {
  const { listen, stlinks, tenants, groups, commander, limits, log, status_socket } = fields;
  const { dir: folder, name } = parse(resolve(file));
  return {
    listen,
    stlinks: stlinks.map(({ next_key, psk, ...rest }) => ({
      ...rest,
      nextKey: next_key ?? null,
      psk: psk ?? null,
    })),
    tenants: tenants.map((one) => ({ name: one.name, rate: rateOf(one) })),
    groups,
    commander: commander === undefined ? null : { ...commander, psk: commander.psk ?? null },
    stateFolder: resolve(folder, fields.state_folder ?? `${name}.state`),
    limits: toLimits(limits),
    log: { level: log.level, file: log.file === undefined ? null : resolve(folder, log.file) },
    statusSocket: status_socket === undefined ? null : resolve(folder, status_socket),
  };
}

function toLimits(limits: SettingsFields["limits"]): ConnectorLimits {
  return {
    hops: limits.hops,
    halfOpen: limits.half_open,
    halfOpenPerSource: limits.half_open_per_source,
    queueBytes: limits.queue,
    rate: rateOf(limits),
  };
}

/** Of a Connector whose file says nothing of them. */
export function usualLimits(): ConnectorLimits {
  return toLimits(settingsSchema.shape.limits.parse(undefined));
}

function rateOf(fields: { bytes_per_second: number; packets_per_second: number }): Rate {
  return { bytesPerSecond: fields.bytes_per_second, packetsPerSecond: fields.packets_per_second };
}
