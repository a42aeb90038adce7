/**
 * Adam that leaves alone the rows of a table that a batch has not touched.
 *
 * Source: Kingma and Ba 2015, algorithm 1, on the rows of the batch.
 * Deviations from dense Adam: the moments of an untouched row do not decay and the row does not move, while step counts for
 * the bias correction go on for all; a row is touched when its gradient is not zero throughout. Where all rows are touched,
 * a step is that of dense Adam.
 */
import { AdamOptimizer, engine, type Optimizer, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { adamRows } from './adam-rows.ts';
import { checkTables } from './tables.ts';
import { touchedRuns } from './touched-rows.ts';

/** Options of {@link SparseAdam}; defaults are those of Kingma and Ba, ε is TensorFlow's. */
export interface SparseAdamOptions {
  /** Default 0.001. */
  readonly learningRate?: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
}

type Gradients = Parameters<Optimizer['applyGradients']>[0];

/** The base's own fields, which its declaration hides. */
interface Adam {
  readonly accBeta1: Variable;
  readonly accBeta2: Variable;
  readonly accumulatedFirstMoment: { readonly variable: Variable }[];
  readonly accumulatedSecondMoment: { readonly variable: Variable }[];
}

/**
 * An optimizer for `train`, or any loop of one's own: `tables` are updated by touched rows, every other variable as by
 * `tf.train.adam`. It saves and resumes as that does.
 *
 * @throws ArgumentError for a table that is not float32, or rates out of range.
 *
 * @example
 * await train(model, data, { epochs: 3, optimizer: new SparseAdam(tablesOf(model), { learningRate: 1e-3 }) });
 */
export class SparseAdam extends AdamOptimizer {
  /** Names the class in saved states. @nocollapse */
  static override get className(): string {
    return 'SparseAdam';
  }
  readonly #tables: ReadonlySet<string>;

  constructor(tables: readonly Variable[], options: SparseAdamOptions = {}) {
    const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
    checkTables('SparseAdam', tables, learningRate);
    super(learningRate, beta1, beta2, epsilon);
    this.#tables = new Set(tables.map(({ name }) => name));
  }

  /** Updates the rows that the gradients touch, and every other variable whole. */
  override applyGradients(gradients: Gradients): void {
    const named = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    const own = this as unknown as Adam;
    const [power1, power2] = [own.accBeta1.dataSync()[0]!, own.accBeta2.dataSync()[0]!];
    const sparse: { i: number; name: string; gradient: Tensor; runs: Int32Array }[] = [];
    const dense = named.map(({ name, tensor: gradient }, i) => {
      if (!gradient || !this.#tables.has(name)) return { name, tensor: gradient };
      const runs = touchedRuns(gradient);
      if (runs[0] === 0 && runs[1] === gradient.shape[0]) return { name, tensor: gradient };
      sparse.push({ i, name, gradient, runs });
      return { name, tensor: null as unknown as Tensor }; // makes the moments and changes nothing
    });
    super.applyGradients(dense);
    const { beta1, beta2, learningRate } = this;
    const step = { beta1, beta2, learningRate, power1, power2, epsilon: this.epsilon };
    for (const { i, name, gradient, runs } of sparse) {
      const first = own.accumulatedFirstMoment[i]!.variable;
      const second = own.accumulatedSecondMoment[i]!.variable;
      if (runs.length > 0) adamRows(engine().registeredVariables[name]!, first, second, gradient, runs, step);
    }
  }
}
