// SPDX-License-Identifier: Apache-2.0
// The peers that hold a Binding's Mapping, and the order in which a new connection tries them: the less
// loaded of two chosen at random among those that answered last, then the others in order of load. Where
// there is a choice, at most three links are kept warm: probed each minute when idle. Before it: the
// Binding's peers. After it: opening.ts. Rule D10.

import type { LinkView } from "../core/core.ts";
import { fraction } from "../net/world.ts";
import type { Agent } from "./agent.ts";

const KEPT_MOST = 3;
const PROBE_MS = 60_000;
/** Fewer unanswered PROBEs than this may still be under way. */
const UNANSWERED_AWAY = 2;

type View = LinkView & { link: number };

export class Candidates {
  readonly #agent: Agent;
  /** Those that are kept warm come first. */
  #links: number[] = [];
  /** Packets that had come from each when it was last looked at. */
  readonly #packetsIn = new Map<number, number>();
  #cancelProbe = (): void => {};

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  /** From now on these, and no others. */
  set(links: readonly number[]): void {
    const before = this.#links.filter((link) => links.includes(link));
    const others = links.filter((link) => !before.includes(link));
    this.#links = [...before, ...this.#shuffled(others)];
    this.#cancelProbe();
    if (links.length > 1) this.#probe();
  }

  has(link: number): boolean {
    return this.#links.includes(link);
  }

  /** All of them, the one to try first at the head. */
  order(): number[] {
    if (this.#links.length < 2) return [...this.#links];
    const views = this.#shuffled(this.#links).map((link) => this.#view(link));
    const answering = views.filter(isAnswering);
    const silent = views.filter((view) => !isAnswering(view));
    const two = answering.slice(0, 2).sort(byLoad).slice(0, 1);
    const rest = answering.filter((view) => !two.includes(view)).sort(byLoad);
    return [...two, ...rest, ...silent.sort(bySilence)].map(({ link }) => link);
  }

  /** Asks those that are kept and have been quiet; one that is away makes room for another. */
  #probe(): void {
    const views = this.#links.map((link) => this.#view(link));
    const away = views.filter(({ unanswered }) => unanswered >= UNANSWERED_AWAY);
    const present = views.filter((view) => !away.includes(view));
    this.#links = [...present, ...away].map(({ link }) => link);
    for (const { link, packetsIn } of [...present, ...away].slice(0, KEPT_MOST)) {
      if (this.#packetsIn.get(link) === packetsIn || packetsIn === 0) {
        this.#agent.core.linkConnect(link);
      }
      this.#packetsIn.set(link, packetsIn);
    }
    this.#agent.wake();
    this.#cancelProbe = this.#agent.world.clock.after(PROBE_MS, () => this.#probe());
  }

  #view(link: number): View {
    return { link, ...this.#agent.core.linkInfo(link) };
  }

  #shuffled(links: readonly number[]): number[] {
    const keyed = links.map((link) => ({ link, key: fraction(this.#agent.world) }));
    return keyed.sort((a, b) => a.key - b.key).map(({ link }) => link);
  }
}

function isAnswering({ session, unanswered }: View): boolean {
  return session === "up" && unanswered < UNANSWERED_AWAY;
}

function byLoad(a: View, b: View): number {
  return a.peerLoad - b.peerLoad;
}

function bySilence(a: View, b: View): number {
  return a.unanswered - b.unanswered;
}
