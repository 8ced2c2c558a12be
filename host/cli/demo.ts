// SPDX-License-Identifier: Apache-2.0
// `npm start`: a real web page through a real tunnel. Makes keys, serves the page, starts Binding STLink,
// Connector and Mapping STLink as three processes over loopback sockets, prints what to try, shows what
// the Connector sees, and stays until Ctrl-C. Whatever dies is started again with the keys it had.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { CORE_WASM } from "../../scripts/run.ts";
import { Display } from "./demo-display.ts";
import type { ConnectorSetup, FromChild, StlinkSetup } from "./demo-messages.ts";
import { LARGE_BYTES, largeHash, servePage } from "./demo-page.ts";
import { Part, type PartEvents } from "./demo-part.ts";
import { LOOPBACK, makeSite } from "./demo-setup.ts";

const HELP = `npm start -- [options]

  --port N       where the Binding listens on 127.0.0.1 (default 8443, or any free port)
  --engine NAME  what runs the core at the Mapping's end: wasm3 (default) or v8
  --once         fetch the page through the tunnel, compare it with the service's own, and stop
  --seconds N    stop after N seconds
  --help         this text
`;

const DEFAULT_PORT = 8443;
const PARENT_WATCH_MS = 500;

type PartName = "Connector" | "Binding" | "Mapping";
type Options = { port: number | null; engine: "v8" | "wasm3"; isOnce: boolean; seconds: number };

/** A problem of the person who called, said in one line. */
class UsageError extends Error {}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      engine: { type: "string", default: "wasm3" },
      once: { type: "boolean", default: false },
      seconds: { type: "string", default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const { engine } = values;
  if (engine !== "v8" && engine !== "wasm3") throw new UsageError("--engine is wasm3 or v8");
  const port = values.port === undefined ? null : number("--port", values.port, 65_535);
  const seconds = number("--seconds", values.seconds, 1_000_000);
  return { port, engine, isOnce: values.once, seconds };
}

function number(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= most && text !== "") return value;
  throw new UsageError(`${name} is a whole number from 0 to ${most}, not "${text}"`);
}

class Demo {
  readonly #options: Options;
  readonly #display: Display;
  readonly #hash: string;
  readonly #servicePort: number;
  readonly #connector: Part<ConnectorSetup>;
  readonly #binding: Part<StlinkSetup>;
  readonly #mapping: Part<StlinkSetup>;
  readonly #engines = { binding: "", connector: "", mapping: "" };
  readonly #up = new Set<string>();
  #isIntroduced = false;
  #isStopping = false;

