import { add, keep, mul, tensor, tidy, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, DataError } from '@ockham/core';
import type { Snapshot, UpdateConstraint } from '@ockham/core/training';
import { prunableWeights, type PrunableWeight } from './prunable.ts';

/** What a mask leaves of one kernel. */
export interface MaskedWeight {
  /** `layer/kernel`. */
  readonly name: string;
  /** Of the kernel. */
  readonly shape: readonly number[];
  /** Number of its weights. */
  readonly size: number;
  /** Weights that the mask leaves. */
  readonly kept: number;
}

interface Entry {
  readonly weight: PrunableWeight;
  readonly bits: Uint8Array;
  readonly kept: number;
  /** Made when first needed; none for a kernel that is kept whole. */
  mask: Tensor | undefined;
}

/**
 * Which weights of a model's kernels are kept. Belongs to one model, covers every kernel of it (excluded layers
 * with all bits set), and owns tensors: call {@link Masks.dispose}.
 *
 * @example
 * const masks = await masksOf(pruned);                       // from the zeros of a pruned model
 * await train(pruned, data.train, { epochs: 3, constraint: masks.constraint() });
 * masks.dispose();
 */
export class Masks {
  readonly #entries: Entry[];

  /**
   * @param model The model whose kernels are masked.
   * @param bits For each kernel in the model's order, a byte per weight: 0 is pruned. Kept, not copied.
   * @throws ArgumentError if the bits do not fit the model.
   */
  constructor(model: LayersModel, bits: readonly Uint8Array[]) {
    const weights = prunableWeights(model);
    const sizes = weights.map((weight) => weight.size);
    if (sizes.length !== bits.length || sizes.some((size, i) => size !== bits[i]!.length)) {
      throw new ArgumentError(
        `Masks: the model has kernels of [${sizes.join(', ')}] weights, got masks of [${bits.map((b) => b.length).join(', ')}]. Use the masks of this model.`,
      );
    }
    this.#entries = weights.map((weight, i) => ({
      weight,
      bits: bits[i]!,
      kept: countOnes(bits[i]!),
      mask: undefined,
    }));
  }

  /** One row per kernel. */
  get weights(): readonly MaskedWeight[] {
    return this.#entries.map(({ weight: { name, shape, size }, kept }) => ({ name, shape, size, kept }));
  }

  /** Weights of all kernels. */
  get size(): number {
    return this.#entries.reduce((sum, { weight }) => sum + weight.size, 0);
  }

  /** Weights kept in all kernels. */
  get kept(): number {
    return this.#entries.reduce((sum, { kept }) => sum + kept, 0);
  }

  /** The fraction of all kernels' weights that is pruned, in [0, 1]. */
  get sparsity(): number {
    return this.size === 0 ? 0 : 1 - this.kept / this.size;
  }

  /** A byte per weight of one kernel, 0 where pruned; a copy. @throws ArgumentError for an unknown name. */
  bits(name: string): Uint8Array {
    const entry = this.#entries.find(({ weight }) => weight.name === name);
    if (entry) return entry.bits.slice();
    const known = this.#entries.map(({ weight }) => weight.name).join(', ');
    throw new ArgumentError(`Masks.bits: no kernel ${name}; the model has ${known}.`);
  }

  /** {@link Masks.bits} of every kernel in the model's order, copied. */
  allBits(): Uint8Array[] {
    return this.#entries.map(({ bits }) => bits.slice());
  }

  /** Sets the pruned weights of the model to +0. */
  apply(): void {
    tidy(() => {
      for (const entry of this.#entries) {
        const mask = maskOf(entry);
        if (mask) entry.weight.variable.assign(add(mul(entry.weight.variable, mask), 0)); // −0 + 0 is +0
      }
    });
  }

  /**
   * Holds the masks through training: gradients of pruned weights are 0, so that an optimizer gathers no moments
   * for them, and the weights are masked again after each step. Valid until {@link Masks.dispose}.
   */
  constraint(): UpdateConstraint {
    const byVariable = new Map(this.#entries.map((entry) => [entry.weight.variable.name, entry]));
    return {
      gradients: (gradients: NamedTensorMap): NamedTensorMap =>
        Object.fromEntries(
          Object.entries(gradients).map(([name, gradient]) => {
            const entry = byVariable.get(name);
            const mask = entry && maskOf(entry);
            return [name, mask ? mul(gradient, mask) : gradient];
          }),
        ),
      apply: () => this.apply(),
    };
  }

  /** The same masks for another model with the same kernels, for example a clone. */
  for(model: LayersModel): Masks {
    return new Masks(
      model,
      this.#entries.map(({ bits }) => bits.slice()),
    );
  }

  /** Plain data, a bit per weight; back with {@link Masks.fromSnapshot}. */
  toSnapshot(): Snapshot {
    return {
      meta: {
        kind: 'ockham-masks',
        names: this.weights.map((w) => w.name),
        shapes: this.weights.map((w) => w.shape),
      },
      arrays: Object.fromEntries(this.#entries.map(({ bits }, i) => [`mask/${i}`, packBits(bits)])),
    };
  }

  /** Masks from {@link Masks.toSnapshot}. @throws DataError if they belong to another model. */
  static fromSnapshot(model: LayersModel, snapshot: Snapshot): Masks {
    const weights = prunableWeights(model);
    const shapes = JSON.stringify(snapshot.meta['shapes']);
    const mine = JSON.stringify(weights.map((weight) => weight.shape));
    const packed = weights.map((_, i) => snapshot.arrays[`mask/${i}`]);
    const complete = packed.every((p, i) => p?.length === Math.ceil(weights[i]!.size / 8));
    if (snapshot.meta['kind'] !== 'ockham-masks' || shapes !== mine || !complete) {
      throw new DataError(
        'checkpoint-mismatch',
        `Masks.fromSnapshot: the masks are for kernels of ${shapes}, this model has ${mine}. Use the model they were made with.`,
      );
    }
    return new Masks(
      model,
      packed.map((p, i) => unpackBits(p as Uint8Array, weights[i]!.size)),
    );
  }

  /** Releases the mask tensors; the model keeps its weights. */
  dispose(): void {
    for (const entry of this.#entries) {
      entry.mask?.dispose();
      entry.mask = undefined;
    }
  }
}

/** The masks that a model's zeros describe: every weight that is exactly 0 counts as pruned. */
export async function masksOf(model: LayersModel): Promise<Masks> {
  const bits: Uint8Array[] = [];
  for (const { variable } of prunableWeights(model)) {
    bits.push(Uint8Array.from(await variable.data<'float32'>(), (value) => (value === 0 ? 0 : 1)));
  }
  return new Masks(model, bits);
}

function maskOf(entry: Entry): Tensor | undefined {
  if (entry.kept === entry.bits.length) return undefined;
  // kept: a training step's tidy must not dispose of it
  entry.mask ??= keep(tensor(Float32Array.from(entry.bits), [...entry.weight.shape]));
  return entry.mask;
}

/** How many bytes are 1. */
export function countOnes(bits: Uint8Array): number {
  return bits.reduce((sum, bit) => sum + bit, 0);
}

function packBits(bits: Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(bits.length / 8));
  for (let i = 0; i < bits.length; i++) packed[i >> 3]! |= bits[i]! << (i & 7);
  return packed;
}

function unpackBits(packed: Uint8Array, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (packed[i >> 3]! >> (i & 7)) & 1);
}
