/**
 * One micro-batch through the pieces of a rank's program, by the rank alone: what is held after each block, and how large the messages
 * are. Values that others would send are zeros.
 */
import type { LossFunction } from '@ockham/core/training';
import { dispose, zeros, type Tensor } from '@tensorflow/tfjs-core';
import { crossing, sharedAcross } from '../pipeline/run-pipeline.ts';
import type { Value } from '../program/calls.ts';
import type { Program } from '../program/cut-model.ts';
import { MicroBatch, type MicroBatchOptions } from '../program/micro-batch.ts';
import type { RunMode } from '../program/run-block.ts';
import type { SplitCheckpoints } from '../program/split-inputs.ts';
import { standInBackward, standInForward, type Message } from '../tensor/stand-in.ts';

/** Bytes by buffer. */
export type Held = ReadonlyMap<object, number>;

/** What is held when the engine looks. */
export interface Look {
  /** −1 after the loss. */
  readonly block: number;
  readonly held: Held;
  /** Bytes of gradients on their way. */
  readonly gradients: number;
}

/** One piece, one micro-batch. */
export interface PieceRun {
  readonly forward: readonly Look[];
  /** Between the two passes. */
  readonly rest: Held;
  readonly backward: readonly Look[];
  /** Elements of the inputs of which a part is kept. */
  readonly stowed: readonly number[];
  /** To the other tensor ranks, forward and back. */
  readonly tensor: readonly Message[];
  /** Elements of the tensors that go to the piece after, and to the one before. */
  readonly onward: readonly number[];
  readonly back: readonly number[];
}

/** What is run. */
export interface DryRun {
  readonly program: Program;
  readonly cuts: readonly number[];
  readonly mode: RunMode;
  readonly loss: LossFunction;
  readonly options: MicroBatchOptions;
  readonly tensor: SplitCheckpoints['ranks'];
}

/** Runs all pieces forward, then back. The caller owns `x` and `y`. */
export function dryRun(work: DryRun, x: Tensor, y: Tensor): PieceRun[] {
  const { cuts, program, mode, options } = work;
  const batches = cuts.slice(1).map(() => new MicroBatch(program, [x], mode, options));
  try {
    const shapes = new Map<Value, number[]>();
    const ahead = batches.map((_, piece) => forward(work, batches, piece, y, shapes));
    const behind = batches.map((_, k) => backward(work, batches, batches.length - 1 - k, shapes)).reverse();
    return ahead.map((run, piece) => {
      const { backward: looks, back, tensor } = behind[piece]!;
      return { ...run, backward: looks, back, tensor: [...run.tensor, ...tensor] };
    });
  } finally {
    for (const batch of batches) batch.dispose();
  }
}

type Ahead = Pick<PieceRun, 'forward' | 'rest' | 'stowed' | 'tensor' | 'onward'>;

function forward(
  { program, cuts, loss }: DryRun,
  batches: readonly MicroBatch[],
  piece: number,
  y: Tensor,
  shapes: Map<Value, number[]>,
): Ahead {
  const batch = batches[piece]!;
  const [begin, end] = [cuts[piece]!, cuts[piece + 1]!];
  const looks: Look[] = [];
  const tensor: Message[] = [];
  const stowed: number[] = [];
  for (let i = begin; i < end; i++) {
    const block = program.blocks[i]!;
    if (block.marker) {
      const message = standInForward(batch, block);
      if (message) tensor.push(message);
      batch.release(i + 1);
      continue;
    }
    batch.forward(i);
    for (const { from } of batch.stow(i)) {
      stowed.push(from.size);
      from.dispose();
    }
    looks.push({ block: i, held: batch.held(), gradients: 0 });
  }
  dispose(batch.takePenalties().map(({ term }) => term));
  if (end === program.blocks.length) {
    dispose([...batch.loss(y, loss)]);
    looks.push({ block: -1, held: batch.held(), gradients: 0 });
    return { forward: looks, rest: batch.held(), stowed, tensor, onward: [] };
  }
  const onward = crossing(program, end).map((value) => {
    const sent = batch.value(value);
    const got = zeros(sent.shape, sent.dtype); // a message is another buffer
    batches[piece + 1]!.give(value, got);
    got.dispose();
    shapes.set(value, sent.shape);
    return sent.size;
  });
  batch.release(end, true);
  return { forward: looks, rest: batch.held(), stowed, tensor, onward };
}

function backward(
  { program, cuts, tensor: ranks }: DryRun,
  batches: readonly MicroBatch[],
  piece: number,
  shapes: ReadonlyMap<Value, number[]>,
): Pick<PieceRun, 'backward' | 'tensor' | 'back'> {
  const batch = batches[piece]!;
  const [begin, end] = [cuts[piece]!, cuts[piece + 1]!];
  const looks: Look[] = [];
  const tensor: Message[] = [];
  batch.backwardLoss();
  for (let i = end - 1; i >= begin; i--) {
    const block = program.blocks[i]!;
    if (block.marker) {
      const message = standInBackward(batch, block, ranks);
      if (message) tensor.push(message);
      continue;
    }
    for (const input of batch.missing(i)) {
      tensor.push({ operation: 'gather shares', elements: input.size });
      batch.restore(input, zeros([...input.shape]));
    }
    const gradients = [...batch.backward(i).values()];
    looks.push({ block: i, held: batch.held(), gradients: bytesOf(gradients) });
    dispose(gradients);
  }
  if (piece === 0) return { backward: looks, tensor, back: [] };
  const before = batches[piece - 1]!;
  const back: number[] = [];
  for (const value of crossing(program, begin)) {
    if (!program.differentiable.has(value)) continue;
    const gradient = zeros(shapes.get(value)!);
    before.giveGradient(value, gradient);
    back.push(gradient.size);
    gradient.dispose();
  }
  for (const variable of sharedAcross(program, begin)) {
    const gradient = zeros(variable.shape);
    before.giveSharedGradient(variable, gradient);
    back.push(gradient.size);
    gradient.dispose();
  }
  return { backward: looks, tensor, back };
}

function bytesOf(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, { size }) => sum + 4 * size, 0);
}
