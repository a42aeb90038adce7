/** What tensor-parallel ranks exchange at a marker, in the place of running it: Megatron's f and g, and the gathering of parts. */
import { shareOf, type Communicator } from '@ockham/core/comm';
import { add, slice, tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import type { Block } from '../program/cut-model.ts';
import type { MicroBatch } from '../program/micro-batch.ts';
import type { Value } from '../program/calls.ts';

/** Goes forward through a marker. Collective over `ranks`. */
export async function exchangeForward(batch: MicroBatch, block: Block, ranks: Communicator): Promise<void> {
  const [from, to] = endsOf(block);
  const x = batch.value(from);
  if (ranks.size === 1 || block.marker === 'copy') {
    batch.give(to, x);
    return;
  }
  const [values, width] =
    block.marker === 'reduce'
      ? [await summed(x, ranks), x.shape.at(-1)!]
      : await gathered(x, widthOf(block), ranks);
  const y = tensor(values, [...x.shape.slice(0, -1), width]);
  batch.give(to, y);
  y.dispose();
}

/**
 * Goes back through a marker. Collective over `ranks`: what follows a marker is the same on all, so that all have a gradient there or
 * none has.
 */
export async function exchangeBackward(batch: MicroBatch, block: Block, ranks: Communicator): Promise<void> {
  const [from, to] = endsOf(block);
  const dy = batch.gradient(to);
  if (!dy) return;
  if (ranks.size === 1 || block.marker === 'reduce') addGradient(batch, from, dy);
  else if (block.marker === 'copy') {
    const sum = tensor(await summed(dy, ranks), dy.shape);
    addGradient(batch, from, sum);
    sum.dispose();
  } else {
    const [begin, end] = shareOf(widthOf(block), ranks.rank, ranks.size);
    const starts = dy.shape.map((_, axis) => (axis === dy.rank - 1 ? begin : 0));
    const part = slice(dy, starts, [...dy.shape.slice(0, -1), end - begin]);
    addGradient(batch, from, part);
    part.dispose();
  }
  batch.giveGradient(to, undefined);
}

/** What a marker reads and gives. */
export function endsOf({ calls: [call] }: Block): readonly [from: Value, to: Value] {
  return [call!.inputs[0]!, call!.outputs[0]!];
}

/** Width of the whole behind a `GatherFromRanks`. */
export function widthOf({ calls: [call] }: Block): number {
  return (call!.layer as unknown as { readonly width: number }).width;
}

/** Adds to the gradient of a value that there is so far. */
export function addGradient(batch: MicroBatch, value: Value, gradient: Tensor): void {
  const former = batch.gradient(value);
  tidy(() => {
    batch.giveGradient(value, former ? add(former, gradient) : gradient);
  });
}

async function summed(x: Tensor, ranks: Communicator): Promise<Float32Array> {
  return ranks.allReduce((await x.data<'float32'>()).slice());
}

/** The ranks' parts of the last axis side by side. */
async function gathered(
  x: Tensor,
  width: number,
  ranks: Communicator,
): Promise<[values: Float32Array, width: number]> {
  const own = (await x.data<'float32'>()).slice();
  const rows = x.size / x.shape.at(-1)!;
  const parts = await ranks.allGather(own, new Float32Array(rows * width));
  const values = new Float32Array(rows * width);
  let at = 0;
  for (let rank = 0; rank < ranks.size; rank++) {
    const [begin, end] = shareOf(width, rank, ranks.size);
    for (let row = 0; row < rows; row++, at += end - begin)
      values.set(parts.subarray(at, at + end - begin), row * width + begin);
  }
  return [values, width];
}
