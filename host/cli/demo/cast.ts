// SPDX-License-Identifier: Apache-2.0
// All processes of the demo: started by name, asked for, ended together. Before it: play.ts says who plays
// where. After it: part.ts, one for each. What the services tell is kept here, the last of each kind.

import type { Message } from "./messages.ts";
import type { Host, Namespaces } from "./namespaces.ts";
import { Part } from "./part.ts";

export type CastEvents = {
  /** Something that the user should know. */
  note(text: string): void;
  /** The demo can't go on. */
  gaveUp(why: string): void;
};

type Told<Kind extends Message["kind"]> = Extract<Message, { kind: Kind }>;

export class Cast {
  readonly #folder: string;
  readonly #namespaces: Namespaces;
  readonly #events: CastEvents;
  readonly #parts = new Map<string, Part>();
  readonly #told = new Map<string, Message>();
  #waiting: (() => void)[] = [];

  constructor(folder: string, namespaces: Namespaces, events: CastEvents) {
    this.#folder = folder;
    this.#namespaces = namespaces;
    this.#events = events;
  }

  /** Starts a file under Node on a host, and again whenever it dies. */
  start(name: string, host: Host, ...command: readonly (string | number)[]): void {
    const plan = { name, host, command: command.map(String) };
    const part = new Part(plan, this.#folder, this.#namespaces, {
      message: (message) => this.#hear(message),
      died: (pid, how) => this.#events.note(`${name} (pid ${pid}) died: ${how}; started again`),
      gaveUp: (how) => this.#events.gaveUp(`${name} does not stay alive: ${how}`),
    });
    this.#parts.set(name, part);
    part.start();
  }

  pid(name: string): number {
    return this.#parts.get(name)?.pid ?? 0;
  }

  /** The last message of this kind; undefined before the first. */
  told<Kind extends Message["kind"]>(kind: Kind): Told<Kind> | undefined {
    return this.#told.get(kind) as Told<Kind> | undefined;
  }

  /** The same, once there is one. */
  async untilTold<Kind extends Message["kind"]>(kind: Kind): Promise<Told<Kind>> {
    for (;;) {
      const message = this.told(kind);
      if (message !== undefined) return message;
      await this.news();
    }
  }

  /** The next message of any kind. */
  news(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Kills one, which is started again. */
  crash(name: string): void {
    this.#parts.get(name)?.crash();
  }

  /** Ends all of them; resolves when they are gone. */
  async stop(): Promise<void> {
    await Promise.all([...this.#parts.values()].map((part) => part.stop()));
  }

  /** At once. */
  kill(): void {
    for (const part of this.#parts.values()) part.kill();
  }

  #hear(message: Message): void {
    this.#told.set(message.kind, message);
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
