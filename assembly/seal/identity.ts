// SPDX-License-Identifier: Apache-2.0
//
// The static key of this instance and its id. Before it: the host puts them with `identity_set`; after it: every
// XK handshake and the generator. Private keys never leave it. PROTOCOL sections 1, 3.

/** Static private key, 32 bytes. */
export const IDENTITY: usize = memory.data(32, 8);
/** Static public key, 32 bytes, computed from the private one. */
export const IDENTITY_PUBLIC: usize = memory.data(32, 8);
/** This STLink's id, 16 bytes. */
export const MY_ID: usize = memory.data(16, 8);
