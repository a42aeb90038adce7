import { ArgumentError } from '@ockham/core';
import { checkDistillation, type OptimizerSpec } from '@ockham/core/training';
import type { PruneOptions } from './options.ts';
import type { Criterion } from './criteria.ts';
import type { PruneAt, Schedule } from './schedule.ts';
import type { Scope } from './scope.ts';
import type { RetrainOptions } from './retraining.ts';
import { patternName, patternRule, type PatternRule } from './pattern.ts';
import type { Exclude } from './prunable.ts';
import { simplePruning } from './simple-pruning.ts';
import { frankWolfeMomentumPruning, frankWolfePruning } from './frank-wolfe-pruning.ts';

/** What makes a method differ from another. */
export interface MethodDefaults {
  readonly iterations: number;
  readonly criterion: Criterion;
  readonly scope: Scope;
  readonly schedule: Schedule;
  readonly pruneAt: PruneAt;
  readonly sparsityStep: 'N-1' | 'N';
  readonly ramp: number;
  readonly momentum: number;
  readonly momentumForm: 'accumulated' | 'printed';
  readonly mask: 'hold' | 'release';
  readonly regrow: boolean;
  readonly gradientPasses: 'mean' | 'single';
  /** The default floor, as a fraction of the density 1 − s that each kernel would have if all were equal. */
  readonly floorOfEvenShare: number;
  /** s_init as a fraction of s_final. */
  readonly initialFraction: number;
  /** What retrains if the caller names neither an optimizer nor a rate. */
  readonly retrain: Required<Pick<RetrainOptions, 'optimizer'>> & Pick<RetrainOptions, 'learningRate'>;
  readonly dropout: 'adjust' | 'keep';
}

/** Options with every default filled in. */
export interface Settings {
  readonly method: Method;
  readonly sparsity: number;
  readonly iterations: number;
  readonly initialSparsity: number;
  readonly schedule: Schedule;
  readonly pruneAt: PruneAt;
  readonly sparsityStep: 'N-1' | 'N';
  readonly ramp: number;
  readonly criterion: Criterion;
  readonly curvature: number;
  readonly scope: Scope;
  readonly floor: number;
  readonly exclude: Exclude;
  readonly pattern?: PatternRule;
  readonly momentum: number;
  readonly momentumForm: 'accumulated' | 'printed';
  readonly mask: 'hold' | 'release';
  readonly regrow: boolean;
  readonly subsample: number;
  readonly gradientPasses: 'mean' | 'single';
  readonly retrain: RetrainOptions & Required<Pick<RetrainOptions, 'epochs' | 'dropout'>>;
}

/** The paper's methods: Algorithms 2, 3 and 4. */
export type Method = 'simple' | 'frank-wolfe' | 'frank-wolfe-momentum';

const METHODS: Record<Method, Record<'intended' | 'printed', MethodDefaults>> = {
  simple: simplePruning,
  'frank-wolfe': frankWolfePruning,
  'frank-wolfe-momentum': frankWolfeMomentumPruning,
};

const OPTIMIZERS = ['sgd', 'momentum', 'adam'] as const satisfies OptimizerSpec['name'][];

/** Fills in the defaults of a method and a form, and refuses what is out of range. */
export function settingsOf(options: PruneOptions): Settings {
  const { method = 'frank-wolfe-momentum', form = 'intended' } = options;
  const pattern = options.pattern === undefined ? undefined : patternRule(options.pattern);
  const fixed = pattern?.kind === 'groups' ? 1 - pattern.n / pattern.m : undefined;
  const sparsity = (options.sparsity ?? fixed) as number;
  oneOf('method', method, Object.keys(METHODS));
  oneOf('form', form, ['intended', 'printed']);
  inRange(
    'sparsity',
    sparsity,
    typeof sparsity === 'number' && sparsity >= 0 && sparsity < 1,
    'the fraction of weights to remove, a number in [0, 1)',
  );
  const defaults = METHODS[method][form];
  const settings: Settings = {
    method,
    sparsity,
    iterations: options.iterations ?? defaults.iterations,
    initialSparsity: options.initialSparsity ?? fixed ?? sparsity * defaults.initialFraction,
    schedule: options.schedule ?? defaults.schedule,
    pruneAt: options.pruneAt ?? defaults.pruneAt,
    sparsityStep: options.sparsityStep ?? defaults.sparsityStep,
    ramp: options.ramp ?? defaults.ramp,
    criterion: options.criterion ?? defaults.criterion,
    curvature: options.curvature ?? 128,
    scope: options.scope ?? (fixed === undefined ? defaults.scope : 'layer'),
    floor: options.floor ?? (fixed === undefined ? defaults.floorOfEvenShare * (1 - sparsity) : 0),
    exclude: options.exclude ?? [],
    ...(pattern && { pattern }),
    momentum: options.momentum ?? defaults.momentum,
    momentumForm: options.momentumForm ?? defaults.momentumForm,
    mask: options.mask ?? defaults.mask,
    regrow: options.regrow ?? defaults.regrow,
    subsample: options.subsample ?? 1024,
    gradientPasses: options.gradientPasses ?? defaults.gradientPasses,
    retrain: {
      epochs: 1,
      optimizerState: 'continued',
      dropout: defaults.dropout,
      ...defaultOptimizer(options.retrain, defaults),
      ...options.retrain,
    },
  };
  checkSettings(settings);
  checkPattern(settings);
  return settings;
}

