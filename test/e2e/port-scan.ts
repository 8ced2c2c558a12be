// SPDX-License-Identifier: Apache-2.0
// A TCP connect scan of all 65,535 ports of some hosts, run on a host of its own:
// `node port-scan.ts HOST ...` prints the open ports of each as JSON. Before it: routes.test.ts. A port that
// neither answers nor refuses, asked three times, counts as "silent": a firewall's.

import { connect } from "node:net";

const PORTS = 65_535;
const AT_ONCE = 400;
const ANSWER_MS = 5000;
/** A machine that is busy elsewhere may be late to see an answer. */
const TRIES = 3;

type Answer = "open" | "refused" | "silent";
export type Found = { open: number[]; refused: number; silent: number };

async function ask(host: string, port: number): Promise<Answer> {
  for (let tries = 1; tries < TRIES; tries++) {
    const answer = await knock(host, port);
    if (answer !== "silent") return answer;
  }
  return knock(host, port);
}

function knock(host: string, port: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (how: Answer) => {
      socket.destroy();
      resolve(how);
    };
    socket.setTimeout(ANSWER_MS, () => end("silent"));
    socket.once("connect", () => end("open"));
    socket.once("error", ({ code }: NodeJS.ErrnoException) =>
      end(code === "ECONNREFUSED" ? "refused" : "silent"),
    );
  });
}

/** All ports from `first` on, so many at once. */
async function scan(host: string): Promise<Found> {
  const found: Found = { open: [], refused: 0, silent: 0 };
  let next = 1;
  const walk = async () => {
    while (next <= PORTS) {
      const port = next++;
      const how = await ask(host, port);
      if (how === "open") found.open.push(port);
      else found[how] += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, walk));
  found.open.sort((a, b) => a - b);
  return found;
}

const results: Record<string, Found> = {};
for (const host of process.argv.slice(2)) results[host] = await scan(host);
console.log(JSON.stringify(results));
