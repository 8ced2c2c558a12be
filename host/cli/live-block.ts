// SPDX-License-Identifier: Apache-2.0
// Lines that stay, and beneath them a block that is redrawn in place. Before it: `sealed up`, `--watch`, a demo. After
// it: a terminal; anything else gets the block as plain lines now and then.

const PLAIN_EVERY_MS = 10_000;

export class LiveBlock {
  readonly #isTerminal = process.stdout.isTTY === true;
  #liveLines = 0;
  #shownAtMs = -PLAIN_EVERY_MS;

  /** A line that stays. */
  note(text: string): void {
    this.#clear();
    console.log(text);
  }

  /** The block as it is now; lines that don't begin with a space are titles. */
  show(lines: readonly string[]): void {
    if (this.#isTerminal) return this.#redraw(lines);
    const now = performance.now();
    if (now - this.#shownAtMs < PLAIN_EVERY_MS) return;
    this.#shownAtMs = now;
    console.log(lines.join("\n"));
  }

  /** A person has ended a line, which the terminal shows beneath the block. */
  lineTyped(): void {
    if (this.#liveLines > 0) this.#liveLines += 1;
  }

  bold(text: string): string {
    return this.#isTerminal ? `\x1b[1m${text}\x1b[0m` : text;
  }

  /** In place; a line that wrapped would spoil the count of lines. */
  #redraw(lines: readonly string[]): void {
    this.#clear();
    const width = process.stdout.columns || 80;
    const cut = lines.map((line) => this.#titled(line.slice(0, width - 1)));
    process.stdout.write(`${cut.join("\n")}\n`);
    this.#liveLines = cut.length;
  }

  #clear(): void {
    if (this.#liveLines > 0) process.stdout.write(`\x1b[${this.#liveLines}A\x1b[0J`);
    this.#liveLines = 0;
  }

  #titled(line: string): string {
    return line.startsWith(" ") ? line : this.bold(line);
  }
}
