import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, type Split } from '@ockham/core';
import { textTable } from '@ockham/core/metrics';
import { toRandom } from '@ockham/core/random';
import { needsGradient } from './criteria.ts';
import { gradientOf } from './gradient.ts';
import { countOnes } from './masks.ts';
import type { PruneOptions } from './options.ts';
import { patternName } from './pattern.ts';
import { sparsityAt, pruningIterations } from './schedule.ts';
import {
  checkReachable,
  chooseMasks,
  removedAt,
  selectionOf,
  startingBits,
  type LeftAlone,
} from './selection.ts';
import { settingsOf } from './settings.ts';

/** What a pruning would do to one kernel. */
export interface PlanRow {
  /** `layer/kernel`. */
  readonly name: string;
  /** Of the kernel. */
  readonly shape: readonly number[];
  /** Number of its weights. */
  readonly size: number;
  /** Weights that are not 0 now. */
  readonly nonZeros: number;
  /** Weights that would be left. */
  readonly kept: number;
  /** Why the kernel is left as it is, if it is. */
  readonly leftAlone?: LeftAlone;
}

/** What {@link prune} would do. */
export interface PrunePlan {
  /** One row per kernel, if the last pruning were done on the model as it is now. */
  readonly rows: readonly PlanRow[];
  /** Weights of all kernels, and how many of them would be left. */
  readonly size: number;
  /** See {@link PrunePlan.size}. */
  readonly kept: number;
  /** What the kept weights form, such as `2:4`; absent where they form nothing. */
  readonly pattern?: string;
  /** The prunings in their order: to which sparsity, and how many weights are then gone. */
  readonly prunings: readonly {
    readonly iteration: number;
    readonly sparsity: number;
    readonly removed: number;
  }[];
}

/**
 * A dry run: which layers would lose how many weights. Changes nothing.
 *
 * The rows are exact for a pruning now; in a run of several iterations retraining moves the weights between
 * prunings, so that the totals stay and the division among layers may shift (except with scope `layer`).
 *
 * @param data Needed by criteria that look at gradients, unless the scope is `layer`.
 * @throws As {@link prune}.
 *
 * @example
 * console.log(formatPlan(await plan(model, { method: 'simple', sparsity: 0.9 })));
 */
export async function plan(model: LayersModel, options: PruneOptions, data?: Split): Promise<PrunePlan> {
  const settings = settingsOf(options);
  const selection = selectionOf(model, settings.exclude, settings.pattern);
  const former = await startingBits(selection, settings);
  checkReachable(selection, former, settings);
  const random = toRandom(options.seed ?? 0).stream('prune');
  const last = Math.max(...pruningIterations(settings).map((i) => sparsityAt(i, settings)!));
  const looks = needsGradient(settings.criterion);
  if (looks && !data && settings.scope !== 'layer') {
    throw new ArgumentError(
      `plan: the criterion ${typeof settings.criterion === 'string' ? settings.criterion : 'function'} looks at gradients: pass the training split as the third argument, or use scope 'layer'.`,
    );
  }
  const gradient =
    looks && data
      ? await gradientOf(
          model,
          data,
          selection,
          settings,
          random.stream('subsample').stream(1),
          options.signal,
        )
      : [];
  const chosen = looks && !data ? { ...settings, criterion: 'magnitude' as const } : settings; // counts per layer are the same
  const bits = await chooseMasks(selection, chosen, last, gradient, former, random.stream('score').stream(1));
  const rows = selection.weights.map(({ name, shape, size }, i): PlanRow => {
    const leftAlone = selection.leftAlone[i];
    return {
      name,
      shape,
      size,
      nonZeros: countOnes(former[i]!),
      kept: countOnes(bits[i]!),
      ...(leftAlone && { leftAlone }),
    };
  });
  const total = (key: 'size' | 'kept') => rows.reduce((sum, row) => sum + row[key], 0);
  const prunings = pruningIterations(settings).map((iteration) => {
    const sparsity = sparsityAt(iteration, settings)!;
    return { iteration, sparsity, removed: removedAt(sparsity, selection.size, settings.pattern) };
  });
  const pattern = settings.pattern && patternName(settings.pattern);
  return { rows, size: total('size'), kept: total('kept'), prunings, ...(pattern && { pattern }) };
}

/** A plan as an aligned table. */
export function formatPlan({ rows, size, kept, prunings, pattern }: PrunePlan): string {
  const cells = [
    ['kernel', 'shape', 'weights', 'now', 'after', 'kept'],
    ...rows.map((row) => [
      row.name,
      row.shape.join('×'),
      count(row.size),
      count(row.nonZeros),
      count(row.kept),
      row.leftAlone ?? percent(row.kept, row.size),
    ]),
    [
      'all',
      '',
      count(size),
      count(rows.reduce((sum, row) => sum + row.nonZeros, 0)),
      count(kept),
      percent(kept, size),
    ],
  ];
  const steps = prunings.map(({ iteration, sparsity }) => `${iteration}: ${(100 * sparsity).toFixed(1)} %`);
  const sparsities = `sparsity after iteration ${steps.join(', ')}`;
  return [textTable(cells, 2), ...(pattern ? [`pattern ${pattern}`] : []), sparsities].join('\n');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(2)} %`;
}
