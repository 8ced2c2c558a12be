// SPDX-License-Identifier: Apache-2.0
// A thousand STLinks under one Commander, all on this machine: how long a changed Template takes to each of them, and
// how long they take to come back to a Commander that was killed and started again. Before it: commander.ts. After
// it: test/e2e/commander-fleet.ts, whose processes are real ones. Everything is bounded in count and time.

import { Fleet } from "../e2e/commander-fleet.ts";
import { endAll } from "../e2e/sealed-tools.ts";
import { closeAll } from "../e2e/services.ts";
import type { Row, Section } from "./table.ts";

const STLINKS = 1000;
const DEPLOYMENTS = 3;
const RESTARTS = 2;
const MIB = 1 << 20;

/** Two tables. Rejects where something is not done in its time. */
export async function fleetTables(tell: (text: string) => void): Promise<Section[]> {
  try {
    const fleet = await Fleet.start(STLINKS, tell);
    try {
      return [await deploymentTable(fleet), await restartTable(fleet)];
    } finally {
      await fleet.stop();
    }
  } finally {
    await endAll();
    await closeAll();
  }
}

async function deploymentTable(fleet: Fleet): Promise<Section> {
  const rows: Row[] = [];
  for (let i = 0; i < DEPLOYMENTS; i++) {
    for (const isThere of [true, false]) {
      const { answeredMs, halfMs, most99Ms, lastMs, confirmedMs } = await fleet.deploy(isThere);
      const label = isThere ? "a Route put into it" : "the Route taken out";
      rows.push({ label, cells: [answeredMs, halfMs, most99Ms, lastMs, confirmedMs] });
    }
  }
  return {
    title: `a Template that ${STLINKS} connected STLinks have, ms from the request`,
    columns: ["answered", "p50", "p99", "last", "confirmed"],
    rows,
    notes: [
      "p50, p99, last: in force at so many of the STLinks. Confirmed: the Commander has the last one's word.",
      "The Route pairs one STLink, which has its Binding, with all the others.",
    ],
  };
}

async function restartTable(fleet: Fleet): Promise<Section> {
  const rows: Row[] = [];
  for (let i = 0; i < RESTARTS; i++) {
    const label = `${STLINKS} STLinks are online again`;
    rows.push({ label, cells: [await fleet.restart()] });
  }
  const { site, stlink } = fleet.memory();
  return {
    title: "a Commander and its Connector, killed and started again",
    columns: ["seconds to the last"],
    rows,
    notes: [
      `Activated by code, four at once, in ${fleet.activationSeconds.toFixed(0)} s.`,
      `Resident: Commander and Connector ${(site / MIB).toFixed(0)} MiB, an STLink ${(stlink / MIB).toFixed(1)} MiB.`,
      "All on one machine: the STLinks are two processes that share its processors with the Commander.",
    ],
  };
}
