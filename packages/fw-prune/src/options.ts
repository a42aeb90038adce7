import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Progress } from '@ockham/core';
import type { ModelComparison } from '@ockham/core/metrics';
import type { Seed } from '@ockham/core/random';
import type { SnapshotStore } from '@ockham/core/training';
import type { Criterion } from './criteria.ts';
import type { Masks } from './masks.ts';
import type { Pattern } from './pattern.ts';
import type { Exclude } from './prunable.ts';
import type { ReportOptions } from './report.ts';
import type { RetrainOptions } from './retraining.ts';
import type { PruneAt, Schedule } from './schedule.ts';
import type { Scope } from './scope.ts';
import type { Method } from './settings.ts';

/** Options of {@link prune}. Only `sparsity` is required, or a `pattern` that fixes it. */
export interface PruneOptions {
  /**
   * Fraction of the kernels' weights to remove, in [0, 1): exactly round(sparsity · n) of n, to whole blocks with a pattern of
   * blocks. May be left out with a pattern n:m, which fixes it at 1 − n/m.
   */
  readonly sparsity?: number;
  /**
   * What the kept weights form: `2:4` or `{ n, m }`, n of every m consecutive inputs of an output; `4x1` or `{ block: [r, c] }`,
   * blocks of r consecutive outputs by c consecutive inputs. For every method and criterion; the mask must be held. Kernels
   * whose sizes are no multiple of the pattern's stay dense, as do embeddings and depthwise kernels; `sparsity` is then that of the
   * others. With n:m nothing competes, so that `scope` and `floor` do nothing and every pruning goes all the way. Default none.
   */
  readonly pattern?: Pattern;
  /** Default `frank-wolfe-momentum`, Alg. 4. */
  readonly method?: Method;
  /**
   * The paper's algorithm as meant or as printed: a short hand for `criterion`, `scope`, `momentumForm`, `mask`,
   * `sparsityStep`, `pruneAt`, `gradientPasses`, `floor` and the optimizer, each of which can be set on its own.
   * Default `intended`.
   */
  readonly form?: 'intended' | 'printed';
  /** N. Default 1 for `simple`, else 10. */
  readonly iterations?: number;
  /** s_init, where a growing schedule starts, in [0, sparsity]. Default 0.9 · `sparsity`, 0.5 in the printed forms. */
  readonly initialSparsity?: number;
  /** Default `one-shot` for Alg. 2 and 3, `cubic` for Alg. 4, whose printed form is `linear`. */
  readonly schedule?: Schedule;
  /** Default `every` for Alg. 2 and 4, `halves` for Alg. 3. */
  readonly pruneAt?: PruneAt;
  /** Divisor of Δs. Default `N-1`, which reaches `sparsity`; the printed `N` stops one step before it. */
  readonly sparsityStep?: 'N-1' | 'N';
  /**
   * Fraction of the prunings over which a growing schedule reaches `sparsity`, in (0, 1]; the others prune at
   * `sparsity`, which changes masks only with `regrow`. Default 0.5 for Alg. 4, whose
   * printed form is 1.
   */
  readonly ramp?: number;
  /** Default `magnitude` for Alg. 2, `natural-lmo` for Alg. 3 and 4; the README says where it wins and where not. */
  readonly criterion?: Criterion;
  /**
   * L of the criteria `lmo` and `natural-lmo` relative to ‖G‖/‖w‖, > 0. Default 128: at convergence G is mostly
   * noise, and the smaller L, the more it costs.
   */
  readonly curvature?: number;
  /** Default `global` for Alg. 2 and the printed forms, the paper's flattened W; else `lamp`. */
  readonly scope?: Scope;
  /**
   * Least fraction of each layer's weights to keep. Default a tenth of 1 − sparsity and at least one weight, so
   * that no layer collapses; 0 in the printed forms.
   */
  readonly floor?: number;
  /** Layers to leave dense; `sparsity` is then that of the other layers. Frozen layers are left as well. */
  readonly exclude?: Exclude;
  /** m, in [0, 1). Default 0.9 for Alg. 4, else 0. */
  readonly momentum?: number;
  /** `accumulated` (default): G_i = m·G_{i−1} + ∇. `printed`: G_i = m·∇, which changes nothing. */
  readonly momentumForm?: 'accumulated' | 'printed';
  /** `hold` (default) keeps pruned weights at 0 in retraining; `release` lets them grow back, as printed. */
  readonly mask?: 'hold' | 'release';
  /**
   * With `mask: 'hold'`, whether a later pruning may choose pruned weights again; they come back as 0 and learn.
   * Only criteria that score a zero weight (`gradient`, `lmo`, `natural-lmo`, `random`) ever do. Default false.
   */
  readonly regrow?: boolean;
  /** S, examples whose gradient is taken in each iteration. Default 1,024, or all if there are fewer. */
  readonly subsample?: number;
  /** `mean` (default): large batches. `single`: one pass for each example, as printed; slow and the same G. */
  readonly gradientPasses?: 'mean' | 'single';
  /** How the weights that are left are trained after each iteration. */
  readonly retrain?: RetrainOptions;
  /** Seeds subsamples, the order of examples and dropout. Default 0. */
  readonly seed?: Seed;
  /** Where the run is kept while it lasts; a run that finds its checkpoint there goes on from it, to the bit. */
  readonly checkpoint?: SnapshotStore;
  /** Steps between checkpoints within an iteration. Default: ends of epochs and of iterations. */
  readonly snapshotEvery?: number;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Stops the run after a last checkpoint. */
  readonly signal?: AbortSignal;
  /** What the comparison at the end measures; `false` leaves it out. Default: all of it. */
  readonly report?: ReportOptions | false;
  /** Called and awaited after each iteration. */
  readonly onIteration?: (record: PruneRecord) => void | Promise<void>;
}

/** One iteration. */
export interface PruneRecord {
  /** 1 … N. */
  readonly iteration: number;
  /** Whether this iteration pruned. */
  readonly pruned: boolean;
  /** Fraction of the prunable weights that the mask removes, after this iteration's pruning. */
  readonly sparsity: number;
  /** Weights of all kernels that the mask leaves. */
  readonly nonZeros: number;
  /** Weights of all kernels that are not 0 after retraining: more than `nonZeros` only with `mask: 'release'`. */
  readonly nonZerosAfterRetraining: number;
  /** Mean training loss of the last epoch of retraining; absent without retraining. */
  readonly loss?: number;
  /** On the test split after retraining, in [0, 1]; absent without one. */
  readonly accuracy?: number;
  /** Mean loss on the test split after retraining; absent without one. */
  readonly testLoss?: number;
}

/** What `prune` returns. */
export interface PruneResult {
  /** The pruned model; the caller disposes of it. The given model is as it was. */
  readonly model: LayersModel;
  /**
   * The masks of the last pruning; they hold the zeros in later training. With `mask: 'release'` the model has
   * outgrown them, until `masks.apply()`. The caller disposes of them.
   */
  readonly masks: Masks;
  /** One record for each iteration. */
  readonly history: readonly PruneRecord[];
  /** Before and after, with warnings of what did not get better; absent with `report: false`. */
  readonly report?: ModelComparison;
}
