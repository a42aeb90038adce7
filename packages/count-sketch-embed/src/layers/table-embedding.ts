/**
 * The plain table, one row of D numbers for each token: what the other forms are compared with.
 *
 * Deviations: none; unlike `tf.layers.embedding` it names ids out of range and tells which rows a batch touched.
 */
import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { CompressedEmbedding, distinct, type LayerWeight, type TouchedRows } from './compressed-embedding.ts';
import { gatherRows } from './gather-rows.ts';

/** The classical embedding table as one weight `table` `[|V|, D]`. */
export class TableEmbedding extends CompressedEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'TableEmbedding';
  private table: LayerWeight | undefined;

  get parameters(): number {
    return this.vocabulary * this.dimension;
  }

  get storedBytes(): number {
    return 4 * this.parameters;
  }

  override build(): void {
    this.table = this.addTable('table', [this.vocabulary, this.dimension], this.deviation);
    this.built = true;
  }

  protected override lookUp(ids: Int32Array): Tensor {
    return gatherRows(this.table!.read(), ids);
  }

  override rowsOf(ids: ArrayLike<number>): Float32Array {
    const table = this.table!.read().dataSync();
    const D = this.dimension;
    const result = new Float32Array(ids.length * D);
    for (let n = 0; n < ids.length; n++) {
      result.set(table.subarray(ids[n]! * D, (ids[n]! + 1) * D), n * D);
    }
    return result;
  }

  override touched(ids: ArrayLike<number>): TouchedRows[] {
    return [{ weight: 0, rows: distinct(Array.from(ids)) }];
  }
}

serialization.registerClass(TableEmbedding);
