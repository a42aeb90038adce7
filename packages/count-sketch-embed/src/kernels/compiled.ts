/** The compiled kernels of `assembly/`, bound to a memory. */
import { kernelsOf, type AttachedKernels } from '@ockham/core/backend';
import { sketch as build } from './generated/sketch.ts';

/**
 * Everything is a byte offset into the memory, nothing is checked. A look-up is told its form's sizes, then where its tables are
 * (0 for one that is absent), the weights, the vectors and the workspace; a gradient the weights, the vectors' gradient, that of
 * the weights, room for sums by id, and the workspace.
 */
export interface TableKernels {
  workspaceBytes(unique: number, hashes: number): number;
  lookUp(...told: number[]): void;
  gradient(...told: number[]): void;
  lookUpRobe(...told: number[]): void;
  gradientRobe(...told: number[]): void;
}

const bound = new WeakMap<AttachedKernels, TableKernels>();

/** The kernels on the memory of an engine, or undefined where it has none that they can reach. */
export function compiledOn(
  backend: unknown,
): { readonly attached: AttachedKernels; readonly kernels: TableKernels } | undefined {
  const attached = kernelsOf(backend);
  if (!attached) return undefined;
  let kernels = bound.get(attached);
  if (!kernels) {
    kernels = attached.bind(build) as unknown as TableKernels;
    bound.set(attached, kernels);
  }
  return { attached, kernels };
}

/** The kernels on a memory of their own. */
export interface PrivateKernels {
  readonly kernels: TableKernels;
  readonly memory: WebAssembly.Memory;
}

let own: PrivateKernels | null | undefined;

/** The one such memory of the page; undefined where there is no WebAssembly with SIMD. */
export function privateKernels(): PrivateKernels | undefined {
  if (own === undefined) {
    try {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const module = new WebAssembly.Module(Uint8Array.from(atob(build), (letter) => letter.charCodeAt(0)));
      const { exports } = new WebAssembly.Instance(module, { env: { memory } });
      own = { memory, kernels: exports as unknown as TableKernels };
    } catch {
      own = null;
    }
  }
  return own ?? undefined;
}
