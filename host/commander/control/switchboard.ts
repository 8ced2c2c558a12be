// SPDX-License-Identifier: Apache-2.0
// Takes the control streams that STLinks open, one conversation each: the newest counts, the one before it is
// reset. Before it: the agent offers streams of kind 3. After it: conversation.ts; who hears of its messages.
// PROTOCOL 10.1.

import { Reason } from "../../core/abi.gen.ts";
import type { StreamView } from "../../core/core.ts";
import type { StreamOwner } from "../../stlink/agent.ts";
import { Conversation, type ConversationEvents } from "./conversation.ts";
import type { Office } from "./office.ts";
import type { Parties } from "./parties.ts";

/** The kind of control streams. */
export const CONTROL = 3;

export class Switchboard {
  readonly #office: Office;
  readonly #parties: Parties;
  readonly #events: ConversationEvents;

  constructor(office: Office, parties: Parties, events: ConversationEvents) {
    this.#office = office;
    this.#parties = parties;
    this.#events = {
      message: (conversation, message) => events.message(conversation, message),
      drained: () => events.drained(),
      over: (conversation) => this.#over(conversation, events),
    };
    office.agent.onOffer(CONTROL, (stream, info) => this.#take(stream, info));
  }

  #take(stream: number, { link }: StreamView): StreamOwner | null {
    const party = this.#parties.at(link);
    if (party === null) return null;
    this.#office.agent.core.streamConnected(stream);
    const conversation = new Conversation(this.#office, stream, party, this.#events);
    const before = party.conversation;
    party.conversation = conversation;
    before?.end(Reason.Superseded);
    return conversation.talk;
  }

  #over(conversation: Conversation, events: ConversationEvents): void {
    const { party } = conversation;
    if (party.conversation === conversation) party.conversation = null;
    events.over(conversation);
  }
}
