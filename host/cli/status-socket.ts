// SPDX-License-Identifier: Apache-2.0
// The local socket at which a running process tells its status, which is its lock as well: one for each
// key, in a folder that is this user's alone, and one more where the file asks for it or in a state folder.
// Before it: run.ts claims, status.ts asks. Only this user can open it (mode 0600); it answers GET with
// JSON, and POST of a command's name, with the argument as its body, by what the command says.

import { chmodSync, lstatSync, readdirSync, rmSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { AppError, type AppErrorCode, systemCode, systemReason } from "../service/app-error.ts";
import { makeFolders } from "../service/folders.ts";
import type { Command } from "../service/running.ts";

/** A process on a busy machine may be long in answering. */
const ASK_MS = 10_000;
const OTHERS = 0o077;
/** sun_path of Linux and macOS, without the zero at its end. */
const PATH_MOST = 103;

/** The folder of this user's sockets. */
export function socketFolder(): string {
  const runtime = process.env["XDG_RUNTIME_DIR"];
  if (runtime !== undefined && runtime !== "") return join(runtime, "sealed");
  return join(tmpdir(), `sealed-${userInfo().uid}`);
}

/** The usual socket of a process with this key: by the first 8 bytes of its public key. */
export function usualSocket(role: string, publicKey: Uint8Array): string {
  const key = Buffer.from(publicKey.subarray(0, 8)).toString("hex");
  return join(socketFolder(), `${role}-${key}.sock`);
}

/** Sockets of this user's processes; some may be left over from ones that are gone. */
export function knownSockets(): string[] {
  const folder = socketFolder();
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".sock"))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

export type Claim = { close(): void };

export type Answers = {
  status(): object;
  /** undefined: this process has no such command. */
  command(name: string): Command | undefined;
};

/** Answers at all these sockets. Throws AppError: AlreadyRunning, or NotWritten. */
export async function claimSockets(paths: readonly string[], answers: Answers): Promise<Claim> {
  makeFolder(socketFolder());
  const servers: Server[] = [];
  const claim = { close: () => void servers.splice(0).map((server) => server.close()) };
  try {
    for (const path of paths) servers.push(await claimSocket(path, answers));
    return claim;
  } catch (error) {
    claim.close();
    throw error;
  }
}

/** A folder that somebody else made could be watched, or answer for us. */
function makeFolder(folder: string): void {
  makeFolders(folder);
  const { uid, mode } = lstatSync(folder);
  if (uid === userInfo().uid && (mode & OTHERS) === 0) return;
  const message = `${folder} is not yours alone: remove it, or set XDG_RUNTIME_DIR to a folder of yours.`;
  throw new AppError("NotWritten", message);
}

/** A socket that nobody answers at is left over from a process that was killed. */
async function claimSocket(path: string, answers: Answers): Promise<Server> {
  if (Buffer.byteLength(path) > PATH_MOST) {
    const message = `${path}, the status socket, has a path of more than ${PATH_MOST} bytes: choose a shorter one.`;
    throw new AppError("NotWritten", message);
  }
  if (await isAnswered(path)) {
    const message = `A process with this key, state folder or status socket runs already (${path}): see "sealed status", stop it first.`;
    throw new AppError("AlreadyRunning", message);
  }
  removeSocket(path);
  return listen(path, answers);
}

/** A file of another kind is never removed. */
function removeSocket(path: string): void {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  if (isSocket) rmSync(path, { force: true });
}

function listen(path: string, answers: Answers): Promise<Server> {
  const server = createServer((asked, response) => void serve(asked, response, answers));
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const message = `${path}, the status socket, can't be made: ${systemReason(error)}.`;
      reject(new AppError("NotWritten", message, { cause: error }));
    });
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve(server);
    });
  });
}

/** What a command says, or why not. A caller that goes away is nobody's trouble. */
type Reply = { text: string } | { code: AppErrorCode; message: string };

async function serve(asked: IncomingMessage, response: ServerResponse, answers: Answers) {
  const argument = await textOf(asked).catch(() => null);
  if (argument === null) return;
  const isCommand = asked.method === "POST";
  const answer = isCommand
    ? replyTo(answers.command((asked.url ?? "").slice(1)), argument)
    : answers.status();
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(answer));
}

function replyTo(command: Command | undefined, argument: string): Reply {
  if (command === undefined) {
    return {
      code: "Usage",
      message: "The process there has no such command: it runs from a file.",
    };
  }
  try {
    return { text: command(argument) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, message: error.message };
  }
}

const TEXT_MOST = 4096;

/** Rejects where it is longer than any argument. */
async function textOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of message) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > TEXT_MOST) message.destroy();
  }
  return Buffer.concat(parts).toString();
}

async function isAnswered(path: string): Promise<boolean> {
  try {
    await askSocket(path);
    return true;
  } catch (error) {
    // A process that listens but does not answer in time is there all the same.
    return error instanceof AppError && systemCode(error.cause) === "ETIMEDOUT";
  }
}

/** What the process at this socket says. Throws AppError(NotRunning). */
export function askSocket(path: string): Promise<unknown> {
  return exchange(path, "GET", "", "");
}

/** Has the process at this socket do something; what it says of that. Throws AppError. */
export async function commandSocket(path: string, name: string, argument = ""): Promise<string> {
  const reply = (await exchange(path, "POST", name, argument)) as Reply;
  if ("code" in reply) throw new AppError(reply.code, reply.message);
  return reply.text;
}

function exchange(path: string, method: string, name: string, body: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const message = `Nothing answers at ${path}: is it running, and as this user?`;
      reject(new AppError("NotRunning", message, { cause: error }));
    };
    const options = { socketPath: path, path: `/${name}`, method };
    const asking = request(options, async (response) => {
      try {
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part as Buffer);
        resolve(JSON.parse(Buffer.concat(parts).toString()));
      } catch (error) {
        fail(error);
      }
    });
    asking.on("error", fail);
    asking.setTimeout(ASK_MS, () => {
      asking.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
    });
    asking.end(body);
  });
}
