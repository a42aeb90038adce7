import { tensor, tensor2d, type Tensor } from '@tensorflow/tfjs-core';
import { initializers, type layers } from '@tensorflow/tfjs-layers';
import type { NamedArray } from '@ockham/core/files';
import { CompressedEmbedding, type CompressedEmbeddingArgs, type TouchedRows } from '../layers/index.ts';

type LayerWeight = layers.Layer['weights'][number];

/** How many codes there are, and the shape of what decodes them. */
export interface FrozenSizes {
  readonly codes: number;
  readonly floats: readonly number[];
}

/** Names of the two in a saved table. */
export type FrozenNames = readonly [codes: string, floats: string];

/**
 * A table of codes made from a trained one. It does not train: no gradient reaches codes. A model keeps the bytes four to
 * an int32, the narrowest integer that TensorFlow.js saves; they are decoded in plain TypeScript, so that every engine
 * gives the same bits.
 */
export abstract class FrozenEmbedding extends CompressedEmbedding {
  readonly #weights: LayerWeight[] = [];
  #known:
    | { readonly ids: readonly object[]; readonly codes: Uint8Array; readonly floats: Float32Array }
    | undefined;

  constructor(args: CompressedEmbeddingArgs) {
    super({ ...args, trainable: false });
  }

  protected abstract readonly sizes: FrozenSizes;
  protected abstract readonly names: FrozenNames;
  /** The arrays of a saved table, in its order. */
  abstract storedArrays(): ReadonlyMap<string, NamedArray>;
  /** Writes the vector of token `id` to `to` from `at` on. */
  protected abstract decode(
    id: number,
    codes: Uint8Array,
    floats: Float32Array,
    to: Float32Array,
    at: number,
  ): void;

  override build(): void {
    const { codes, floats } = this.sizes;
    const zeros = initializers.zeros();
    this.#weights.push(
      this.addWeight(this.names[0], [Math.ceil(codes / 4)], 'int32', zeros, undefined, false),
      this.addWeight(this.names[1], [...floats], 'float32', zeros, undefined, false),
    );
    this.built = true;
  }

  /** Takes the codes and what decodes them. */
  setTable(codes: Uint8Array, floats: Float32Array): void {
    if (!this.built) this.build();
    const packed = new Int32Array(Math.ceil(codes.length / 4));
    new Uint8Array(packed.buffer).set(codes);
    const values = [tensor(packed, [packed.length], 'int32'), tensor(floats, [...this.sizes.floats])];
    this.setWeights(values);
    for (const value of values) value.dispose();
  }

  /** The codes and what decodes them, read from the engine once per change. */
  protected tableValues(): { readonly codes: Uint8Array; readonly floats: Float32Array } {
    const tensors = this.#weights.map((weight) => weight.read());
    const ids = tensors.map(({ dataId }) => dataId);
    if (this.#known?.ids.every((id, i) => id === ids[i])) return this.#known;
    const [packed, floats] = tensors.map((value) => value.dataSync()) as unknown as [
      Int32Array,
      Float32Array,
    ];
    const codes = new Uint8Array(packed.slice().buffer).subarray(0, this.sizes.codes);
    this.#known = { ids, codes, floats: floats.slice() };
    return this.#known;
  }

  protected override lookUp(ids: Int32Array): Tensor {
    return tensor2d(this.rowsOf(ids), [ids.length, this.dimension]);
  }

  override rowsOf(ids: ArrayLike<number>): Float32Array {
    const { codes, floats } = this.tableValues();
    const result = new Float32Array(ids.length * this.dimension);
    for (let n = 0; n < ids.length; n++) this.decode(ids[n]!, codes, floats, result, n * this.dimension);
    return result;
  }

  /** None: codes do not train. */
  override touched(): TouchedRows[] {
    return [];
  }
}
