// SPDX-License-Identifier: Apache-2.0
// A question to the person at the terminal, for commands that guide: every question has a flag that answers
// it beforehand, and where nobody is there to ask, the flag is named. Before it: `sealed device new`, nouns.
// After it: a terminal.

import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { AppError } from "../service/app-error.ts";

export type Question = {
  text: string;
  /** The flag that answers it: "--board". */
  flag: string;
  /** What an empty answer means; without it there has to be one. */
  usual?: string;
  /** One of these alone. */
  choices?: readonly string[];
  /** What is typed is not shown. */
  isSecret?: boolean;
};

/** The answer given by the flag, or typed. Throws AppError(Usage) where there is none. */
export async function answer(given: string | undefined, question: Question): Promise<string> {
  if (given !== undefined) return checked(given, question);
  if (!process.stdin.isTTY) {
    if (question.usual !== undefined) return question.usual;
    throw new AppError("Usage", `${question.text}? Nobody is here to ask: say ${question.flag}.`);
  }
  for (;;) {
    const typed = (await ask(question)) || question.usual;
    if (typed !== undefined && isChoice(typed, question)) return typed;
  }
}

function checked(given: string, question: Question): string {
  if (isChoice(given, question)) return given;
  const message = `${question.flag} ${given} is none of ${question.choices?.join(", ")}.`;
  throw new AppError("Usage", message);
}

function isChoice(text: string, { choices }: Question): boolean {
  return choices === undefined || choices.includes(text);
}

/** One line; Ctrl-C and Ctrl-D end the command. */
function ask({ text, usual, choices, isSecret = false }: Question): Promise<string> {
  const options = choices === undefined ? "" : ` (${choices.join(", ")})`;
  const hint = usual === undefined || usual === "" ? "" : ` [${usual}]`;
  process.stdout.write(`${text}${options}${hint}: `);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = isSecret ? nowhere : process.stdout;
  const terminal = createInterface({ input: process.stdin, output, terminal: isSecret });
  return new Promise((resolve, reject) => {
    let line: string | null = null;
    terminal.once("line", (typed) => {
      line = typed.trim();
      terminal.close();
    });
    terminal.once("close", () => {
      if (isSecret) process.stdout.write("\n");
      if (line === null) reject(new AppError("Usage", "Stopped: nothing was done."));
      else resolve(line);
    });
  });
}
