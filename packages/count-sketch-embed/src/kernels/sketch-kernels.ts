import { kernelsOf, type AttachedKernels } from '@ockham/core/backend';
import { sketch } from './generated/sketch.ts';

/** The compiled kernels; everything is a byte offset into the engine's memory, nothing is checked; no `words` are 0. */
export interface SketchKernels {
  workspaceBytes(unique: number, hashes: number): number;
  lookUp(
    n: number,
    unique: number,
    hashes: number,
    size: number,
    dimension: number,
    places: number,
    slots: number,
    words: number,
    sketch: number,
    out: number,
    workspace: number,
  ): void;
  gradient(
    n: number,
    unique: number,
    hashes: number,
    size: number,
    dimension: number,
    places: number,
    slots: number,
    words: number,
    sketch: number,
    dy: number,
    to: number,
    sums: number,
    workspace: number,
  ): void;
}

const bound = new WeakMap<AttachedKernels, SketchKernels>();

/** The kernels on the memory of an engine, or undefined where it has none that they can reach. */
export function sketchKernelsOf(
  backend: unknown,
): { readonly attached: AttachedKernels; readonly kernels: SketchKernels } | undefined {
  const attached = kernelsOf(backend);
  if (!attached) return undefined;
  let kernels = bound.get(attached);
  if (!kernels) {
    kernels = attached.bind(sketch) as unknown as SketchKernels;
    bound.set(attached, kernels);
  }
  return { attached, kernels };
}
