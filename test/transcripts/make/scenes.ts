// SPDX-License-Identifier: Apache-2.0
// Every transcript that is made, in the order of the layers. Before: scripts/make-transcripts.ts.
// After: the scenes.

import { ABOUTS } from "./abouts.ts";
import { CALLS } from "./calls.ts";
import { CONNECTORS } from "./connectors.ts";
import { CONTROLS } from "./controls.ts";
import { DATAGRAMS } from "./datagrams.ts";
import { HANDSHAKES } from "./handshakes.ts";
import { HOPS } from "./hops.ts";
import { LINKS } from "./links.ts";
import { OPENINGS } from "./openings.ts";
import type { Scene } from "./stage.ts";
import { STREAMS } from "./streams.ts";
import { TRUSTS } from "./trusts.ts";
import { TWO_HOPS } from "./two-hops.ts";

export const SCENES: readonly Scene[] = [
  ...CALLS,
  ...HANDSHAKES,
  ...HOPS,
  ...CONNECTORS,
  ...LINKS,
  ...OPENINGS,
  ...STREAMS,
  ...DATAGRAMS,
  ...CONTROLS,
  ...TRUSTS,
  ...ABOUTS,
  ...TWO_HOPS,
];
