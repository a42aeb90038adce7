import type { Dataset, Progress } from '@ockham/core';
import { ArgumentError } from '@ockham/core';
import type { MoleculeFiles, TabularFiles } from '@ockham/core/datasets/node';
import type { SnapshotStore } from '@ockham/core/training';
import type { Claim } from './claim.ts';
import type { Texts } from './load-texts.ts';
import type { PlotSpec } from './plot.ts';

/**
 * `smoke`: seconds, CI. `standard`: the default, the same shape in minutes. `extended`: more than `standard` has time
 * for and less than the paper; not every experiment has it. `paper`: the paper's sizes and seeds.
 */
export type ScaleName = 'smoke' | 'standard' | 'extended' | 'paper';

/** From the smallest to the largest. */
export const scaleNames: readonly ScaleName[] = ['smoke', 'standard', 'extended', 'paper'];

/** Datasets that the runner knows how to load. */
export type DatasetName =
  'mnist' | 'fashion-mnist' | 'cifar10' | 'cifar100' | 'tin100-32' | 'molecules' | 'tabular' | 'texts';

/** What comes of a name: examples, the files of `molecules` or `tabular`, or the tasks and running texts of `texts`. */
export type Provided<Name extends string = DatasetName> = Name extends 'molecules'
  ? MoleculeFiles
  : Name extends 'tabular'
    ? TabularFiles
    : Name extends 'texts'
      ? Texts
      : Dataset;

/** One measurement: plain JSON, one row per seed and condition. Numbers must be finite; use `null` for "none". */
export interface Row {
  readonly seed: number;
}

/** What one scale means: how many seeds, and the configuration that `run` receives. */
export interface Scale<Config> {
  /** Number of seeds. They are `OCKHAM_SEED` (default 0), then the integers after it. */
  readonly seeds: number;
  readonly config: Config;
}

/** What each scale means for an experiment. */
export type Scales<Config> = Readonly<Record<Exclude<ScaleName, 'extended'>, Scale<Config>>> & {
  readonly extended?: Scale<Config>;
};

/** What `run` is given, once per seed. */
export interface RunContext<Config, Name extends string = string> {
  readonly config: Config;
  readonly scale: ScaleName;
  readonly seed: number;
  /** The datasets asked for, by name. Only ever complete: with one missing, `run` is not called. */
  readonly data: { readonly [N in Name]: Provided<N> };
  readonly progress: Progress;
  /** Fires on Ctrl-C. Hand it to every long call; what was checkpointed is kept. */
  readonly signal: AbortSignal;
  /**
   * A file-backed store for one long computation, for example `prune(…, { checkpoint: checkpoint('fw-95') })`.
   * Names are unique within a seed. Emptied when the seed is complete.
   */
  checkpoint(name: string): SnapshotStore;
  /**
   * Runs `work` and keeps its JSON result until the seed is complete, so that a run killed later does not
   * repeat it. What comes back has gone through JSON, first time or not.
   */
  once<T>(name: string, work: () => T | Promise<T>): Promise<T>;
}

/** One figure or table of the paper, drawn and judged from the rows of its experiment. */
export interface Figure<R extends Row = Row> {
  /** Lower-case words joined by hyphens, unique within the experiment: `figure-1`. */
  readonly id: string;
  readonly title: string;
  /** What the paper says or prints there, in a sentence or two. */
  readonly paperClaim: string;
  readonly claims: readonly Claim<R>[];
  /** Rows of all seeds to a Vega-Lite spec; see `lineOverSeeds` and `barsOverSeeds`. */
  plot(this: void, rows: readonly R[]): PlotSpec;
}

interface ExperimentHead<Config, R extends Row, Name extends string> {
  /** `<package folder>/<name>`, for example `fw-prune/figure-1`. Results go to `results/<scale>/<name>.json`. */
  readonly id: string;
  /** Which part of the paper: `Figures 1–3: accuracy, loss, … against pre-training epochs`. */
  readonly paper: string;
  readonly scales: Scales<Config>;
  /** Why each value of the configuration is what it is; goes into the result file. */
  readonly why: Readonly<Record<keyof Config & string, string>>;
  readonly datasets: readonly Name[];
  /**
   * Measures time, or starts processes of its own: runs while nothing else does, on every core. Default false: seeds
   * run beside those of other experiments, each on one thread.
   */
  readonly alone?: boolean;
  run(context: RunContext<Config, Name>): readonly R[] | Promise<readonly R[]>;
}

/** What an experiment file exports by default. */
export interface Experiment<
  Config = object,
  R extends Row = Row,
  Name extends string = string,
> extends ExperimentHead<Config, R, Name> {
  /** Numbered in the README card and the report: what differs from the paper's own setting. */
  readonly differences: readonly string[];
  readonly figures: readonly Figure<R>[];
}

/** {@link Experiment}, with `claims` and `plot` instead of `figures` where there is only one figure. */
export interface ExperimentOptions<Config, R extends Row, Name extends DatasetName> extends ExperimentHead<
  Config,
  R,
  Name
> {
  /** Default none. */
  readonly differences?: readonly string[];
  readonly figures?: readonly Figure<NoInfer<R>>[];
  readonly claims?: readonly Claim<NoInfer<R>>[];
  plot?(this: void, rows: readonly NoInfer<R>[]): PlotSpec;
}

