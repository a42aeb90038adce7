/** Gradient descent that writes only to the rows that a batch has touched; the result is that of `tf.train.sgd`. */
import { engine, SGDOptimizer, type Optimizer, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { sgdRows } from './sgd-rows.ts';
import { checkTables } from './tables.ts';
import { touchedRuns } from './touched-rows.ts';

type Gradients = Parameters<Optimizer['applyGradients']>[0];

/**
 * An optimizer for `train`, or any loop of one's own: `tables` are updated by touched rows, every other variable as by
 * `tf.train.sgd`.
 *
 * @param options.learningRate Default 0.01.
 * @throws ArgumentError for a table that is not float32, or a rate that is not positive.
 */
export class SparseSgd extends SGDOptimizer {
  /** Names the class in saved states. @nocollapse */
  static override get className(): string {
    return 'SparseSgd';
  }
  readonly #tables: ReadonlySet<string>;

  constructor(tables: readonly Variable[], { learningRate = 0.01 }: { readonly learningRate?: number } = {}) {
    checkTables('SparseSgd', tables, learningRate);
    super(learningRate);
    this.#tables = new Set(tables.map(({ name }) => name));
  }

  /** Updates the rows that the gradients touch, and every other variable whole. */
  override applyGradients(gradients: Gradients): void {
    const named = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    const dense: { name: string; tensor: Tensor }[] = [];
    for (const { name, tensor: gradient } of named) {
      const runs = gradient && this.#tables.has(name) ? touchedRuns(gradient) : undefined;
      if (!runs || (runs[0] === 0 && runs[1] === gradient.shape[0])) dense.push({ name, tensor: gradient });
      else if (runs.length > 0)
        sgdRows(engine().registeredVariables[name]!, gradient, runs, this.learningRate);
    }
    super.applyGradients(dense);
  }
}
