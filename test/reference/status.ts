// SPDX-License-Identifier: Apache-2.0
// The statuses and the reasons of PROTOCOL.md section 13, as plain tables, and the one error that
// the reference throws. Before it: nothing. After it: every other file of test/reference.
// Invariant: a status is below zero, a reason is above zero.

/** Section 13.1. */
export const STATUS = {
  BadState: -1,
  BadArgument: -2,
  BadLength: -3,
  BadHandle: -4,
  NoEntropy: -5,
  BadVersion: -32,
  BadHandshake: -33,
  BadPoint: -34,
  BadKemKey: -35,
  BadTag: -36,
  Stale: -37,
  UnknownIndex: -38,
  UnknownPeer: -39,
  HandshakeRate: -40,
  BadFrame: -41,
  TooBig: -42,
  PeerViolation: -43,
  BadKey: -44,
  BadRecord: -45,
  NoHello: -46,
  BadConfig: -47,
  OldConfig: -48,
  BadCode: -49,
  PeerKeyChanged: -50,
  NoHandshakeSlot: -64,
  NoHopSlot: -65,
  NoLinkSlot: -66,
  NoStreamSlot: -67,
  NoBuffer: -68,
  Exhausted: -69,
  Internal: -96,
} as const;

/** Section 13.2. */
export const REASON = {
  Unknown: 1,
  TargetRefused: 2,
  TargetUnreachable: 3,
  TargetTimedOut: 4,
  NoSuchMapping: 5,
  ConfigBehind: 6,
  TooManyStreams: 7,
  PeerLost: 8,
  HoldExpired: 9,
  Revoked: 10,
  PeerViolation: 11,
  Application: 12,
  BadRecord: 13,
  SessionGone: 14,
  LeaseExpired: 15,
  Stopping: 16,
  DatagramTooBig: 17,
  Withdrawn: 18,
  PeerKeyChanged: 19,
  NotPaired: 32,
  QueueFull: 33,
  Aged: 34,
  TooBig: 35,
  RateLimited: 36,
  Muted: 37,
  UnknownChannel: 38,
  Purged: 39,
  Superseded: 48,
  KeyUsedTwice: 49,
  NotAdmitted: 50,
  Draining: 51,
  HopBuffers: 52,
  BadHop: 53,
  CodeUsed: 64,
  CodeExpired: 65,
  CodeUnknown: 66,
  WaitApproval: 67,
  WrongNetwork: 68,
} as const;

export type StatusName = keyof typeof STATUS;

/** What the peer or the caller did wrong, by the name of section 13.1. */
export class ProtocolError extends Error {
  readonly status: StatusName;

  constructor(status: StatusName) {
    super(status);
    this.status = status;
  }
}

/** Runs `action`; a ProtocolError that it throws is returned by name, anything else goes on. */
export function statusOf(action: () => void): StatusName | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return error.status;
    throw error;
  }
  return undefined;
}
