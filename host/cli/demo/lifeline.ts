// SPDX-License-Identifier: Apache-2.0
// Loaded into each Node process of the demo before its own code (`node --import`): when the demo is gone,
// however it went, the channel to it closes and the process ends. Before it: part.ts. After it: `sealed`,
// which knows nothing of this, or a service of the demo.

process.once("disconnect", () => process.exit(0));
process.channel?.unref();