/** The method's rate belongs to its optimizer: a caller who names either gets nothing else with it. */
function defaultOptimizer(given: RetrainOptions = {}, { retrain }: MethodDefaults): RetrainOptions {
  if (given.optimizer !== undefined) return {};
  return given.learningRate === undefined ? retrain : { optimizer: retrain.optimizer };
}

function checkSettings(settings: Settings): void {
  const { iterations, initialSparsity, sparsity, ramp, curvature, floor, momentum, subsample, retrain } =
    settings;
  const least = settings.pruneAt === 'every' ? 1 : 2;
  inRange(
    'iterations',
    iterations,
    Number.isInteger(iterations) && iterations >= least,
    `an integer ≥ ${least}`,
  );
  inRange(
    'initialSparsity',
    initialSparsity,
    initialSparsity >= 0 && initialSparsity <= sparsity,
    `in [0, sparsity] = [0, ${sparsity}]`,
  );
  inRange('ramp', ramp, ramp > 0 && ramp <= 1, 'in (0, 1]');
  inRange('curvature', curvature, curvature > 0 && Number.isFinite(curvature), 'a number > 0');
  inRange('floor', floor, floor >= 0 && floor <= 1, 'the fraction of each layer that stays, in [0, 1]');
  inRange('momentum', momentum, momentum >= 0 && momentum < 1, 'in [0, 1)');
  inRange('subsample', subsample, Number.isInteger(subsample) && subsample >= 1, 'an integer ≥ 1');
  inRange(
    'retrain.epochs',
    retrain.epochs,
    retrain.epochs >= 0 && Number.isFinite(retrain.epochs),
    'a number ≥ 0',
  );
  oneOf('schedule', settings.schedule, ['one-shot', 'linear', 'cubic']);
  oneOf('pruneAt', settings.pruneAt, ['every', 'halves', 'printed-halves']);
  oneOf('sparsityStep', settings.sparsityStep, ['N-1', 'N']);
  oneOf('scope', settings.scope, ['global', 'layer', 'lamp']);
  oneOf('momentumForm', settings.momentumForm, ['accumulated', 'printed']);
  oneOf('mask', settings.mask, ['hold', 'release']);
  oneOf('gradientPasses', settings.gradientPasses, ['mean', 'single']);
  oneOf('retrain.dropout', retrain.dropout, ['adjust', 'keep']);
  if (retrain.optimizerState !== undefined)
    oneOf('retrain.optimizerState', retrain.optimizerState, ['fresh', 'continued']);
  const { optimizer } = retrain;
  if (optimizer !== undefined && !(typeof optimizer === 'object' && 'applyGradients' in optimizer))
    oneOf('retrain.optimizer', typeof optimizer === 'string' ? optimizer : optimizer.name, OPTIMIZERS);
  if (retrain.batchSize !== undefined)
    inRange(
      'retrain.batchSize',
      retrain.batchSize,
      Number.isInteger(retrain.batchSize) && retrain.batchSize >= 1,
      'an integer ≥ 1',
    );
  if (typeof settings.criterion !== 'function')
    oneOf('criterion', settings.criterion, [
      'magnitude',
      'gradient',
      'weight-gradient',
      'lmo',
      'natural-lmo',
      'random',
    ]);
  if (retrain.distill) checkDistillation('prune', retrain.distill, retrain.loss);
  if (typeof retrain.learningRate === 'number')
    inRange('retrain.learningRate', retrain.learningRate, retrain.learningRate > 0, 'a number > 0');
}

/** Refuses what a pattern rules out. */
function checkPattern({ pattern, sparsity, initialSparsity, scope, floor, mask }: Settings): void {
  if (!pattern) return;
  const name = patternName(pattern);
  if (mask !== 'hold')
    throw new ArgumentError(
      `prune: pattern ${name} needs mask 'hold', got '${mask}': weights that grow back break it. Leave out form 'printed' or set the mask.`,
    );
  if (pattern.kind === 'blocks') return;
  const fixed = 1 - pattern.n / pattern.m;
  const refuse = (option: string, rule: string, got: unknown): never => {
    throw new ArgumentError(
      `prune: with pattern ${name} ${option} must be ${rule}, got ${String(got)}. Leave it out, or choose another pattern.`,
    );
  };
  if (Math.abs(sparsity - fixed) > 1e-9) refuse('sparsity', `1 − n/m = ${fixed}`, sparsity);
  if (Math.abs(initialSparsity - fixed) > 1e-9)
    refuse('initialSparsity', `1 − n/m = ${fixed}`, initialSparsity);
  if (scope !== 'layer') refuse('scope', 'layer, since no layers compete,', scope);
  if (floor > pattern.n / pattern.m) refuse('floor', `at most n/m = ${pattern.n / pattern.m}`, floor);
}

function inRange(name: string, value: unknown, ok: boolean, rule: string): void {
  if (ok) return;
  throw new ArgumentError(`prune: ${name} must be ${rule}, got ${String(value)}.`);
}

function oneOf(name: string, value: unknown, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  throw new ArgumentError(`prune: ${name} must be one of ${known.join(', ')}, got ${JSON.stringify(value)}.`);
}
