// SPDX-License-Identifier: Apache-2.0
// `sealed keygen`: a new private key in its own file, an id, and the lines to paste into everybody else's
// files. Before it: nothing. After it: site-file.ts and connector-file.ts read what was pasted (rule T1:
// without a Commander an id is chosen here).

import { randomBytes } from "node:crypto";
import { basename, extname } from "node:path";
import type { CommandModule } from "yargs";
import { AppError } from "../service/app-error.ts";
import { ID_LEN, KEY_LEN } from "../service/fields.ts";
import { hex } from "../service/hex.ts";
import { type KeyPair, keyPairOf, writeKeyFile } from "../service/key-file.ts";

type Arguments = { file: string | undefined; connector: boolean; psk: boolean };

export const keygenCommand: CommandModule<object, Arguments> = {
  command: "keygen [file]",
  describe: "Make a private key (or a pre-shared one), and print what to paste where",
  builder: (yargs) =>
    yargs
      .positional("file", { type: "string", describe: "The key's new file, never overwritten" })
      .option("connector", {
        type: "boolean",
        default: false,
        describe: "The key is a Connector's",
      })
      .option("psk", {
        type: "boolean",
        default: false,
        describe: "Print a new pre-shared key instead: post-quantum authentication of a pair",
      })
      .example("$0 keygen office.key", "For the STLink of the office")
      .example("$0 keygen --connector hall.key", "For a Connector")
      .example("$0 keygen --psk", "A pre-shared key, for the files of both"),
  handler({ file, connector, psk }) {
    if (psk) return console.log(`psk = "${randomBytes(KEY_LEN).toString("hex")}"`);
    if (file === undefined) {
      throw new AppError("Usage", "Name the key's file: sealed keygen office.key");
    }
    const keys = keyPairOf(new Uint8Array(randomBytes(KEY_LEN)));
    writeKeyFile(file, keys);
    console.log(connector ? aboutConnector(file, keys) : aboutStlink(file, keys));
  },
};

function aboutStlink(file: string, { publicKey }: KeyPair): string {
  const id = randomBytes(ID_LEN).toString("hex");
  const own = [`id = "${id}"`, `key_file = "${basename(file)}"`];
  const known = [`name = "${nameOf(file)}"`, `id = "${id}"`, `key = "${hex(publicKey)}"`];
  return [
    `${file} holds the private key. It stays on this machine.`,
    `id:         ${id}`,
    `public key: ${hex(publicKey)}`,
    section("This STLink's own file, beside the key, begins with", own),
    section("The file of each of its peers gets", ["[[peers]]", ...known]),
    section("The file of each of its Connectors gets", ["[[stlinks]]", ...known]),
  ].join("\n");
}

function aboutConnector(file: string, { publicKey }: KeyPair): string {
  const name = nameOf(file);
  const known = [`name = "${name}"`, 'address = "HOST:8443"', `key = "${hex(publicKey)}"`];
  const own = [`key_file = "${basename(file)}"`, 'listen = ["0.0.0.0:8443", "[::]:8443"]'];
  return [
    `${file} holds the private key. It stays on this machine.`,
    `public key: ${hex(publicKey)}`,
    section("The Connector's own file, beside the key, begins with", own),
    section("The file of each of its STLinks gets", ["[[connectors]]", ...known]),
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string {
  return `\n${title}\n\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

function nameOf(file: string): string {
  return basename(file, extname(file));
}
