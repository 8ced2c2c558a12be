// SPDX-License-Identifier: Apache-2.0
// What the demo's own services tell it, over the channel of their process. `sealed` tells nothing here: it
// is asked at its status socket, like any other. Before it: web-service.ts, camera.ts, viewer.ts,
// forwarder.ts. After it: cast.ts.

export type Message =
  | { kind: "web"; largeHash: string; pageHash: string; pageBytes: number }
  /** It listens. */
  | { kind: "viewer" }
  | { kind: "forwarder" }
  /** The number of the frame that was sent, or received, last. */
  | { kind: "sent"; frame: number }
  | { kind: "received"; frame: number; lost: number };

export function tell(message: Message): void {
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}
