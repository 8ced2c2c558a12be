// SPDX-License-Identifier: Apache-2.0
// Each primitive under V8: the shipped module's, called in place as the core itself calls it and
// through host/core/primitives.ts with its copies and its wiping, beside three libraries in the same
// rounds (timing.ts). Before: rivals.ts. After: run.ts prints.

import { openV8, type V8Engine } from "../../host/core/engine-v8.ts";
import { Primitives } from "../../host/core/primitives.ts";
import type { Rival, Run } from "./rivals.ts";
import { Seeded } from "./seeded.ts";
import type { Row, Section } from "./table.ts";
import { compare } from "./timing.ts";

export const RECORD_LENGTHS = [64, 1024, 16_384] as const;

const HASHED_BYTES = 1024;
const ALIGN = 16;
const EMPTY = new Uint8Array(0);

export type Task = {
  label: string;
  /** Bytes that one run deals with; 0: the run itself is what counts. */
  bytes: number;
  inPlace: Run;
  wrapped: Run;
  rival(rival: Rival): Run | null;
};

/** The table; every number is the best of several interleaved rounds. */
export function primitivesUnderV8(wasm: Uint8Array, rivals: readonly Rival[]): Section {
  const rows = tasks(openV8(wasm), openV8(wasm)).map((task) => row(task, rivals));
  return {
    title: "V8: primitives",
    columns: ["core", "core, copies", ...rivals.map((rival) => rival.name), "unit", "core : best"],
    rows,
    notes: [
      '"core": in linear memory, as the tunnel uses it; "core, copies": host/core/primitives.ts.',
      '"core : best": the core in place, as a multiple of the fastest library\'s speed.',
    ],
  };
}

function row({ label, bytes, inPlace, wrapped, rival }: Task, rivals: readonly Rival[]): Row {
  const seconds = compare([inPlace, wrapped, ...rivals.map((one) => rival(one))]);
  const amount = bytes === 0 ? 1 : bytes / 1e6;
  const speeds = seconds.map((each) => (each === null ? null : amount / each));
  const best = Math.max(...speeds.slice(2).map((speed) => speed ?? 0));
  const unit = bytes === 0 ? "/s" : "MB/s";
  return { label, cells: [...speeds, unit, `${((speeds[0] ?? 0) / best).toFixed(2)} x`] };
}

function tasks(engine: V8Engine, copying: V8Engine): Task[] {
  const random = new Seeded(11);
  const core = new Primitives(copying);
  const desk = new Desk(engine);
  return [
    ...RECORD_LENGTHS.flatMap((length) => aeadTasks(desk, core, random, length)),
    x25519Task(desk, core, random),
    ...hashTasks(desk, core, random),
    ...kemTasks(desk, core, random),
  ];
}

/** Where things lie in the memory of an instance that runs no tunnel. */
export class Desk {
  readonly engine: V8Engine;
  #top: number;

  constructor(engine: V8Engine) {
    this.engine = engine;
    this.#top = engine.call("prim_scratch");
  }

  put(bytes: Uint8Array): number {
    const at = this.take(bytes.length);
    this.engine.write(at, bytes);
    return at;
  }

  take(length: number): number {
    const at = this.#top;
    this.#top = (at + length + ALIGN - 1) & -ALIGN;
    return at;
  }
}

/** Sealing and opening of one length, ready to be timed. */
export function aeadTasks(desk: Desk, core: Primitives, random: Seeded, bytes: number): Task[] {
  const [key, nonce, plain] = [random.bytes(32), random.bytes(12), random.bytes(bytes)];
  const sealed = core.aeadSeal(key, nonce, EMPTY, plain);
  const { engine } = desk;
  const [keyPtr, noncePtr, ptr] = [desk.put(key), desk.put(nonce), desk.take(bytes + 16)];
  const seal = engine.bind("prim_aead_seal");
  const open = engine.bind("prim_aead_open");
  return [
    {
      label: `AEAD seal, ${bytes} B`,
      bytes,
      inPlace: () => seal(keyPtr, noncePtr, 0, 0, ptr, bytes),
      wrapped: () => core.aeadSeal(key, nonce, EMPTY, plain),
      rival: (rival) => rival.seal(key, nonce, plain),
    },
    {
      label: `AEAD open, ${bytes} B`,
      bytes,
      inPlace: () => {
        engine.view().set(sealed, ptr); // it was opened in place; the tag has to be right again
        if (open(keyPtr, noncePtr, 0, 0, ptr, bytes) !== 1) throw new Error("a tag is wrong");
      },
      wrapped: () => core.aeadOpen(key, nonce, EMPTY, sealed),
      rival: (rival) => rival.open(key, nonce, sealed),
    },
  ];
}

