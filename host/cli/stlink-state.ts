// SPDX-License-Identifier: Apache-2.0
// An STLink of a Commander on the command line: `sealed stlink activate`, `rotate`, `confirm`, and what
// `run --state` runs. Before it: a code, or a state folder. After it: stlink/commanded.ts; for the last
// two the process that runs, over the socket in its folder, which is the folder's lock too.

import { createHash } from "node:crypto";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import type { CoreEngine } from "../core/engine.ts";
import { systemWorld } from "../net/world.ts";
import { AppError } from "../service/app-error.ts";
import { toBase32 } from "../service/base32.ts";
import type { LogSettings } from "../service/fields.ts";
import type { Log } from "../service/log.ts";
import type { ActivationCode } from "../stlink/activation-code.ts";
import { type RunningCommanded, startCommanded } from "../stlink/commanded.ts";
import { StateFolder } from "../stlink/state-folder.ts";
import type { StlinkStatus } from "../stlink/status.ts";
import { CODE_HELP, readCodeArgument } from "./code-argument.ts";
import { type NounArguments, nounOptions } from "./commander/usual-options.ts";
import { processStatus, type Service, stopSignal } from "./run.ts";
import { claimSockets, commandSocket, usualSocket } from "./status-socket.ts";
import { rotateStlink } from "./stlink-site.ts";

type State = { folder: StateFolder; log: LogSettings };
type StateArguments = { state: string };

const LOG: LogSettings = { level: "info", file: null };

/** What `run --state` runs; with a code it activates first where it is not activated yet. */
export function stateService(
  path: string,
  code: ActivationCode | null,
  engine: CoreEngine,
): Service<State, StlinkStatus> {
  return {
    role: "stlink",
    file: path,
    read: () => ({
      folder: code === null ? new StateFolder(path) : StateFolder.make(path),
      log: LOG,
    }),
    sockets: ({ folder }) => socketsOf(folder),
    async start({ folder }, log) {
      if (code !== null && folder.has("configuration")) {
        log.info({}, "activated already: the code is not looked at");
      } else if (code !== null) keepCode(folder, code);
      return startCommanded({ folder, log, world: systemWorld, engine });
    },
  };
}

/** One in the folder, which is its lock; one where `sealed status` looks. */
function socketsOf({ path }: StateFolder): string[] {
  const mark = createHash("blake2s256").update(path).digest();
  return [socketIn(path), usualSocket("stlink", mark)];
}

function socketIn(folder: string): string {
  return join(folder, "status.sock");
}

/** It is gone again once a configuration is stored. */
function keepCode(folder: StateFolder, { bytes }: ActivationCode): void {
  folder.save("code", `${toBase32(bytes)}\n`);
}

const STATE_OPTION = {
  type: "string",
  demandOption: true,
  normalize: true,
  describe: "The folder in which it keeps its key and configuration",
} as const;

export const activateCommand: CommandModule<object, StateArguments & { code: string }> = {
  command: "activate <code>",
  describe: "Make an STLink of a Commander in a new folder, with an activation code",
  builder: (yargs) =>
    yargs
      .positional("code", { type: "string", demandOption: true, describe: CODE_HELP })
      .option("state", STATE_OPTION)
      .example("$0 stlink activate - --state office", "Paste the code, then Ctrl-D")
      .epilogue("A code that was used here before is taken again until this has ended well."),
  handler: ({ code, state }) => activate(code, state),
};

async function activate(argument: string, path: string): Promise<void> {
  const code = await readCodeArgument(argument);
  const folder = StateFolder.make(path);
  let running: RunningCommanded | null = null;
  const claim = await claimSockets(socketsOf(folder), {
    status: () => ({ ...processStatus(path), logLinesLost: 0, ...running?.status() }),
    command: () => undefined,
  });
  try {
    if (folder.has("configuration")) {
      const message = `${path} holds an activated STLink, which takes no code: run it, or choose another folder.`;
      throw new AppError("NotWritten", message);
    }
    keepCode(folder, code);
    running = startCommanded({ folder, log: printingLog(), onlyActivates: true });
    const id = await Promise.race([running.activated, stopSignal().then(() => null)]);
    const text = `Activated: the id of this STLink is ${id}. Run it: sealed stlink run --state ${path}`;
    console.log(id === null ? "Stopped: the same command goes on from here." : text);
  } finally {
    await running?.stop();
    claim.close();
  }
}

/** What a person who waits should see, on standard error. */
function printingLog(): Log {
  const print = (fields: object, text: string): void => {
    const told = fields as Record<string, string | undefined>;
    const { reason, publicKey, fingerprint, advice } = told;
    // What ends it comes as its last word.
    if (advice !== undefined) return;
    console.error([text, reason, fingerprint ?? publicKey].filter(Boolean).join(": "));
  };
  return { debug: () => {}, info: print, warn: print, error: print };
}

type RotateArguments = NounArguments & { which: string | undefined; state: string | undefined };

export const rotateCommand: CommandModule<object, RotateArguments> = {
  command: "rotate [which]",
  describe: "Give an STLink a new key; no connection notices",
  builder: (yargs) =>
    nounOptions(
      yargs
        .positional("which", {
          type: "string",
          describe: "Its name or id: its Commander asks it to make one",
        })
        .option("state", {
          ...STATE_OPTION,
          demandOption: false,
          describe: "In the place of a name: the folder of an STLink that runs on this machine",
        })
        .example("$0 stlink rotate camera", "By its Commander")
        .example("$0 stlink rotate --state office", "Here"),
    ),
  async handler(given) {
    const { which, state } = given;
    if ((which === undefined) === (state === undefined)) {
      throw new AppError("Usage", "Name an STLink, or say --state and its folder on this machine.");
    }
    if (state !== undefined) console.log(await commandSocket(socketIn(state), "rotate"));
    else await rotateStlink(given, which ?? "");
  },
};

export const confirmCommand: CommandModule<object, StateArguments & { peer: string }> = {
  command: "confirm <peer>",
  describe: "Say that a peer's changed key is right, after comparing fingerprints with its owner",
  builder: (yargs) =>
    yargs
      .positional("peer", {
        type: "string",
        demandOption: true,
        describe: 'The peer, as "sealed status" names it',
      })
      .option("state", STATE_OPTION)
      .example("$0 stlink confirm 1a2b3c4d --state office", ""),
  handler: async ({ peer, state }) => {
    console.log(await commandSocket(socketIn(state), "confirm", peer));
  },
};
