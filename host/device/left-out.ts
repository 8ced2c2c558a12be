// SPDX-License-Identifier: Apache-2.0
// What of an STLink's file a device leaves out, named as it is written there: it has its own limits and log,
// and its console is its status. Before it: service/declaration.ts. After it: `sealed device provision` and
// `sealed device new`, which warn.

import { readDeclaration } from "../service/declaration.ts";
import { siteSchema } from "../stlink/site-schema.ts";

const LEFT_OUT = /^(limits|log|status_socket)\b|\.udp_(idle|age|flows)$/;

/** The warning, or null where a device does all that the file says. Throws AppError(BadFile). */
export function leftOutWarning(file: string): string | null {
  const leftOut = readDeclaration(file, siteSchema).fields.filter((name) => LEFT_OUT.test(name));
  if (leftOut.length === 0) return null;
  return `warning: ${file}: a device leaves out ${leftOut.join(", ")}: its limits and its log are its own. See \`sealed device provision --help\`.`;
}
