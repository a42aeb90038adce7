import { stateKernels } from './generated/state-kernels.ts';

/** The compiled kernels, bound to a memory; everything is a byte offset into it, nothing is checked. */
export interface StateKernels {
  forwardPass(
    state: number,
    outside: number,
    blocks: number,
    size: number,
    block: number,
    offsets: number,
    count: number,
    run: number,
    records: number,
    length: number,
    stride: number,
  ): void;
  backwardPass(
    psi: number,
    lambda: number,
    outside: number,
    blocks: number,
    size: number,
    block: number,
    offsets: number,
    count: number,
    run: number,
    records: number,
    length: number,
    stride: number,
    terms: number,
  ): void;
  multiply(
    psi: number,
    out: number,
    total: number,
    size: number,
    groups: number,
    length: number,
    table: number,
  ): number;
}

let compiled: WebAssembly.Module | null | undefined;

/** Binds the kernels to a memory; undefined where the engine has no WebAssembly with SIMD. */
export function bindStateKernels(memory: WebAssembly.Memory): StateKernels | undefined {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(
        Uint8Array.from(atob(stateKernels), (letter) => letter.charCodeAt(0)),
      );
    } catch {
      compiled = null;
    }
  }
  if (compiled === null) return undefined;
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as StateKernels;
}
