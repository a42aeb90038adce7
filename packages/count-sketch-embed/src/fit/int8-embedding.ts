/**
 * A trained table in one byte per number: row x is s_x · q_x, with q in −127 … 127 and s_x = max|W_x| / 127, so that no
 * number is off by more than s_x / 2.
 *
 * Source: Zafrir, Boudoukh, Izsak and Wasserblat 2019, "Q8BERT", section 3.1 (symmetric linear quantisation).
 * Deviations: one scale per row in place of one per table; only the table, not the arithmetic.
 */
import { serialization } from '@tensorflow/tfjs-core';
import type { NamedArray } from '@ockham/core/files';
import { FrozenEmbedding, type FrozenNames, type FrozenSizes } from './frozen-embedding.ts';

/** Frozen embeddings of 8 bits per number; made by `fitTable` and `compressEmbeddings` with `method: 'int8'`. */
export class Int8Embedding extends FrozenEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'Int8Embedding';
  protected readonly names: FrozenNames = ['codes', 'scales'];

  protected get sizes(): FrozenSizes {
    return { codes: this.vocabulary * this.dimension, floats: [this.vocabulary] };
  }

  get parameters(): number {
    return this.vocabulary * (this.dimension + 1);
  }

  get storedBytes(): number {
    return this.vocabulary * (this.dimension + 4);
  }

  /** Rounds `table` `[V, D]`. */
  quantise(table: Float32Array): void {
    const D = this.dimension;
    const codes = new Int8Array(table.length);
    const scales = new Float32Array(this.vocabulary);
    for (let x = 0; x < this.vocabulary; x++) {
      let most = 0;
      for (let k = x * D; k < (x + 1) * D; k++) most = Math.max(most, Math.abs(table[k]!));
      scales[x] = most / 127;
      const scale = scales[x]! || 1;
      for (let k = x * D; k < (x + 1) * D; k++)
        codes[k] = Math.max(-127, Math.min(127, Math.round(table[k]! / scale)));
    }
    this.setTable(new Uint8Array(codes.buffer), scales);
  }

  storedArrays(): ReadonlyMap<string, NamedArray> {
    const { codes, floats } = this.tableValues();
    const signed = new Int8Array(codes.slice().buffer);
    return new Map([
      ['scales', { shape: [this.vocabulary], values: floats }],
      ['codes', { shape: [this.vocabulary, this.dimension], values: signed }],
    ]);
  }

  protected decode(id: number, codes: Uint8Array, scales: Float32Array, to: Float32Array, at: number): void {
    const from = id * this.dimension;
    for (let j = 0; j < this.dimension; j++) to[at + j] = ((codes[from + j]! << 24) >> 24) * scales[id]!;
  }
}

serialization.registerClass(Int8Embedding);
