/**
 * The compiled kernels on a memory of their own: for engines that keep tensors to themselves and hand values over cheaply,
 * as the native one does. The weights handed over last stay there: a step looks up and goes back with the same.
 */
import { mul, tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { privateKernels } from './compiled.ts';
import type { Pass } from './look-up.ts';
import type { TableForm } from './table-form.ts';
import type { Tokens } from './tokens.ts';

const PAGE = 2 ** 16;

/** The identity of the values that the memory begins with. */
let held: object | undefined;

export const besidePass: Pass = {
  lookUp(form, weights, tokens) {
    const { kernels, memory } = privateKernels()!;
    const n = tokens.places.length * tokens.dimension;
    const { told, at, workspace } = layOut(form, weights, tokens, [4 * n]);
    kernels[form.compiled[0]](...told, 0, at[0]!, workspace);
    const values = new Float32Array(memory.buffer, at[0], n);
    return takeOver(values, [tokens.places.length, tokens.dimension]);
  },
  gradient(form, weights, tokens, dy) {
    const { kernels, memory } = privateKernels()!;
    const by = dy.dataSync<'float32'>();
    const sums = 4 * tokens.unique * tokens.dimension;
    const { told, at, workspace } = layOut(form, weights, tokens, [4 * by.length, 4 * weights.size, sums]);
    new Float32Array(memory.buffer, at[0], by.length).set(by);
    const to = new Float32Array(memory.buffer, at[1], weights.size).fill(0);
    kernels[form.compiled[1]](...told, 0, at[0]!, at[1]!, at[2]!, workspace);
    return takeOver(to, weights.shape);
  },
};

/**
 * Hands a part of the memory over. The engine would go on to read a typed array where it is; what an operation returns is in
 * memory that the engine uses again and again, where a copy in TypeScript has pages that are new to the process each time.
 */
function takeOver(values: Float32Array, shape: number[]): Tensor {
  return tidy(() => mul(tensor(values, shape), 1));
}

/** Puts the weights at the beginning and behind them what a kernel is told; `rooms` are bytes for the rest. */
function layOut<T extends Tokens>(
  form: TableForm<T>,
  weights: Tensor,
  tokens: T,
  rooms: readonly number[],
): { told: number[]; at: number[]; workspace: number } {
  const { kernels, memory } = privateKernels()!;
  const tables = form.tables(tokens);
  const own = kernels.workspaceBytes(tokens.unique, form.hashes(tokens));
  let end = 0;
  const take = (bytes: number): number => {
    const start = end;
    end += (bytes + 8 + 63) & ~63; // some is read after the last; an engine reads lines of the cache in place
    return start;
  };
  take(4 * weights.size);
  const workspace = take(own);
  const places = tables.map((table) => (table ? take(table.byteLength) : 0));
  const at = rooms.map(take);
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  if (held !== weights.dataId) {
    new Float32Array(memory.buffer, 0, weights.size).set(weights.dataSync<'float32'>());
    held = weights.dataId;
  }
  tables.forEach((table, i) => {
    if (table) new Int32Array(memory.buffer, places[i], table.length).set(table);
  });
  return { told: [...form.sizes(tokens), ...places], at, workspace };
}
