/**
 * The one hot loop of the room: a product of packed panels, a 4 × 4 tile of it at a time in registers; in WebAssembly
 * where the engine has SIMD. Both forms add in the same order, so that results do not depend on which one it is.
 */
import { panelProduct } from '../kernels/generated/panel-product.ts';

/** Rows of A and columns of B that are packed together. */
export const tile = 4;
/** The most of each that {@link PanelKernel.multiply} takes at once: what stays in the caches. */
export const height = 64;
export const width = 256;
export const depth = 256;

export interface PanelKernel {
  /** `[height / tile, depth, tile]`: panels of four rows of A, one column after another. */
  readonly a: Float64Array;
  /** `[width / tile, depth, tile]`: panels of four columns of B, one row after another. */
  readonly b: Float64Array;
  /** `[height, width]`: the product; what lies beyond m and n is anything. */
  readonly c: Float64Array;
  /** `c(i, j) = Σ_p a(i, p) b(p, j)` for i < m, j < n; panels are k deep, those on the edge filled up with zeros. */
  multiply(m: number, n: number, k: number): void;
}

interface PanelModule {
  readonly memory: WebAssembly.Memory;
  multiplyPanels(m: number, n: number, k: number, a: number, b: number, c: number, row: number): void;
}

let compiled: WebAssembly.Module | undefined;

/** The kernel in WebAssembly, or in plain TypeScript where that does not compile. */
export function makePanelKernel(): PanelKernel {
  let module: PanelModule;
  try {
    compiled ??= new WebAssembly.Module(
      Uint8Array.from(atob(panelProduct), (letter) => letter.charCodeAt(0)),
    );
    module = new WebAssembly.Instance(compiled).exports as unknown as PanelModule;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return makePlainPanelKernel(); // no SIMD
    throw error;
  }
  const { memory, multiplyPanels } = module;
  const [atB, atC] = [8 * height * depth, 8 * (height + width) * depth];
  return {
    a: new Float64Array(memory.buffer, 0, height * depth),
    b: new Float64Array(memory.buffer, atB, width * depth),
    c: new Float64Array(memory.buffer, atC, height * width),
    multiply: (m, n, k) => multiplyPanels(m, n, k, 0, atB, atC, width),
  };
}

/** The kernel in plain TypeScript, the oracle of the other. */
export function makePlainPanelKernel(): PanelKernel {
  const a = new Float64Array(height * depth);
  const b = new Float64Array(width * depth);
  const c = new Float64Array(height * width);
  return {
    a,
    b,
    c,
    multiply(m, n, k) {
      for (let i = 0; i < m; i += tile) {
        for (let j = 0; j < n; j += tile) multiplyTile(k, a, i * k, b, j * k, c, i * width + j);
      }
    },
  };
}

function multiplyTile(
  k: number,
  a: Float64Array,
  aOffset: number,
  b: Float64Array,
  bOffset: number,
  c: Float64Array,
  cOffset: number,
): void {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  let c20 = 0;
  let c21 = 0;
  let c22 = 0;
  let c23 = 0;
  let c30 = 0;
  let c31 = 0;
  let c32 = 0;
  let c33 = 0;
  let p = aOffset;
  let q = bOffset;
  for (let step = 0; step < k; step++) {
    const b0 = b[q]!;
    const b1 = b[q + 1]!;
    const b2 = b[q + 2]!;
    const b3 = b[q + 3]!;
    const a0 = a[p]!;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = a[p + 1]!;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = a[p + 2]!;
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
    const a3 = a[p + 3]!;
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    c33 += a3 * b3;
    p += 4;
    q += 4;
  }
  let r = cOffset;
  c[r] = c00;
  c[r + 1] = c01;
  c[r + 2] = c02;
  c[r + 3] = c03;
  r += width;
  c[r] = c10;
  c[r + 1] = c11;
  c[r + 2] = c12;
  c[r + 3] = c13;
  r += width;
  c[r] = c20;
  c[r + 1] = c21;
  c[r + 2] = c22;
  c[r + 3] = c23;
  r += width;
  c[r] = c30;
  c[r + 1] = c31;
  c[r + 2] = c32;
  c[r + 3] = c33;
}
