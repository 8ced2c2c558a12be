// SPDX-License-Identifier: Apache-2.0
// What the npm package gives to TypeScript hosts: the typed core, its file under V8 or an engine of the
// host's own, statuses and reasons, and the primitives. Before it: nothing; this is the package's entry.
// After it: core.ts. The host itself imports the files beside it.

export { Reason, Status } from "./abi.gen.ts";
export * from "./core.ts";
export { openCore } from "./core-file.ts";
export { CoreCallError, type CoreEngine, CoreTrap } from "./engine.ts";
export { openV8 } from "./engine-v8.ts";
export { type CoreMemory, type MlKemKeys, type MlKemSecret, Primitives } from "./primitives.ts";
