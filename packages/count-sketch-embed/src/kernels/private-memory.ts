/**
 * The compiled kernels on a memory of their own: for engines that keep tensors to themselves and hand values over cheaply,
 * as the native one does.
 */
import { sketch as build } from './generated/sketch.ts';
import type { SketchKernels } from './sketch-kernels.ts';
import type { SketchTokens } from './tokens.ts';

const PAGE = 2 ** 16;

let own: { readonly memory: WebAssembly.Memory; readonly kernels: SketchKernels } | null | undefined;

/** Both directions on plain arrays; undefined where there is no WebAssembly with SIMD. */
export function privateKernels(): typeof passes | undefined {
  if (own === undefined) {
    try {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const module = new WebAssembly.Module(Uint8Array.from(atob(build), (letter) => letter.charCodeAt(0)));
      const { exports } = new WebAssembly.Instance(module, { env: { memory } });
      own = { memory, kernels: exports as unknown as SketchKernels };
    } catch {
      own = null;
    }
  }
  return own ? passes : undefined;
}

const passes = {
  /** `[n, D]`. */
  lookUp(sketch: Float32Array, tokens: SketchTokens): Float32Array {
    const { kernels } = own!;
    const { sizes, bytes, workspace } = sizesOf(tokens);
    const n = tokens.places.length * tokens.dimension;
    const at = layOut([workspace, bytes.places, bytes.slots, bytes.words, sketch.byteLength, 4 * n]);
    put(tokens, at, sketch);
    kernels.lookUp(...sizes, at[1]!, at[2]!, tokens.words ? at[3]! : 0, at[4]!, at[5]!, at[0]!);
    return new Float32Array(own!.memory.buffer, at[5], n).slice();
  },
  /** As large as the sketch. */
  gradient(sketch: Float32Array, tokens: SketchTokens, dy: Float32Array): Float32Array {
    const { kernels } = own!;
    const { sizes, bytes, workspace } = sizesOf(tokens);
    const at = layOut([
      ...[workspace, bytes.places, bytes.slots, bytes.words, sketch.byteLength],
      ...[dy.byteLength, sketch.byteLength, bytes.sums],
    ]);
    put(tokens, at, sketch);
    const { buffer } = own!.memory;
    new Float32Array(buffer, at[5], dy.length).set(dy);
    const to = new Float32Array(buffer, at[6], sketch.length).fill(0);
    const words = tokens.words ? at[3]! : 0;
    kernels.gradient(...sizes, at[1]!, at[2]!, words, at[4]!, at[5]!, at[6]!, at[7]!, at[0]!);
    return to.slice();
  },
};

function sizesOf({ hashes, groups, dimension, places, slots, words }: SketchTokens) {
  const unique = slots.length / hashes;
  return {
    sizes: [places.length, unique, hashes, hashes / groups, dimension] as const,
    bytes: {
      places: places.byteLength,
      slots: slots.byteLength,
      words: words?.byteLength ?? 0,
      sums: 4 * unique * dimension,
    },
    workspace: own!.kernels.workspaceBytes(unique, hashes),
  };
}

/** Where parts of so many bytes begin, one after the other; the memory grows to hold them. */
function layOut(parts: readonly number[]): number[] {
  let end = 0;
  const starts = parts.map((bytes) => {
    const start = end;
    end += (bytes + 15) & ~15;
    return start;
  });
  const { memory } = own!;
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  return starts;
}

function put(tokens: SketchTokens, at: readonly number[], sketch: Float32Array): void {
  const { buffer } = own!.memory;
  new Int32Array(buffer, at[1], tokens.places.length).set(tokens.places);
  new Int32Array(buffer, at[2], tokens.slots.length).set(tokens.slots);
  if (tokens.words) new Int32Array(buffer, at[3], tokens.words.length).set(tokens.words);
  new Float32Array(buffer, at[4], sketch.length).set(sketch);
}
