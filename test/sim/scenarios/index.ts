// SPDX-License-Identifier: Apache-2.0
// Every scenario, by name: what run.ts and the tests choose from. Before it: the files beside it, one for
// each kind of trouble. After it: run.ts (npm run sim), named.test.ts, sim.test.ts.

import type { Scenario } from "../scenario.ts";
import { activation } from "./activation.ts";
import { commander } from "./commander.ts";
import { connectors } from "./connectors.ts";
import { datagrams } from "./datagrams.ts";
import { deployment } from "./deployment.ts";
import { handshakes } from "./handshakes.ts";
import { hops } from "./hops.ts";
import { host } from "./host.ts";
import { echo, garbage, lossy } from "./loss.ts";
import { mixed } from "./mixed.ts";
import { nth } from "./nth.ts";
import { plain } from "./plain.ts";
import { time } from "./time.ts";
import { trust } from "./trust.ts";

export const SCENARIOS: Scenario[] = [
  mixed,
  plain,
  echo,
  lossy,
  garbage,
  ...nth,
  ...handshakes,
  ...hops,
  ...connectors,
  ...time,
  datagrams,
  ...activation,
  ...deployment,
  ...trust,
  host,
  ...commander,
];
