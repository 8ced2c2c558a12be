// SPDX-License-Identifier: Apache-2.0
// What a person types to call this program again: in a clone, and in a folder that has the package, that is
// `npx sealed`. Before it: npm, which says so. After it: what `sealed up` and a new code tell to type.

export const SEALED = process.env["npm_command"] === "exec" ? "npx sealed" : "sealed";
