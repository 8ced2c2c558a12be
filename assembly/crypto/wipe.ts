// SPDX-License-Identifier: Apache-2.0
//
// Wiping: what was secret is overwritten as soon as it is no longer needed.
// Before: every file that keeps a secret in static memory. After: nothing.
// A store to linear memory is visible to the host, so no compiler on the way may leave it out.

/** Overwrites the `len` bytes at `ptr` with zeros. */
export function wipe(ptr: usize, len: i32): void {
  memory.fill(ptr, 0, len);
}
