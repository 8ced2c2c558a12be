// SPDX-License-Identifier: Apache-2.0
// An activation code as it is shown, once: its text, its QR code where the terminal has room for it, and what
// to do with it. Before it: `sealed code add`, `sealed stlink code` and `replace`, `sealed up`. After it: a
// person, who carries it to the machine that is to become an STLink. PROTOCOL 10.2.

import { encode, renderUnicodeCompact } from "uqr";
import type { Argv } from "yargs";
import type { Schemas } from "../../commander/client/client.ts";
import { SEALED } from "../called-as.ts";
import { plainText, timeText } from "./output.ts";

/** As the API answers, once. */
export type MadeCode = Schemas["NewCode"];

/** `columns`: of the terminal; null: no QR code. */
export function codeSheet(code: MadeCode, columns: number | null): string {
  return [
    ...(columns === null ? [] : [qrText(code.qr, columns), ""]),
    code.text,
    "",
    aboutCode(code),
    "It is shown this once. On a desktop or a gateway, paste it, then Enter and Ctrl-D, into",
    `  ${SEALED} stlink activate - --state DIR`,
    `and then: ${SEALED} stlink run --state DIR. On a device's console (${SEALED} device monitor):`,
    "  activate CODE",
  ].join("\n");
}

function aboutCode({ id, expiresAt, rules: { uses, sources, approval } }: MadeCode): string {
  const times = uses === 1 ? "once" : `${uses} times`;
  const from = sources.length === 0 ? "" : `, from ${sources.map(plainText).join(", ")}`;
  const waits = approval ? "; who uses it waits for `sealed stlink approve`" : "";
  return `Code ${id}: good ${times}, until ${timeText(expiresAt)}${from}${waits}.`;
}

/** Two modules of a code are one character high; white on black, whatever the terminal's colours are. */
export function qrText(text: string, columns: number): string {
  const { size } = encode(text, { border: QUIET_MODULES });
  if (size > columns) {
    return `(The QR code needs a terminal of ${size} columns, and this one has ${columns}.)`;
  }
  const lines = renderUnicodeCompact(text, { border: QUIET_MODULES }).split("\n");
  return lines.map((line) => `${WHITE_ON_BLACK}${line}${PLAIN}`).join("\n");
}

/** The option that shows it, or does not. */
export function qrOption<Arguments>(yargs: Argv<Arguments>) {
  return yargs.option("qr", {
    type: "boolean",
    default: process.stdout.isTTY === true,
    describe: "Show its QR code too; on a terminal it is shown anyway (--no-qr)",
  });
}

/** For a QR code that is wanted; null: it is not. */
export function columnsFor(isWanted: boolean): number | null {
  return isWanted ? process.stdout.columns || LEAST_COLUMNS : null;
}

const QUIET_MODULES = 2;
const LEAST_COLUMNS = 80;
const WHITE_ON_BLACK = "\x1b[97;40m";
const PLAIN = "\x1b[0m";
