// SPDX-License-Identifier: Apache-2.0
// Where `sealed up` listens and where STLinks find it: what its options say, else what they said last time, else
// loopback alone. Before it: the command line, the site's folder. After it: up.ts. Invariant: an address that
// STLinks are told is one that they can dial.

import { readFileSync, writeFileSync } from "node:fs";
import * as z from "zod";
import type { Address } from "../../net/transport.ts";
import { AppError, systemCode, systemReason } from "../../service/app-error.ts";
import { parseAddress } from "../../service/fields.ts";

/** As they are kept in the folder. */
const keptSchema = z.strictObject({
  listen: z.array(z.string()).min(1),
  address: z.string(),
  api: z.int().min(1).max(65_535),
});

export type UpOptions = z.output<typeof keptSchema>;

export type GivenOptions = {
  listen: readonly string[] | undefined;
  address: string | undefined;
  api: number | undefined;
};

const USUAL: UpOptions = { listen: ["127.0.0.1:8443"], address: "127.0.0.1:8443", api: 8480 };

/** `known`: the address that STLinks were told last. Throws AppError: Usage, BadFile. */
export function upOptions(given: GivenOptions, file: string, known: string | null): UpOptions {
  checkPort(given.api);
  const kept = readKept(file) ?? firstOptions(given, known);
  const listen = given.listen ?? kept.listen;
  for (const one of listen) checkedAddress("--listen", one);
  const address = given.address ?? addressFor(given, kept, listen);
  checkedAddress("--address", address);
  return { listen: [...listen], address, api: given.api ?? kept.api };
}

/** Of a folder without any: a new site, or one that was restored. */
function firstOptions({ listen }: GivenOptions, known: string | null): UpOptions {
  if (known === null) return USUAL;
  if (listen === undefined && !isLocal(checkedAddress("--address", known))) {
    const message = `STLinks come to ${known}: say where to listen for them, such as --listen 0.0.0.0:8443.`;
    throw new AppError("Usage", message);
  }
  return { ...USUAL, address: known };
}

/** What STLinks are told where --address is not said. */
function addressFor(given: GivenOptions, kept: UpOptions, listen: readonly string[]): string {
  if (given.listen === undefined) return kept.address;
  const [dialled] = listen.filter((one) => !isEverywhere(checkedAddress("--listen", one)));
  if (dialled !== undefined) return dialled;
  if (kept.address !== USUAL.address) return kept.address;
  const message = `--listen ${listen.join(" ")} says where to listen, and no address that can be dialled: add --address HOST:PORT, where STLinks find this Connector.`;
  throw new AppError("Usage", message);
}

function isEverywhere({ host }: Address): boolean {
  return host === "0.0.0.0" || host === "::";
}

function checkedAddress(option: string, text: string): Address {
  const address = parseAddress(text, 1);
  if (address !== null) return address;
  const such = option === "--address" ? "hall.example.org:8443" : "0.0.0.0:8443 or [::]:8443";
  const message = `${option} ${text} is not an address: write host:port, such as ${such}.`;
  throw new AppError("Usage", message);
}

function checkPort(port: number | undefined): void {
  if (port === undefined || keptSchema.shape.api.safeParse(port).success) return;
  throw new AppError("Usage", "--api is a port: a number from 1 to 65535.");
}

/** Where the Connector listens. */
export function listenAddresses({ listen }: UpOptions): Address[] {
  return listen.map((one) => checkedAddress("--listen", one));
}

/** Whether nobody but this machine reaches the Connector. */
export function isLocalAlone(options: UpOptions): boolean {
  return listenAddresses(options).every(isLocal);
}

function isLocal({ host }: Address): boolean {
  return /^(127\.|::1$|localhost$)/.test(host);
}

/** null: nothing was kept. */
function readKept(file: string): UpOptions | null {
  try {
    return keptSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    const message = `${file}, the options of the last start, can't be read: remove it, and say --listen, --address and --api again.`;
    throw new AppError("BadFile", message, { cause: error });
  }
}

/** Throws AppError(NotWritten). */
export function keepOptions(file: string, options: UpOptions): void {
  try {
    writeFileSync(file, `${JSON.stringify(options, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    const message = `${file} can't be written: ${systemReason(error)}.`;
    throw new AppError("NotWritten", message, { cause: error });
  }
}
