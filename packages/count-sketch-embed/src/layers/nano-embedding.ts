/**
 * A narrow table and a small network that widens its rows: x ↦ W x + b, or W₂ φ(W₁ x + b₁) + b₂ with a hidden layer.
 *
 * Source: Maity et al. 2024, "NanoBERT"; Sachdeva, section 3.4 (rows of 16 numbers, one layer to 128).
 * Deviations: a hidden layer and a low-rank update of the last kernel, W + α/r·A B (LoRA, Hu et al. 2021), are options; with
 * the update only A and B train.
 */
import { ArgumentError } from '@ockham/core';
import { add, matMul, mul, relu, serialization, tanh, tidy, type Tensor } from '@tensorflow/tfjs-core';
import {
  allRows,
  atLeastOne,
  CompressedEmbedding,
  distinct,
  type CompressedEmbeddingArgs,
  type LayerWeight,
  type TouchedRows,
} from './compressed-embedding.ts';
import { gatherRows } from './gather-rows.ts';

/** φ of a hidden layer. */
export type NanoActivation = 'relu' | 'tanh';

/** A low-rank update of the last kernel. */
export interface NanoLora {
  /** Rank r. */
  readonly rank: number;
  /** α of the factor α/r. Default r, a factor of 1. */
  readonly alpha?: number;
}

/** Configuration of a {@link NanoEmbedding}. */
export interface NanoEmbeddingArgs extends CompressedEmbeddingArgs {
  /** Numbers of a row of the table. Default 16, the source's. */
  readonly inner?: number;
  /** Units of a hidden layer; 0 for none. Default 0, the source's. */
  readonly hidden?: number;
  /** Default `relu`; counts with a hidden layer only. */
  readonly activation?: NanoActivation;
  /** Default none. */
  readonly lora?: NanoLora;
}

/**
 * Weights `table` `[|V|, inner]`, with a hidden layer `kernel1` `[inner, hidden]` and `bias1`, then `kernel` `[·, D]` and
 * `bias` `[D]`, and with LoRA `A` `[·, r]` and `B` `[r, D]`, where B starts at zero.
 *
 * @throws ArgumentError for sizes below 1, a negative hidden layer and an unknown activation.
 *
 * @example
 * const words = new NanoEmbedding({ vocabulary: 30522, dimension: 128 }); // 16 numbers for each token
 */
