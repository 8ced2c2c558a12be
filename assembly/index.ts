// SPDX-License-Identifier: Apache-2.0
//
// The module's exports, and nothing else: the boundary (abi.ts), the primitives for vectors and hosts, and the
// Noise patterns for published vectors. Before it: nothing. After it: build/core.wasm, whose generated ABI is
// host/core/abi.gen.ts and firmware/core/abi.gen.h. DESIGN section 6.

export * from "./abi";
export * from "./abi/control";
export * from "./crypto/primitives";
export * from "./seal/noise-test";
