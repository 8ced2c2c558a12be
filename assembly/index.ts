// SPDX-License-Identifier: Apache-2.0
//
// The module's exports, and nothing else: the boundary (abi/), the primitives for vectors and hosts, and the
// Noise patterns for published vectors. Before it: nothing. After it: build/core.wasm, whose generated ABI is
// host/core/abi.gen.ts and firmware/core/abi.gen.h. DESIGN section 6.

export * from "./abi/instance";

// Functions stand in the module in this order: those called from everywhere come with the instance.

export * from "./abi/bytes";
export * from "./abi/connector";
export * from "./abi/control";
export * from "./abi/hop";
export * from "./abi/link";
export * from "./abi/stream";
export * from "./crypto/primitives";
export * from "./seal/noise-test";