export class NanoEmbedding extends CompressedEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'NanoEmbedding';
  /** See {@link NanoEmbeddingArgs.inner}. */
  readonly inner: number;
  /** See {@link NanoEmbeddingArgs.hidden}. */
  readonly hidden: number;
  /** See {@link NanoEmbeddingArgs.activation}. */
  readonly activation: NanoActivation;
  /** See {@link NanoEmbeddingArgs.lora}. */
  readonly lora: Required<NanoLora> | undefined;
  private parts: Record<string, LayerWeight> = {};

  constructor(args: NanoEmbeddingArgs) {
    super(args);
    const who = 'NanoEmbedding';
    const { inner = 16, hidden = 0, activation = 'relu', lora } = args;
    atLeastOne(who, 'inner', inner);
    if (!Number.isInteger(hidden) || hidden < 0) {
      throw new ArgumentError(`${who}: hidden must be an integer ≥ 0, got ${hidden}.`);
    }
    if (!['relu', 'tanh'].includes(activation)) {
      throw new ArgumentError(`${who}: activation must be relu or tanh, got ${activation}.`);
    }
    if (lora) atLeastOne(who, 'lora.rank', lora.rank);
    this.inner = inner;
    this.hidden = hidden;
    this.activation = activation;
    this.lora = lora ? { rank: lora.rank, alpha: lora.alpha ?? lora.rank } : undefined;
  }

  get parameters(): number {
    const { vocabulary, dimension: D, inner, hidden, lora } = this;
    const last = hidden || inner;
    const update = lora ? lora.rank * (last + D) : 0;
    return vocabulary * inner + (hidden > 0 ? (inner + 1) * hidden : 0) + (last + 1) * D + update;
  }

  get storedBytes(): number {
    return 4 * this.parameters;
  }

  override build(): void {
    const { dimension: D, inner, hidden, lora, deviation } = this;
    const base = lora === undefined;
    const zeros = (n: number) => new Float32Array(n);
    const last = hidden || inner;
    // without a hidden layer the rows have the deviation asked for and the kernel keeps it; φ needs numbers about 1
    const mean = hidden > 0 ? meanSquare[this.activation] : 1;
    this.parts = {
      table: this.addTable('table', [this.vocabulary, inner], hidden > 0 ? 1 : deviation, base),
      ...(hidden > 0 && {
        kernel1: this.addTable('kernel1', [inner, hidden], 1 / Math.sqrt(inner), base),
        bias1: this.addFilled('bias1', [hidden], zeros(hidden), base),
      }),
      kernel: this.addTable('kernel', [last, D], (hidden > 0 ? deviation : 1) / Math.sqrt(last * mean), base),
      bias: this.addFilled('bias', [D], zeros(D), base),
      ...(lora && {
        A: this.addTable('A', [last, lora.rank], 1 / Math.sqrt(last)),
        B: this.addFilled('B', [lora.rank, D], zeros(lora.rank * D)),
      }),
    };
    this.built = true;
  }

  protected override lookUp(ids: Int32Array): Tensor {
    const weight = (name: string) => this.parts[name]!.read();
    let x = gatherRows(weight('table'), ids); // [n, inner]
    if (this.hidden > 0) {
      const z = add(matMul(x, weight('kernel1')), weight('bias1'));
      x = this.activation === 'relu' ? relu(z) : tanh(z); // [n, hidden]
    }
    const y = add(matMul(x, weight('kernel')), weight('bias'));
    if (!this.lora) return y;
    const update = matMul(matMul(x, weight('A')), weight('B'));
    return add(y, mul(update, this.lora.alpha / this.lora.rank));
  }

  override rowsOf(ids: ArrayLike<number>): Float32Array {
    const values = (name: string) => this.parts[name]!.read().dataSync();
    const table = values('table');
    const { inner, dimension: D, lora } = this;
    const result = new Float32Array(ids.length * D);
    const phi = this.activation === 'relu' ? (z: number) => Math.max(0, z) : Math.tanh;
    for (let n = 0; n < ids.length; n++) {
      let x: ArrayLike<number> = table.subarray(ids[n]! * inner, (ids[n]! + 1) * inner);
      if (this.hidden > 0) x = affine(x, values('kernel1'), values('bias1')).map(phi);
      const y = affine(x, values('kernel'), values('bias'));
      const update = lora && affine(affine(x, values('A')), values('B'));
      for (let j = 0; j < D; j++) {
        result[n * D + j] = y[j]! + (lora ? (update![j]! * lora.alpha) / lora.rank : 0);
      }
    }
    return result;
  }

  override touched(ids: ArrayLike<number>): TouchedRows[] {
    return this.weights.map(({ shape }, weight) => ({
      weight,
      rows: weight === this.#tableIndex() ? distinct(Array.from(ids)) : allRows(shape[0]!),
    }));
  }

  /**
   * The same table with a fresh low-rank update, to build into a model for fine-tuning: only A and B train.
   *
   * @param seed Draws A. Default this table's seed.
   * @throws ArgumentError for a table that has an update already: merge it first.
   */
  withLora(lora: NanoLora, seed: number = this.seed): NanoEmbedding {
    if (this.lora) throw new ArgumentError(`${this.name}: it has an update already. Call merged() first.`);
    return this.#copy({ lora, seed });
  }

  /** The same table with its low-rank update added to the kernel, all of it trainable. */
  merged(): NanoEmbedding {
    const copy = this.#copy({});
    if (!this.lora) return copy;
    const { alpha, rank } = this.lora;
    tidy(() => {
      const update = matMul(this.parts['A']!.read(), this.parts['B']!.read());
      copy.parts['kernel']!.write(add(this.parts['kernel']!.read(), mul(update, alpha / rank)));
    });
    return copy;
  }

  /** A new layer with this one's table and network. */
  #copy(changes: Pick<NanoEmbeddingArgs, 'lora' | 'seed'>): NanoEmbedding {
    const { vocabulary, dimension, deviation, seed, checkIds, inner, hidden, activation } = this;
    const settings = { vocabulary, dimension, deviation, seed, checkIds, inner, hidden, activation };
    const copy = new NanoEmbedding({ ...settings, ...changes });
    copy.build();
    tidy(() => {
      for (const name of ['table', 'kernel1', 'bias1', 'kernel', 'bias']) {
        const own = this.parts[name];
        if (own) copy.parts[name]!.write(own.read());
      }
    });
    return copy;
  }

  override getConfig(): serialization.ConfigDict {
    const { inner, hidden, activation, lora } = this;
    return { ...super.getConfig(), inner, hidden, activation, ...(lora && { lora: { ...lora } }) };
  }

  /** Trainable weights come first in `weights`: the table is the first of its kind. */
  #tableIndex(): number {
    return this.weights.indexOf(this.parts['table']!);
  }
}

/** E φ(z)² of a standard normal z. */
const meanSquare: Record<NanoActivation, number> = { relu: 0.5, tanh: 0.3943 };

/** x W + b of `x` `[n]`, `kernel` `[n, m]`. */
function affine(x: ArrayLike<number>, kernel: ArrayLike<number>, bias?: ArrayLike<number>): Float64Array {
  const m = kernel.length / x.length;
  return Float64Array.from({ length: m }, (_, j) => {
    let sum = bias ? bias[j]! : 0;
    for (let i = 0; i < x.length; i++) sum += x[i]! * kernel[i * m + j]!;
    return sum;
  });
}

serialization.registerClass(NanoEmbedding);
