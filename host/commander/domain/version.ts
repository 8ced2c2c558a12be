// SPDX-License-Identifier: Apache-2.0
// The version of configurations, of a whole site (rule T9): an epoch that rises when a database is restored or
// a key recovered, and a serial that rises with each change. Before it: a change. After it: CONFIG, STATE,
// OPEN. An STLink takes only what is greater.

/** `epoch` u32, `serial` u64. */
export type Version = { epoch: number; serial: bigint };

const EPOCH_MOST = 0xffff_ffff;

/** Below 0: `one` is older; 0: the same; above 0: newer. */
export function compareVersions(one: Version, other: Version): number {
  if (one.epoch !== other.epoch) return one.epoch - other.epoch;
  return one.serial < other.serial ? -1 : Number(one.serial > other.serial);
}

export function nextVersion({ epoch, serial }: Version): Version {
  return { epoch, serial: serial + 1n };
}

/** The first version after a restore: above each epoch that anybody may hold. Throws at the last epoch. */
export function restoredVersion({ epoch, serial }: Version, newestEpoch: number): Version {
  const raised = Math.max(epoch, newestEpoch) + 1;
  if (raised > EPOCH_MOST) throw new RangeError("the last epoch is used up");
  return { epoch: raised, serial: serial + 1n };
}

/** `epoch.serial`. */
export function versionText({ epoch, serial }: Version): string {
  return `${epoch}.${serial}`;
}
