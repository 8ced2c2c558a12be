// SPDX-License-Identifier: Apache-2.0
// Server-sent events as an iterator (HTML, section 9.2, as far as the Commander writes them). Before it: client.ts,
// which opens the answer. After it: whoever shows live state.

import type { components } from "../api/openapi.gen.ts";

/** By its name, `event`; `id` is to be sent when one comes back, and empty for a heartbeat. */
export type ApiEvent = components["schemas"]["StreamEvent"] & { id: string };

/** Events as they come. Ends when the answer does; leaving it ends the answer. Throws what `open` throws. */
export async function* readEvents(open: () => Promise<Response>): AsyncGenerator<ApiEvent, void> {
  const { body } = await open();
  if (body === null) return;
  let text = "";
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) yield eventOf(block);
  }
}

function eventOf(block: string): ApiEvent {
  const lines = block.split("\n").map((line) => {
    const at = line.indexOf(": ");
    return [line.slice(0, at), line.slice(at + 2)] as const;
  });
  const { event, id = "", data = "{}" } = Object.fromEntries(lines);
  return { event, id, data: JSON.parse(data) } as ApiEvent;
}
