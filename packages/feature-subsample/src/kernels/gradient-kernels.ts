import { gradientKernels } from './generated/gradient-kernels.ts';

/** The compiled kernels, bound to a memory; matrices and vectors are byte offsets into it, nothing is checked. */
export interface GradientKernels {
  times(rows: number, columns: number, a: number, x: number, out: number): void;
  addGradient(rows: number, columns: number, a: number, x: number, b: number, out: number, r: number): void;
}

let compiled: WebAssembly.Module | null | undefined;

/** Binds the kernels to a memory; undefined where the engine has no WebAssembly with SIMD. */
export function bindGradientKernels(memory: WebAssembly.Memory): GradientKernels | undefined {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(
        Uint8Array.from(atob(gradientKernels), (letter) => letter.charCodeAt(0)),
      );
    } catch {
      compiled = null;
    }
  }
  if (compiled === null) return undefined;
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as GradientKernels;
}
