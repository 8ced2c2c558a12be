// SPDX-License-Identifier: Apache-2.0
// How much a client may take of the server: bodies, time, connections, requests. Before it: startApi. After it:
// server.ts, authentication.ts, event-stream.ts. Tests make some of them small.

const MIB = 1 << 20;

export const LIMITS = {
  bodyBytes: MIB,
  documentBytes: 8 * MIB,
  headerBytes: 16_384,
  /** A request's headers, and all of it. */
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 5_000,
  connections: 256,
  /** Of one token, and of one address without a valid one. */
  requestsInMinute: 6_000,
  failuresInMinute: 30,
  eventClients: 64,
  /** Events that one who comes back can be given. */
  eventsKept: 5_000,
  heartbeatMs: 15_000,
};

export type Limits = typeof LIMITS;
