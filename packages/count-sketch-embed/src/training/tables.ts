import { ArgumentError } from '@ockham/core';
import { flatLayers, variableOf } from '@ockham/core/training';
import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { CompressedEmbedding } from '../layers/index.ts';

/**
 * The trainable weights of a model's embedding layers, compressed or classical: what sparse optimizers update by rows.
 *
 * @throws ArgumentError for a model without any.
 */
export function tablesOf(model: LayersModel): Variable[] {
  const layers = flatLayers(model).filter(
    (layer) => layer instanceof CompressedEmbedding || layer.getClassName() === 'Embedding',
  );
  const tables = [...new Set(layers.flatMap((layer) => layer.trainableWeights.map(variableOf)))];
  if (tables.length === 0) {
    throw new ArgumentError('tablesOf: the model must have a trainable embedding layer, got none.');
  }
  return tables;
}

/** Refuses what a sparse optimizer cannot train. */
export function checkTables(who: string, tables: readonly Variable[], learningRate: number): void {
  const wrong = tables.find(({ dtype, rank }) => dtype !== 'float32' || rank < 1);
  if (wrong) {
    throw new ArgumentError(
      `${who}: tables must be float32 with rows, got ${wrong.name}, ${wrong.dtype} of rank ${wrong.rank}.`,
    );
  }
  if (!(learningRate > 0)) {
    throw new ArgumentError(`${who}: learningRate must be positive, got ${learningRate}.`);
  }
}
