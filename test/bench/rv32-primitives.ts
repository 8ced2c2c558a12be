// SPDX-License-Identifier: Apache-2.0
// Each primitive on bare RV32IMAC, in instructions: under wasm3 with tail calls and without (for the
// native stack), ahead of time, and BearSSL's plain C AEAD for the same target. Exact: each runs
// twice on a fresh instance, once with its compiling and once without.

import { openRv32, type Rv32Engine } from "../../host/core/engine-rv32.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { Primitives } from "../../host/core/primitives.ts";
import { MeteredEngine } from "./meter.ts";
import { Seeded } from "./seeded.ts";
import type { Facts, Row, Section } from "./table.ts";

type Task = { label: string; bytes: number; run: (core: Primitives) => void };

const AEAD_LENGTHS = [64, 512, 1460, 2048, 16_384];
const HASHED_BYTES = 1024;
const EMPTY = new Uint8Array(0);

type Measured = { first: number; again: number; stackBytes: number };

/** `bearssl` is what BearSSL needs for one AEAD of a length, instructions. */
export function primitivesOnRv32(
  wasm: Uint8Array,
  wasmPath: string,
  bearssl: (bytes: number) => number,
  facts: Facts,
): Section {
  const tasks = allTasks(new Primitives(openV8(wasm)));
  const wasm3 = measureAll(openRv32("wasm3", wasmPath), tasks);
  const deep = measureAll(openRv32("wasm3", wasmPath, { tailCalls: false }), tasks);
  const aot = measureAll(openRv32("aot", wasmPath), tasks);
  const rows = tasks.map((task, i): Row => {
    const [interpreted, nested, native] = [wasm3[i], deep[i], aot[i]];
    if (!interpreted || !nested || !native) throw new Error(`${task.label} was not measured`);
    facts.set(`rv32.wasm3.${task.label}`, interpreted.again);
    facts.set(`rv32.aot.${task.label}`, native.again);
    const each = (instructions: number): number =>
      task.bytes === 0 ? instructions : instructions / task.bytes;
    const isAead = task.label.startsWith("AEAD");
    return {
      label: task.label,
      cells: [
        each(interpreted.again),
        interpreted.first - interpreted.again,
        interpreted.stackBytes,
        nested.stackBytes,
        each(native.again),
        native.stackBytes,
        isAead ? each(bearssl(task.bytes)) : null,
        task.bytes === 0 ? "each" : "a byte",
      ],
    };
  });
  return {
    title: "RV32IMAC: primitives, instructions",
    columns: [
      ...["wasm3", "compiling", "stack, B", "no tail calls"],
      ...["ahead of time", "stack, B", "BearSSL C", ""],
    ],
    rows,
    notes: ['"stack": native stack of the call, wasm3\'s own compiler (about 1.7 KB) included.'],
  };
}

function measureAll(engine: Rv32Engine, tasks: readonly Task[]): Measured[] {
  const meter = new MeteredEngine(engine);
  try {
    return tasks.map(({ run }) => {
      engine.reset();
      const core = new Primitives(meter);
      meter.take();
      run(core);
      const first = meter.take().total;
      const stackBytes = engine.stats().nativeStackHighWaterBytes;
      run(core);
      return { first, again: meter.take().total, stackBytes };
    });
  } finally {
    engine.close();
  }
}

/** Inputs are made by `maker`, outside of the machine. */
function allTasks(maker: Primitives): Task[] {
  const random = new Seeded(23);
  const [key, nonce] = [random.bytes(32), random.bytes(12)];
  const [secret, seed, message] = [random.bytes(32), random.bytes(64), random.bytes(32)];
  const point = maker.x25519Public(random.bytes(32));
  const hashed = random.bytes(HASHED_BYTES);
  const { ek, dk } = maker.mlkem768Keygen(seed);
  const ciphertext = maker.mlkem768Encaps(ek, message)?.ciphertext ?? EMPTY;
  const aead = AEAD_LENGTHS.flatMap((bytes): Task[] => {
    const plain = random.bytes(bytes);
    const sealed = maker.aeadSeal(key, nonce, EMPTY, plain);
    return [
      {
        label: `AEAD seal, ${bytes} B`,
        bytes,
        run: (core) => core.aeadSeal(key, nonce, EMPTY, plain),
      },
      {
        label: `AEAD open, ${bytes} B`,
        bytes,
        run: (core) => {
          if (core.aeadOpen(key, nonce, EMPTY, sealed) === null) throw new Error("a tag is wrong");
        },
      },
    ];
  });
  return [
    ...aead,
    { label: "X25519", bytes: 0, run: (core) => core.x25519(secret, point) },
    { label: "BLAKE2s, 1 KiB", bytes: HASHED_BYTES, run: (core) => core.blake2s(hashed) },
    { label: "SHA3-256, 1 KiB", bytes: HASHED_BYTES, run: (core) => core.sha3_256(hashed) },
    { label: "ML-KEM-768 key generation", bytes: 0, run: (core) => core.mlkem768Keygen(seed) },
    {
      label: "ML-KEM-768 encapsulation",
      bytes: 0,
      run: (core) => core.mlkem768Encaps(ek, message),
    },
    {
      label: "ML-KEM-768 decapsulation",
      bytes: 0,
      run: (core) => core.mlkem768Decaps(dk, ciphertext),
    },
  ];
}
