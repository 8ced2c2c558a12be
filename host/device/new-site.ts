// SPDX-License-Identifier: Apache-2.0
// The files of a new device of a site without a Commander: its key, its STLink's file with a Mapping to its
// own camera, and what its Connector's and its viewer's files get. Before it: the answers that `sealed
// device new` collected. After it: site-file.ts reads the file as any other.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { ID_LEN, KEY_LEN } from "../service/fields.ts";
import { makeFolders } from "../service/folders.ts";
import { keyPairOf, writeKeyFile } from "../service/key-file.ts";

export type NewSite = {
  /** Of the device, and of the Mapping to its camera. */
  name: string;
  connector: { address: string; key: string };
  /** The STLink that is to see the camera: hexadecimal as `sealed keygen` prints it. */
  viewer: { name: string; id: string; key: string };
};

/** Where the application listens on the device's loopback: CAMERA_PORT of its sizes.h. */
const CAMERA_PORT = 80;
/** Suggested for the viewer's Binding. */
const BINDING_PORT = 8080;

export type NewSiteFiles = {
  /** The STLink's file. */
  file: string;
  /** What others' files get, as text for a person. */
  forOthers: string;
};

/** Writes both files into a folder. Throws AppError(NotWritten) where there is one already. */
export function writeNewSite(folder: string, site: NewSite): NewSiteFiles {
  const { name } = site;
  const keys = keyPairOf(new Uint8Array(randomBytes(KEY_LEN)));
  const id = randomBytes(ID_LEN).toString("hex");
  const psks = { hop: newPsk(), pair: newPsk() };
  const known = { name, id, key: Buffer.from(keys.publicKey).toString("hex") };
  makeFolder(folder);
  writeKeyFile(join(folder, `${name}.key`), keys);
  const file = join(folder, `${name}.toml`);
  writeNew(file, siteText(id, site, psks));
  const binding = table("[[bindings]]", {
    name,
    mapping: name,
    port: BINDING_PORT,
    peers: [name],
  });
  const forOthers = [
    `The Connector's file gets, and its groups a pair of ${name} and ${site.viewer.name}:`,
    table("[[stlinks]]", { ...known, psk: psks.hop }),
    `The file of ${site.viewer.name} gets:`,
    `${table("[[peers]]", { ...known, psk: psks.pair })}\n${binding}`,
  ].join("\n\n");
  return { file, forOthers };
}

/** Post-quantum authentication of both layers is by these: PROTOCOL 3.3. */
type Psks = { hop: string; pair: string };

function newPsk(): string {
  return randomBytes(KEY_LEN).toString("hex");
}

function siteText(id: string, { name, connector, viewer }: NewSite, psks: Psks): string {
  return [
    `# The device ${name}: read by "sealed device new" and "sealed device provision".`,
    table("", { id, key_file: `${name}.key` }),
    table("[[connectors]]", { name: "connector", ...connector, psk: psks.hop }),
    table("[[peers]]", { ...viewer, psk: psks.pair }),
    table("[[mappings]]", {
      name,
      address: "127.0.0.1",
      port: CAMERA_PORT,
      peers: [viewer.name],
    }),
  ].join("\n");
}

/** TOML takes strings, numbers and lists of strings as JSON writes them. */
function table(title: string, fields: Record<string, unknown>): string {
  const lines = Object.entries(fields).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return `${[...(title === "" ? [] : [title]), ...lines].join("\n")}\n`;
}

function makeFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (error) {
    const message = `The folder ${folder} can't be made: ${systemReason(error)}.`;
    throw new AppError("NotWritten", message, { cause: error });
  }
}

function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    const why =
      systemCode(error) === "EEXIST"
        ? "is there already: name it with --site, or choose another --name."
        : `can't be written: ${systemReason(error)}.`;
    throw new AppError("NotWritten", `${file} ${why}`, { cause: error });
  }
}
