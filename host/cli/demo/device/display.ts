// SPDX-License-Identifier: Apache-2.0
// What the device demo shows: who is who and what to try, then live what the device says on its console and
// what the Connector sees. Before it: play.ts. After it: a terminal, where a block of lines is redrawn in
// place, or anything else, which gets plain lines now and then.

import type { ConnectorStatus } from "../../../connector/status.ts";
import { RAM_KIB } from "../../../device/emulator.ts";
import { LiveBlock } from "../../live-block.ts";
import { connectorLines } from "../display.ts";
import type { DeviceKind } from "./demo-device.ts";
import type { Watcher } from "./watcher.ts";

export type Facts = {
  kind: DeviceKind;
  url: string;
  bindingPort: number;
  connectorPid: number;
  /** Is there a network of its own that can be taken away? */
  hasCable: boolean;
  folder: string;
};

/** Lines of the console that are shown. */
const CONSOLE_LINES = 4;
/** An emulated camera's picture may take a second or two. */
const FRESH_SECONDS = 3;
const UNPRINTABLE = /[^\x20-\x7e]/g;

export class DeviceDisplay {
  readonly #block = new LiveBlock();
  #console: string[] = [];
  #isIntroduced = false;

  /** A line that stays. */
  note(text: string): void {
    this.#block.note(text);
  }

  /** Somebody has typed a line: it goes with the block. */
  lineTyped(): void {
    this.#block.lineTyped();
  }

  /** The device has said something: seen as it comes, and later on in the block. */
  console(line: string): void {
    const text = line.replaceAll(UNPRINTABLE, "?");
    this.#console = [...this.#console, text].slice(-CONSOLE_LINES);
    if (!this.#isIntroduced) this.note(`  ${text}`);
  }

  get consoleText(): string {
    return this.#console.map((line) => `  ${line}`).join("\n");
  }

  introduce({ kind, url, bindingPort, connectorPid, hasCable, folder }: Facts): void {
    this.#isIntroduced = true;
    const bold = (text: string) => this.#block.bold(text);
    const network = hasCable
      ? "\n              n: takes the device's network away for ten seconds"
      : "";
    this.note(`
${bold("SealedTunnel")}: a camera, ${whatItIs(kind)}

  your browser ─► STLink office ─► Connector ◄─ camera
  127.0.0.1:${String(bindingPort).padEnd(6)} three layers of encryption, no open port at either end

  Open it     ${bold(url)}
  Or          curl ${url}snapshot.jpg --output camera.jpg
  Break it    c: kills the Connector (kill -9 ${connectorPid}); it is started again${network}
              p: cuts the device's power
              (a letter, then Enter: the picture comes back by itself)
  Look inside ls ${folder}
              npx sealed status --socket ${folder}/office.sock
  More        npm run demo:routes (a web service behind an STLink, a camera behind a gateway)
  Stop        Ctrl-C
`);
  }

  /** How it stands now. */
  show(seen: ConnectorStatus, watcher: Watcher): void {
    this.#block.show([
      "The camera, through the tunnel",
      `  ${cameraText(watcher)}`,
      "The device's console",
      ...this.#console.map((line) => `  ${line}`),
      ...connectorLines(seen),
      "What it does not see",
      "  the picture, the page, URLs, Routes, how many connections there are, any key",
    ]);
  }
}

function cameraText({ last, secondsAgo }: Watcher): string {
  if (last === null || secondsAgo > FRESH_SECONDS) return `no picture for ${secondsAgo} s`;
  return `frame ${last.frame}, ${last.bytes.toLocaleString("en")} bytes`;
}

function whatItIs(kind: DeviceKind): string {
  if (kind === "native") return "its firmware as a program of this machine (not in an emulator)";
  const how = kind === "virt-rv32" ? "wasm3" : "ahead-of-time code";
  return `a RISC-V board with ${RAM_KIB[kind]} KiB of RAM in QEMU, its core under ${how}`;
}
