/**
 * Activation checkpoints in parts: of what all tensor ranks have alike, each keeps its share until the block is run again.
 *
 * Source: Rajbhandari et al. 2020, "ZeRO", section 6.1, P_a, and section 6.3 for the buffer that the shares lie in.
 * Deviations: none in what is kept; a value that several blocks read is kept and gathered once.
 */
import { shareOf, type Communicator } from '@ockham/core/comm';
import { tensor, type Tensor } from '@tensorflow/tfjs-core';
import type { Value } from './calls.ts';
import type { ContiguousBuffer } from './contiguous-buffer.ts';
import type { MicroBatch } from './micro-batch.ts';

/** Who keeps which part. */
export interface SplitCheckpoints {
  /** Which of the ranks that share the inputs this is, and how many they are. */
  readonly ranks: Pick<Communicator, 'rank' | 'size'>;
  /** Values that all of them have alike. The others are kept whole. */
  readonly alike: ReadonlySet<Value>;
  /** Where the parts lie. */
  readonly buffer: ContiguousBuffer;
}

/** An input of which this rank keeps a part. */
export interface SplitInput {
  /** Of the whole. */
  readonly shape: readonly number[];
  /** Elements of the whole. */
  readonly size: number;
  /** This rank's. Given back once it is whole. */
  readonly part: Float32Array;
  /** Blocks that will run again from it. */
  users: number;
  /** The whole, while a block needs it. */
  whole: Tensor | undefined;
}

/** Values for a part: the elements [begin, end) of `from`. */
export interface Stowed {
  /** Where the elements go. */
  readonly part: Float32Array;
  /** The whole tensor. */
  readonly from: Tensor;
  /** First element of the part. */
  readonly begin: number;
  /** Where the part ends, exclusive. */
  readonly end: number;
}

/** The inputs of one micro-batch. */
export class SplitInputs {
  readonly #of: SplitCheckpoints;
  /** By the buffer that they are the values of. */
  readonly #known = new WeakMap<object, SplitInput>();

  constructor(of: SplitCheckpoints) {
    this.#of = of;
  }

  /** Puts parts in the place of wholes. */
  stow(inputs: Map<Value, Tensor | SplitInput>): Stowed[] {
    const { alike, buffer, ranks } = this.#of;
    const stowed: Stowed[] = [];
    for (const [value, from] of inputs) {
      if ('users' in from || !alike.has(value) || from.dtype !== 'float32') continue; // of others there is little
      const known = this.#known.get(from.dataId);
      if (known) {
        known.users += 1;
        inputs.set(value, known);
        from.dispose();
        continue;
      }
      const [begin, end] = shareOf(from.size, ranks.rank, ranks.size);
      const part = buffer.take(end - begin);
      const input: SplitInput = { shape: from.shape, size: from.size, part, users: 1, whole: undefined };
      this.#known.set(from.dataId, input);
      inputs.set(value, input);
      stowed.push({ part, from, begin, end });
    }
    return stowed;
  }

  restore(input: SplitInput, whole: Tensor): void {
    input.whole = whole;
    this.#of.buffer.give(input.part);
  }

  /** One block fewer needs it. */
  drop(input: SplitInput): void {
    input.users -= 1;
    if (input.users > 0) return;
    if (input.whole) input.whole.dispose();
    else this.#of.buffer.give(input.part);
  }
}

/** After `batch.forward(i)`: keeps the parts of this rank. */
export async function stowInputs(batch: MicroBatch, i: number): Promise<void> {
  for (const { part, from, begin, end } of batch.stow(i)) {
    part.set((await from.data<'float32'>()).subarray(begin, end));
    from.dispose();
  }
}

/** Before `batch.backward(i)`: gathers what it needs. Collective over `ranks`. */
export async function gatherInputs(batch: MicroBatch, i: number, ranks: Communicator): Promise<void> {
  for (const input of batch.missing(i)) {
    const whole = await ranks.allGather(input.part, new Float32Array(input.size));
    batch.restore(input, tensor(whole, [...input.shape], 'float32'));
  }
}