/**
 * Declares an experiment: what to run per seed, what the paper claims, and how rows become verdicts and figures.
 * The rows' type is read
 * from `run`; `claim` needs it named.
 *
 * @throws ArgumentError for an id that is no path of two names, a repeated figure, or a scale without seeds.
 *
 * @example
 * // packages/fw-prune/reproduce/figures-1-3.experiment.ts
 * import '@tensorflow/tfjs';
 * import { claim, compareOverSeeds, experiment, lineOverSeeds, meanAtLeast, where } from '@ockham/reproduce';
 *
 * interface Config { readonly pretrain: readonly number[]; readonly sparsity: number }
 * interface PruningRow { readonly seed: number; readonly method: 'simple' | 'momentum'; readonly epochs: number; readonly accuracy: number }
 *
 * export default experiment({
 *   id: 'fw-prune/figures-1-3',
 *   paper: 'Figures 1–3: accuracy, loss and inference time against pre-training epochs',
 *   datasets: ['mnist'],
 *   scales: {
 *     smoke: { seeds: 1, config: { pretrain: [1], sparsity: 0.95 } satisfies Config },
 *     standard: { seeds: 3, config: { pretrain: [1, 2], sparsity: 0.95 } },
 *     paper: { seeds: 5, config: { pretrain: [1, 2, 4, 8], sparsity: 0.95 } },
 *   },
 *   why: { pretrain: 'the range of Figure 1', sparsity: 'Section 5' },
 *   differences: ['Adam instead of an unnamed optimizer'],
 *   async run({ config, seed, data, progress, signal, checkpoint, once }) {
 *     const rows: PruningRow[] = [];
 *     for (const epochs of config.pretrain) {
 *       for (const method of ['simple', 'momentum'] as const) {
 *         rows.push(await once(`${method}-${epochs}`, async () => {
 *           const accuracy = await pruneAndTest(data.mnist, { method, epochs, seed, progress, signal,
 *             checkpoint: checkpoint(`${method}-${epochs}`) });
 *           return { seed, method, epochs, accuracy };
 *         }));
 *       }
 *     }
 *     return rows;
 *   },
 *   figures: [
 *     {
 *       id: 'figure-1',
 *       title: 'Accuracy against pre-training epochs',
 *       paperClaim: 'Frank-Wolfe with momentum is above simple pruning at every pre-training length.',
 *       claims: [
 *         claim<PruningRow>('momentum is above simple pruning', {
 *           paper: 'Figure 1: consistently above',
 *           measure: (rows) =>
 *             compareOverSeeds(where(rows, { method: 'momentum' }), where(rows, { method: 'simple' }), (r) => r.accuracy, {
 *               names: ['momentum', 'simple'], scale: 100, unit: '%',
 *             }),
 *         }),
 *         claim<PruningRow>('momentum keeps 98 %', {
 *           paper: 'about 98 %',
 *           measure: (rows) => meanAtLeast(where(rows, { method: 'momentum' }), (r) => r.accuracy, 0.98, { scale: 100, unit: '%' }),
 *         }),
 *       ],
 *       plot: (rows) =>
 *         lineOverSeeds(rows, {
 *           title: 'Accuracy against pre-training epochs', series: 'method',
 *           x: { field: 'epochs', title: 'pre-training epochs' }, y: { field: 'accuracy', title: 'test accuracy', format: '.1%' },
 *         }),
 *     },
 *   ],
 * });
 */
export function experiment<Config extends object, R extends Row, const Name extends DatasetName>(
  options: ExperimentOptions<Config, R, Name>,
): Experiment<Config, R, Name> {
  const { id, differences = [] } = options;
  if (!/^[a-z0-9-]+\/[a-z0-9-]+$/.test(id)) {
    throw new ArgumentError(
      `experiment: the id must be <package folder>/<name> in lower case, like fw-prune/figure-1; got ${id}.`,
    );
  }
  for (const name of scaleNames) {
    const seeds = options.scales[name]?.seeds ?? (name === 'extended' ? 1 : 0);
    if (!Number.isInteger(seeds) || seeds < 1) {
      throw new ArgumentError(`experiment ${id}: the scale ${name} needs at least one seed, got ${seeds}.`);
    }
  }
  const figures = options.figures ?? [onlyFigure(options)];
  const seen = new Set<string>();
  for (const figure of figures) {
    if (!/^[a-z0-9-]+$/.test(figure.id) || seen.has(figure.id)) {
      throw new ArgumentError(
        `experiment ${id}: figure ids must be unique, in lower case with hyphens; got ${figure.id}. Rename it.`,
      );
    }
    seen.add(figure.id);
  }
  return { ...options, differences, figures };
}

function onlyFigure<Config, R extends Row, Name extends DatasetName>({
  id,
  paper,
  claims,
  plot,
}: ExperimentOptions<Config, R, Name>): Figure<R> {
  if (!claims || !plot)
    throw new ArgumentError(
      `experiment ${id}: it must have figures, or claims and plot. Add one of the two.`,
    );
  return { id: experimentName(id), title: paper, paperClaim: paper, claims, plot };
}

/**
 * The configuration and seeds of an experiment at a scale.
 *
 * @throws ArgumentError where the experiment has none.
 */
export function scaleOf({ id, scales }: Pick<Experiment, 'id' | 'scales'>, name: ScaleName): Scale<object> {
  const scale = scales[name];
  if (scale) return scale;
  throw new ArgumentError(
    `experiment ${id}: it has no scale ${name}. Take ${Object.keys(scales).join(', ')}.`,
  );
}

/** The part of an experiment's id after the package: the name of its files. */
export function experimentName(id: string): string {
  return id.slice(id.indexOf('/') + 1);
}
