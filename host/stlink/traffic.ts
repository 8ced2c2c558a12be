// SPDX-License-Identifier: Apache-2.0
// What goes through one Route: connections, bytes, and the last thing that went wrong. Before it:
// bindings.ts, mappings.ts and pump.ts count. After it: status-lines.ts shows.

export class Traffic {
  /** Connections that are open, and all there have been. */
  open = 0;
  total = 0;
  /** Connections that ended by a reset or were never made. */
  failed = 0;
  /** Application bytes into the tunnel, and out of it. */
  bytesIn = 0;
  bytesOut = 0;
  lastError: string | null = null;

  begin(): void {
    this.open += 1;
    this.total += 1;
  }

  /** `error`: why it ended other than by both sides' half-close. */
  end(error: string | null = null): void {
    this.open -= 1;
    if (error !== null) this.fail(error);
  }

  fail(error: string): void {
    this.failed += 1;
    this.lastError = error;
  }
}
