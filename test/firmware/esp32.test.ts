// SPDX-License-Identifier: Apache-2.0
// The ESP32 port's own code, run on this machine over fakes of the ESP-IDF calls that it uses
// (esp32-shim): Wi-Fi that comes and goes, records through failing flash, watchdog, start. Under
// AddressSanitizer and UndefinedBehaviorSanitizer. Beneath it: firmware/ports/esp32/main. What no
// desktop can show is in firmware/ports/esp32/NOTES.md.

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildNative, FIRMWARE, FIRMWARE_CORE, POSIX_PORT } from "../../scripts/build-native.ts";
import { BUILD_DIR } from "../../scripts/run.ts";

const SHIM = join(import.meta.dirname, "esp32-shim");
const PORT = join(FIRMWARE, "ports", "esp32", "main");
const HEADERS = join(BUILD_DIR, "esp32-shim");
/** What the port includes of ESP-IDF; sdkconfig.h has the settings of a board with a UART. */
const NAMES = [
  ...["bootloader_random.h", "driver/uart.h", "esp_err.h", "esp_event.h", "esp_heap_caps.h"],
  ...["esp_netif.h", "esp_random.h", "esp_system.h", "esp_task_wdt.h", "esp_timer.h", "esp_wifi.h"],
  ...["freertos/FreeRTOS.h", "freertos/task.h", "nvs.h", "nvs_flash.h", "sdkconfig.h"],
];
const PORT_FILES = ["main.cpp", "platform.cpp", "records.cpp", "serial_line.cpp", "wifi.cpp"];
const SHIM_FILES = ["idf.cpp", "idf_nvs.cpp", "idf_wifi.cpp", "scenarios.cpp"];

let program: string;

beforeAll(() => {
  for (const name of NAMES) {
    mkdirSync(dirname(join(HEADERS, name)), { recursive: true });
    writeFileSync(join(HEADERS, name), '#include "idf.h"\n');
  }
  program = buildNative({
    name: "esp32-shim",
    sources: [
      ...PORT_FILES.map((name) => join(PORT, name)),
      ...SHIM_FILES.map((name) => join(SHIM, name)),
      ...["log.cpp", "writer.cpp", "crc32.cpp", "arena.c"].map((name) => join(FIRMWARE_CORE, name)),
    ],
    include: [SHIM, PORT, FIRMWARE_CORE, POSIX_PORT, HEADERS],
    sanitized: true,
  });
});

/** What the device said in a scenario; each expectation in it held. */
function play(scenario: string): string {
  const { status, stdout, stderr } = spawnSync(program, [scenario], {
    encoding: "utf8",
    timeout: 60_000,
  });
  expect(stderr).toBe("");
  expect(stdout).not.toMatch(/not so:/);
  expect(status).toBe(0);
  return stdout;
}

describe("Wi-Fi", () => {
  it("is joined, and the device knows its own address", () => {
    expect(play("joins")).toMatch(/Wi-Fi is joined/);
  });

  it("is joined again each time it comes back, fifty times", () => {
    expect(play("comes-back")).toMatch(/Wi-Fi is lost, reason 200: the access point is silent/);
  });

  it("is joined again at once when it never went", () => {
    play("is-back-at-once");
  });

  it("says that the password is wrong, and takes another without a restart", () => {
    const said = play("wrong-password");
    expect(said).toMatch(/can't be joined, reason 15: the password seems to be wrong/);
    expect(said).not.toMatch(/another|correct horse/);
  });

  it("waits for credentials, and says that there are none", () => {
    expect(play("no-credentials")).toMatch(/no Wi-Fi is set.*sealed device new/);
  });

  it("joins nothing by a damaged record", () => {
    play("damaged-credentials");
  });

  it("doesn't join an open network in place of a protected one", () => {
    expect(play("open-in-place-of-protected")).toMatch(/less protected than WPA2/);
  });

  it("tries again where no address is given", () => {
    expect(play("no-address")).toMatch(/gave no address within 20 s/);
  });

  it("says that the radio doesn't work, and has no chance without it", () => {
    expect(play("no-radio")).toMatch(/the radio can't be switched on/);
  });
});

describe("records in NVS", () => {
  it("are the new or the old, as save said, whichever call fails or loses power", () => {
    play("save-fails");
  });

  it("are there or gone when removing fails", () => {
    play("remove-fails");
  });

  it("are not taken for whole when a bit has changed", () => {
    play("damaged-value");
  });

  it("are left in a partition that can't be read, until a person resets", () => {
    const said = play("unreadable-partition");
    expect(said).toMatch(/"identity" can't be read \(ESP_ERR_NVS_NEW_VERSION_FOUND\)/);
  });
});

describe("the start", () => {
  it("takes memory, starts the device's task and feeds its watchdog", () => {
    expect(play("starts")).toMatch(/memory 163840 of internal RAM\n[\s\S]*restarted/);
  });

  it("takes PSRAM where the chip's own memory is too small", () => {
    expect(play("starts-in-psram")).toMatch(/memory 163840 of PSRAM\n/);
  });

  it("says that a board is too small", () => {
    expect(play("has-no-memory")).toMatch(/no memory for the arena: this board needs PSRAM/);
  });

  it("runs what blocks aside, some at once", () => {
    play("asks-aside");
  });
});
