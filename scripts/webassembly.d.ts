// SPDX-License-Identifier: Apache-2.0
// Types of the engine's own WebAssembly object, as far as host/core and the tests use it.
// TypeScript has them only in its browser library, which would bring `window` and `name` along.
// Source: WebAssembly JavaScript interface, W3C.

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array | ArrayBuffer);
    static exports(module: Module): { name: string; kind: string }[];
    static imports(module: Module): { module: string; name: string; kind: string }[];
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Global {
    constructor(descriptor: { value: string; mutable?: boolean }, value: unknown);
    value: number | bigint;
  }

  class Table {
    readonly length: number;
    get(index: number): unknown;
  }

  type ExportValue = ((...args: never[]) => unknown) | Memory | Global | Table;
  type Exports = Record<string, ExportValue>;
  type Imports = Record<string, Record<string, unknown>>;

  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }

  class RuntimeError extends Error {}
  class CompileError extends Error {}
  class LinkError extends Error {}

  function validate(bytes: Uint8Array | ArrayBuffer): boolean;
}