  constructor(options: Options, servicePort: number, hash: string) {
    this.#options = options;
    this.#servicePort = servicePort;
    this.#hash = hash;
    const { connector, binding, mapping } = makeSite({
      wasmPath: CORE_WASM,
      engine: options.engine,
      bindingPort: options.port ?? DEFAULT_PORT,
      servicePort,
    });
    this.#display = new Display({
      [hex(binding.id)]: "(Binding)",
      [hex(mapping.id)]: "(Mapping)",
    });
    this.#connector = new Part("demo-connector.ts", connector, this.#watch("Connector"));
    this.#binding = new Part("demo-stlink.ts", binding, this.#watch("Binding"));
    this.#mapping = new Part("demo-stlink.ts", mapping, this.#watch("Mapping"));
  }

  start(): void {
    this.#connector.start();
    if (this.#options.seconds > 0) setTimeout(() => this.stop(0), this.#options.seconds * 1000);
  }

  stop(code: number, why = ""): void {
    if (this.#isStopping) {
      for (const part of this.#parts()) part.kill();
      process.exit(code);
    }
    this.#isStopping = true;
    if (why !== "") this.#display.note(why);
    Promise.all(this.#parts().map((part) => part.stop())).then(() => {
      if (why === "") this.#display.note("stopped");
      process.exit(code);
    });
  }

  #parts(): Part<object>[] {
    return [this.#binding, this.#mapping, this.#connector];
  }

  #watch(name: PartName): PartEvents {
    return {
      message: (message) => this.#hear(name, message),
      died: (pid, how) => {
        this.#up.delete(name);
        this.#display.note(`${name} (pid ${pid}) died: ${how}; starting it again`);
      },
      gaveUp: (how) => this.stop(1, `${name} does not stay alive: ${how}`),
    };
  }

  #hear(name: PartName, message: FromChild): void {
    if (this.#isStopping) return;
    if (message.kind === "seen") {
      if (this.#isIntroduced) this.#display.show(message.seen);
    } else if (message.kind === "failed") this.#failed(name, message.code, message.message);
    else if (message.kind === "hop") this.#hop(name, message.isUp, message.text);
    else if (name === "Connector") this.#connectorReady(message.port, message.engine);
    else this.#stlinkReady(name, message.port, message.engine);
  }

  /** The port that it has now is its port for good: STLinks redial it. */
  #connectorReady(port: number, engine: string): void {
    const { address } = this.#connector.setup;
    this.#engines.connector = engine;
    if (address.port !== 0) {
      this.#display.note(`Connector is back: kill -9 ${this.#connector.pid} to try that again`);
      return;
    }
    address.port = port;
    this.#binding.start();
    this.#mapping.start();
  }

  #stlinkReady(name: "Binding" | "Mapping", port: number, engine: string): void {
    if (name === "Mapping") this.#engines.mapping = engine;
    else {
      this.#engines.binding = engine;
      this.#binding.setup.address.port = port;
    }
  }

  #hop(name: string, isUp: boolean, text: string): void {
    if (isUp) this.#up.add(name);
    else this.#up.delete(name);
    if (this.#isIntroduced) this.#display.note(`${name}: ${text}`);
    else if (this.#up.size === 2) this.#introduce();
  }

  #introduce(): void {
    this.#isIntroduced = true;
    const url = `http://${LOOPBACK}:${this.#binding.setup.address.port}/`;
    const serviceUrl = `http://${LOOPBACK}:${this.#servicePort}/`;
    this.#display.introduce({
      url,
      serviceUrl,
      largeBytes: LARGE_BYTES,
      largeHash: this.#hash,
      binding: { pid: this.#binding.pid, engine: this.#engines.binding },
      connector: { pid: this.#connector.pid, engine: this.#engines.connector },
      mapping: { pid: this.#mapping.pid, engine: this.#engines.mapping },
    });
    if (this.#options.isOnce) this.#compare(url, serviceUrl);
  }

  /** --once: the page through the tunnel against the page as the service gives it. */
  async #compare(url: string, serviceUrl: string): Promise<void> {
    const pages = await Promise.all([url, serviceUrl].map(async (u) => (await fetch(u)).bytes()));
    const [through, direct] = pages.map((bytes) => Buffer.from(bytes));
    const isSame = through !== undefined && direct !== undefined && through.equals(direct);
    const text = isSame ? `the same ${through.length} bytes both ways` : "the bytes differ";
    this.stop(isSame ? 0 : 1, text);
  }

  #failed(name: PartName, code: string, message: string): void {
    const { port, engine } = this.#options;
    if (name === "Binding" && code === "EADDRINUSE" && port === null) {
      this.#display.note(`port ${DEFAULT_PORT} is in use: taking a free one`);
      this.#binding.setup.address.port = 0;
      return this.#binding.again();
    }
    if (name === "Binding" && (code === "EADDRINUSE" || code === "EACCES")) {
      const why = code === "EACCES" ? "needs more rights than yours" : "is in use";
      return this.stop(1, `port ${port} ${why}: choose another one with --port`);
    }
    if (name === "Mapping" && engine === "wasm3" && this.#mapping.setup.engine === "wasm3") {
      this.#display.note(`wasm3 can't be had here: ${message.split("\n")[0]}`);
      this.#display.note("the core runs under V8 at both ends instead");
      this.#mapping.setup.engine = "v8";
      return this.#mapping.again();
    }
    this.stop(1, `${name}: ${message}`);
  }
}

/** npm runs this behind a shell that dies of a signal without passing it on. */
function stopWithParent(demo: Demo): void {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) demo.stop(0);
  }, PARENT_WATCH_MS).unref();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) return console.log(HELP);
  if (!existsSync(CORE_WASM)) throw new UsageError(`${CORE_WASM} is not there: npm run build`);
  console.log("starting (wasm3 is compiled first where it has not been: some seconds)");
  const hash = largeHash();
  const { port } = await servePage(hash);
  const demo = new Demo(options, port, hash);
  process.on("SIGINT", () => demo.stop(0));
  process.on("SIGTERM", () => demo.stop(0));
  process.on("SIGHUP", () => demo.stop(0));
  stopWithParent(demo);
  demo.start();
}

main().catch((error: NodeJS.ErrnoException) => {
  const isUsage = error instanceof UsageError || error.code?.startsWith("ERR_PARSE_ARGS");
  console.error(isUsage ? `${error.message}\n\n${HELP}` : error);
  process.exit(isUsage ? 2 : 1);
});
