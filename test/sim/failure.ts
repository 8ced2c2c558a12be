// SPDX-License-Identifier: Apache-2.0
// What a broken invariant is thrown as. The runner adds the seed and the command that replays it.

export class SimFailure extends Error {
  override readonly name = "SimFailure";
}
