// SPDX-License-Identifier: Apache-2.0
// Three layers with framing on bare RV32IMAC: instructions per byte of payload that a device needs to
// seal records to the wire and to open them from it, under wasm3 and ahead of time, beside three of
// BearSSL's plain C AEADs of the record's length. Each record has a packet and a hop record of its
// own; the first bursts compile and are not counted.

import { DEVICE_SIZES, type Sizes } from "../../host/core/core.ts";
import { goal } from "./goals.ts";
import { type Device, type MachineKind, onDevice } from "./machine.ts";
import { Seeded } from "./seeded.ts";
import type { Facts, Row, Section } from "./table.ts";
import { burst, type Part } from "./transfer.ts";

const LAYERS = 3;
const WARM_BURSTS = 2;
const BURSTS = 4;
/** Two of the longest fit a device's shared pool. */
const RECORDS = 2;

/** A device's own sizes, and what they become for records of 2 KiB, which its packets don't hold. */
const CASES: readonly { bytes: number; sizes: Sizes }[] = [
  { bytes: 512, sizes: DEVICE_SIZES },
  { bytes: DEVICE_SIZES.maxRecordBytes, sizes: DEVICE_SIZES },
  { bytes: 2048, sizes: wideSizes() },
];
const GOAL_BYTES = 2048;

function wideSizes(): Sizes {
  const maxPacketBytes = 2560;
  return {
    ...DEVICE_SIZES,
    maxRecordBytes: 2048,
    maxPacketBytes,
    hopBufferBytes: maxPacketBytes + 256,
    recvBlocks: 64,
    sendBlocks: 72,
  };
}

type PerByte = Record<Part, number>;
type Both = { out: PerByte; back: PerByte };

export function layersOnRv32(
  wasm: Uint8Array,
  wasmPath: string,
  bearssl: (bytes: number) => number,
  facts: Facts,
): Section {
  const measured = CASES.map(({ bytes, sizes }) => {
    const [wasm3, aot] = (["wasm3", "aot"] as const).map((kind: MachineKind) =>
      onDevice(kind, wasm, wasmPath, sizes, (device) => bothWays(device, bytes)),
    );
    if (wasm3 === undefined || aot === undefined) throw new Error("no machine ran");
    const three = (LAYERS * bearssl(bytes)) / bytes;
    return { bytes, wasm3, aot, three };
  });
  const rows = measured.flatMap(({ bytes, wasm3, aot, three }) => [
    row("seal", bytes, sealing(wasm3.out), sealing(aot.out), three, facts),
    row("open", bytes, opening(wasm3.back), opening(aot.back), three, facts),
  ]);
  return {
    title: "RV32IMAC: three layers, instructions a byte",
    columns: [
      ...["wasm3", "with ACKs", "ahead of time", "with ACKs"],
      ...["BearSSL C x 3", "AOT : BearSSL"],
    ],
    rows,
    notes: [
      '"with ACKs": also what the device does for acknowledgements and credit.',
      `Records above ${DEVICE_SIZES.maxRecordBytes} B need larger packets than a device's usual sizes have.`,
    ],
  };
}

/** What one side does, without acknowledgement and with it. */
type Side = { alone: number; withAcks: number };

function sealing({ seal, acknowledged }: PerByte): Side {
  return { alone: seal, withAcks: seal + acknowledged };
}

function opening({ open, acknowledge }: PerByte): Side {
  return { alone: open, withAcks: open + acknowledge };
}

function row(
  way: "seal" | "open",
  bytes: number,
  wasm3: Side,
  aot: Side,
  three: number,
  facts: Facts,
): Row {
  const ratio = aot.alone / three;
  const cells = [
    ...[wasm3.alone, wasm3.withAcks, aot.alone, aot.withAcks],
    ...[three, `${ratio.toFixed(2)} x`],
  ];
  facts.set(`rv32.wasm3.layers.${way}.${bytes}`, wasm3.alone);
  const label = `${way}, ${bytes} B`;
  if (bytes < GOAL_BYTES) return { label, cells };
  const goals = [goal(`layers.wasm3.${way}`, wasm3.alone), goal("layers.aot", ratio)];
  return { label, cells, goals };
}

function bothWays(device: Device, bytes: number): Both {
  const flow = device.tunnel.flow();
  const back = {
    from: flow.to,
    to: flow.from,
    sending: flow.receiving,
    receiving: flow.sending,
  };
  return { out: perByte(device, flow, bytes), back: perByte(device, back, bytes) };
}

function perByte(
  { tunnel, meter }: Device,
  flow: Parameters<typeof burst>[1],
  bytes: number,
): PerByte {
  const payload = new Seeded(31).bytes(bytes);
  const instructions: PerByte = { seal: 0, open: 0, acknowledge: 0, acknowledged: 0 };
  let payloadBytes = 0;
  for (let i = 0; i < WARM_BURSTS + BURSTS; i++) {
    const isCounted = i >= WARM_BURSTS;
    const taken = burst(tunnel, flow, payload, RECORDS, (part, run) => {
      meter.take();
      const result = run();
      if (isCounted) instructions[part] += meter.take().total;
      return result;
    });
    if (isCounted) payloadBytes += taken;
  }
  for (const part of Object.keys(instructions) as Part[]) instructions[part] /= payloadBytes;
  return instructions;
}
