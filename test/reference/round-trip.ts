// SPDX-License-Identifier: Apache-2.0
// The round trip of a link and its probe time-out: RFC 9002 section 5.3, PROTOCOL.md 7.2 and 11.
// Invariant: PTO lies between 200 ms and 30 s.

const ACK_DELAY_MS = 25;
const PTO_MIN_MS = 200;
const PTO_MAX_MS = 30_000;
// A longer one is a peer that slept.
const MOST_SAMPLE_MS = 10_000;

export class RoundTrip {
  srtt = 500;
  rttvar = 250;
  /** Whether any round trip has been measured. */
  sampled = false;

  /** Takes in one measured round trip. */
  sample(ms: number): void {
    if (ms > MOST_SAMPLE_MS) return;
    if (!this.sampled) {
      this.sampled = true;
      this.srtt = ms;
      this.rttvar = ms / 2;
      return;
    }
    this.rttvar = 0.75 * this.rttvar + 0.25 * Math.abs(this.srtt - ms);
    this.srtt = 0.875 * this.srtt + 0.125 * ms;
  }

  /** The probe time-out after `backoff` doublings. */
  pto(backoff = 0): number {
    const base = Math.max(PTO_MIN_MS, this.srtt + 4 * this.rttvar + ACK_DELAY_MS);
    return Math.min(PTO_MAX_MS, Math.ceil(base) * 2 ** Math.min(backoff, 16));
  }
}
