// SPDX-License-Identifier: Apache-2.0
// npm runs a demo behind a shell that dies of a signal without passing it on. Before it: npm. After it: a
// demo that ends too.

const PARENT_WATCH_MS = 500;

/** Calls `stop` once the process that npm started this one from is gone. */
export function stopWithParent(stop: () => void): void {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop();
  }, PARENT_WATCH_MS).unref();
}
