// SPDX-License-Identifier: Apache-2.0
// Two shows of a real Commander: one change reaches all of its STLinks while their connections go on, and activations
// that are cut behind each of their bytes. Before it: shows.ts. After it: commander-fleet.ts, activation-cuts.ts. Each
// prints its figures; true: all was as it is to be.

import { ActivationCuts } from "./activation-cuts.ts";
import { type Deployment, Fleet } from "./commander-fleet.ts";
import type { Cut } from "./cut-line.ts";
import { type Echo, eachAnswered } from "./echoes.ts";

type Tell = (text: string) => void;

/** Spread over the halls of the fleet; fewer where there are few STLinks. */
const CONNECTIONS = 200;
const STLINKS_TO_CONNECTION = 5;
const ANSWER_MS = 60_000;
const MIB = 1 << 20;

/** What became of connections of which those of one hall were not allowed any more. */
export type Conversations = {
  connections: number;
  /** Of those that were allowed: letters that came back right, and connections that noticed something. */
  rounds: number;
  noticed: number;
  longestWaitMs: number;
  /** Of those that were not. */
  withdrawn: number;
  ended: number;
};

export type Deployed = {
  all: Deployment;
  again: Deployment;
  usesNewRoute: boolean;
  hall: Deployment;
  conversations: Conversations;
};

/** A Route for all, a Route taken from all, one taken from a hall, while connections go on. */
export async function deployMuch(fleet: Fleet): Promise<Deployed> {
  const echoes = await fleet.converse(
    Math.min(CONNECTIONS, Math.ceil(fleet.stlinks / STLINKS_TO_CONNECTION)),
  );
  const all = await fleet.deploy(true);
  const usesNewRoute = await fleet.usesWorkshop();
  const again = await fleet.deploy(false);
  const hall = await fleet.withdraw(0);
  await eachAnswered(echoes, ANSWER_MS);
  const conversations = sumUp(
    echoes.filter((_, i) => fleet.hallOf(i) !== 0),
    echoes.filter((_, i) => fleet.hallOf(i) === 0),
  );
  for (const echo of echoes) echo.stop();
  return { all, again, usesNewRoute, hall, conversations };
}

function sumUp(allowed: readonly Echo[], withdrawn: readonly Echo[]): Conversations {
  return {
    connections: allowed.length,
    rounds: allowed.reduce((sum, { rounds }) => sum + rounds, 0),
    noticed: allowed.filter(({ ending, isWrong }) => isWrong || ending !== null).length,
    longestWaitMs: Math.max(...allowed.map(({ longestWaitMs }) => longestWaitMs)),
    withdrawn: withdrawn.length,
    ended: withdrawn.filter(({ ending }) => ending !== null).length,
  };
}

export async function deployToMany(stlinks: number, tell: Tell): Promise<boolean> {
  console.log(`${stlinks} STLinks in two processes, under one \`sealed up\`, on this machine.`);
  const fleet = await Fleet.start(stlinks, tell);
  try {
    console.log(`activated by code, four at once: ${fleet.activationSeconds.toFixed(1)} s`);
    const got = await deployMuch(fleet);
    printDeployment(`a Route for all ${stlinks} STLinks`, got.all);
    console.log(`  and it carries: ${got.usesNewRoute ? "yes" : "NO"}`);
    printDeployment(`the same Route taken from all ${stlinks} STLinks`, got.again);
    printDeployment("a hall's Route taken from it", got.hall);
    printConversations(got.conversations);
    const { site, stlink } = fleet.memory();
    console.log(`memory: Commander and Connector ${mib(site)}, an STLink ${mib(stlink)}`);
    const { noticed, ended, withdrawn } = got.conversations;
    return noticed === 0 && ended === withdrawn && got.usesNewRoute;
  } finally {
    await fleet.stop();
  }
}

function printDeployment(what: string, deployment: Deployment): void {
  const { answeredMs, halfMs, most99Ms, lastMs, confirmedMs } = deployment;
  console.log(`${what}: from the request on`);
  console.log(`  answered ${ms(answeredMs)}; in force at half of them ${ms(halfMs)},`);
  console.log(`  at 99 of a hundred ${ms(most99Ms)}, at the last ${ms(lastMs)};`);
  console.log(`  the Commander had the last one's word ${ms(confirmedMs)}`);
}

function printConversations(got: Conversations): void {
  const { connections, rounds, noticed, longestWaitMs, withdrawn, ended } = got;
  console.log(
    `${connections} connections that were allowed all the time: ${rounds} letters right,`,
  );
  console.log(`  ${noticed} that noticed something, the longest wait ${ms(longestWaitMs)}`);
  console.log(`${withdrawn} connections of that hall: ${ended} ended`);
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

/** One device for each `step`th byte, down and up. */
export async function cutActivations(step: number, tell: Tell): Promise<boolean> {
  const cuts = await ActivationCuts.start();
  const whole = await cuts.lengths();
  const every = (way: Cut["way"]) => {
    const count = Math.ceil(whole[way] / step);
    return Array.from({ length: count }, (_, i): Cut => ({ way, bytes: i * step }));
  };
  const places = [...every("down"), ...every("up")];
  console.log(
    `an activation is ${whole.down} bytes down and ${whole.up} up: ${places.length} devices, each cut elsewhere`,
  );
  const got = await cuts.cutAt(places, tell);
  const { activated, extra, wrongCodes, cut, halfMs, slowest } = got;
  console.log(`cut: ${cut}; activated, each once: ${activated}; STLinks too many: ${extra}`);
  console.log(`codes that were not used once: ${wrongCodes}`);
  console.log(`from the code to the Commander's having heard: half within ${ms(halfMs)},`);
  console.log(`  the slowest ${ms(slowest.ms)}, cut at ${JSON.stringify(slowest.place)}`);
  return activated === places.length && extra === 0 && wrongCodes === 0;
}