function x25519Task(desk: Desk, core: Primitives, random: Seeded): Task {
  const secret = random.bytes(32);
  const point = core.x25519Public(random.bytes(32));
  const { engine } = desk;
  const [secretPtr, pointPtr, out] = [desk.put(secret), desk.put(point), desk.take(32)];
  const finish = stepper(engine, "prim_x25519_step");
  return {
    label: "X25519",
    bytes: 0,
    inPlace: () => {
      engine.call("prim_x25519_start", secretPtr, pointPtr);
      finish();
      engine.call("prim_x25519_finish", out);
    },
    wrapped: () => core.x25519(secret, point),
    rival: (rival) => rival.x25519(secret, point),
  };
}

function hashTasks(desk: Desk, core: Primitives, random: Seeded): Task[] {
  const data = random.bytes(HASHED_BYTES);
  const { engine } = desk;
  const [ptr, out] = [desk.put(data), desk.take(32)];
  return [
    {
      label: `BLAKE2s, ${HASHED_BYTES} B`,
      bytes: HASHED_BYTES,
      inPlace: () => engine.call("prim_blake2s", ptr, HASHED_BYTES, 0, 0, out, 32),
      wrapped: () => core.blake2s(data),
      rival: (rival) => rival.blake2s(data),
    },
    {
      label: `SHA3-256, ${HASHED_BYTES} B`,
      bytes: HASHED_BYTES,
      inPlace: () => engine.call("prim_sha3_256", ptr, HASHED_BYTES, out),
      wrapped: () => core.sha3_256(data),
      rival: (rival) => rival.sha3(data),
    },
  ];
}

function kemTasks(desk: Desk, core: Primitives, random: Seeded): Task[] {
  const [seed, message] = [random.bytes(64), random.bytes(32)];
  const { ek, dk } = core.mlkem768Keygen(seed);
  const encapsulated = core.mlkem768Encaps(ek, message);
  if (encapsulated === null) throw new Error("the core refuses its own encapsulation key");
  const { ciphertext } = encapsulated;
  const { engine } = desk;
  const [seedPtr, messagePtr, ekPtr] = [desk.put(seed), desk.put(message), desk.put(ek)];
  const [dkPtr, ciphertextPtr, out] = [desk.put(dk), desk.put(ciphertext), desk.take(32)];
  const finish = stepper(engine, "prim_mlkem_step");
  return [
    {
      label: "ML-KEM-768 key generation",
      bytes: 0,
      inPlace: () => {
        engine.call("prim_mlkem_keygen_start", seedPtr, ekPtr, dkPtr);
        finish();
      },
      wrapped: () => core.mlkem768Keygen(seed),
      rival: (rival) => rival.keygen(seed),
    },
    {
      label: "ML-KEM-768 encapsulation",
      bytes: 0,
      inPlace: () => {
        engine.call("prim_mlkem_encaps_start", ekPtr, messagePtr, ciphertextPtr, out);
        finish();
      },
      wrapped: () => core.mlkem768Encaps(ek, message),
      rival: (rival) => rival.encaps(ek, message),
    },
    {
      label: "ML-KEM-768 decapsulation",
      bytes: 0,
      inPlace: () => {
        engine.call("prim_mlkem_decaps_start", dkPtr, ciphertextPtr, out);
        finish();
      },
      wrapped: () => core.mlkem768Decaps(dk, ciphertext),
      rival: (rival) => rival.decaps(dk, ciphertext, seed),
    },
  ];
}

function stepper(engine: V8Engine, name: string): Run {
  const step = engine.bind(name);
  return () => {
    while (step() === 0) {}
  };
}
