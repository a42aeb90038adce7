/**
 * GaLore: all weights train, but the optimizer sees gradients in r dimensions, and its moments live there.
 *
 * Paper: Zhao et al. 2024, "GaLore: memory-efficient LLM training by gradient low-rank projection", algorithms 1 and 2:
 * W ← W + α P Δ(PᵀG), with Δ the step of Adam, P found anew every T steps. Without SVD: Modoranu et al. 2025, "SVD-free low-rank
 * adaptive gradient optimization for large language models": columns of a fixed DCT matrix, the best aligned ones.
 *
 * Deviations: any optimizer of `train` works inside, on variables of the projected shape. Moments stay as they are when P changes,
 * as in the paper; with the DCT a column that stays keeps its place and so its moments. TensorFlow.js makes all gradients before a
 * step: what is saved is the optimizer's state, not the gradients. A kernel whose shorter side is the rank has P = I.
 */
import { add, mul, Optimizer, reshape, tidy, variable, zeros } from '@tensorflow/tfjs-core';
import type { NamedTensorMap, Rank, serialization, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import { setLearningRate, toOptimizer, trainableVariables, type OptimizerSpec } from '@ockham/core/training';
import type { Targets } from '../layer-rules.ts';
import { asMatrix } from '../lora/linear-kind.ts';
import { findSites, kernelOf } from '../lora/targets.ts';
import { Projection, type GaLoreBasis } from './projection.ts';
import { reportOf, type GaLoreReport } from './report.ts';

/** Options of {@link gaLore}. Only `rank` is required. */
export interface GaLoreOptions {
  /**
   * r, from 1: for all layers, or by path; layers without an entry are stepped whole. A layer whose shorter side is not above one rank
   * for all is stepped whole too.
   */
  readonly rank: number | Readonly<Record<string, number>>;
  /** Default: every dense layer and convolution that trains; embeddings by name. */
  readonly targets?: Targets;
  /** T, steps between two searches for the subspace, from 1. Default 200 (section 5 of the paper). */
  readonly refreshEvery?: number;
  /** α, positive: the length of a projected step over that of the optimizer's. Default 0.25 (section 5). */
  readonly scale?: number;
  /**
   * `svd` (default): singular vectors of the gradient, in float64. `randomised`: by a random range finder. `dct`: columns of the
   * cosine transform, without any decomposition; r numbers are kept in the place of P.
   */
  readonly basis?: GaLoreBasis;
  /** What steps in the subspace, and all other weights. Default adam, 0.001. */
  readonly optimizer?: OptimizerSpec | OptimizerSpec['name'];
  /** Of `randomised`. Default 0. */
  readonly seed?: Seed;
}

/** A kernel and its projection. */
interface Site {
  readonly path: string;
  readonly kernel: Variable;
  readonly projection: Projection;
}

type Settings = Required<Pick<GaLoreOptions, 'refreshEvery' | 'scale'>> & {
  readonly inner: Optimizer;
  readonly spec: OptimizerSpec;
  readonly random: Random;
};

type NamedTensor = Awaited<ReturnType<Optimizer['getWeights']>>[number];

const BASIS = 'galore-basis/';

/** An optimizer whose moments live in a subspace; made by {@link gaLore}, taken by `train`, disposed of by its maker. */
export class GaLoreOptimizer extends Optimizer {
  /** Names the class in saved states. */
  static readonly className: string = 'GaLore';
  private readonly sites: ReadonlyMap<string, Site>;
  private readonly whole: readonly Site[];
  private readonly settings: Settings;

  /** @internal */
  constructor(sites: readonly Site[], whole: readonly Site[], settings: Settings) {
    super();
    this.sites = new Map(sites.map((site) => [site.kernel.name, site]));
    this.whole = whole;
    this.settings = settings;
  }

  /** One step. The subspaces are found anew before steps 0, T, 2T, … */
  override applyGradients(gradients: NamedTensorMap | NamedTensor[]): void {
    const { inner, refreshEvery, scale, random } = this.settings;
    const given: [string, Tensor][] = Array.isArray(gradients)
      ? gradients.map((entry) => [entry.name, entry.tensor])
      : Object.entries(gradients);
    const step = inner.iterations;
    const lifts: (() => void)[] = [];
    const steps: Variable[] = [];
    try {
      tidy(() => {
        const projected: NamedTensorMap = {};
        for (const [name, gradient] of given) {
          const site = this.sites.get(name);
          if (!site) {
            projected[name] = gradient;
            continue;
          }
          const { path, kernel, projection } = site;
          const G = asMatrix(gradient);
          if (step % refreshEvery === 0 || !projection.found) {
            projection.refresh(G, random.stream(path).stream(step));
          }
          const P = projection.matrix();
          const R = projection.project(G, P);
          // starts at 0 in every step: what the optimizer leaves there is its step
          const N = variable<Rank.R2>(zeros<Rank.R2>(R.shape), true, `galore/${path}`);
          steps.push(N);
          projected[N.name] = R;
          lifts.push(() => {
            const change = mul(projection.lift(N, P), scale);
            kernel.assign(add(kernel, reshape(change, kernel.shape)));
          });
        }
        inner.applyGradients(projected);
        for (const lift of lifts) lift();
      });
    } finally {
      for (const made of steps) made.dispose();
    }
  }

  /** Of the optimizer inside. */
  setLearningRate(rate: number): void {
    setLearningRate(this.settings.inner, rate);
  }

  /** What the optimizer keeps for each layer, beside what the optimizer inside would keep on its own. */
  report(): GaLoreReport {
    const { spec } = this.settings;
    const layers = [...this.sites.values()].map(({ path, projection }) => ({ path, projection }));
    const whole = this.whole.map(({ path, projection }) => ({ path, projection }));
    return reportOf(spec.name, layers, whole);
  }

  /** The state of the optimizer inside and the subspaces: all that going on to the bit needs. */
  override async getWeights(): Promise<NamedTensor[]> {
    const own = [...this.sites.values()].flatMap(({ path, projection }): NamedTensor[] => {
      const held = projection.save();
      return held ? [{ name: `${BASIS}${path}`, tensor: held }] : [];
    });
    return [...(await this.settings.inner.getWeights()), ...own];
  }

  /** @throws DataError if the state is of other options. */
  override async setWeights(weights: NamedTensor[]): Promise<void> {
    const own = new Map(weights.filter(({ name }) => name.startsWith(BASIS)).map((w) => [w.name, w.tensor]));
    for (const { path, projection } of this.sites.values())
      projection.restore(own.get(`${BASIS}${path}`), path);
    await this.settings.inner.setWeights(weights.filter(({ name }) => !name.startsWith(BASIS)));
  }

  // Adam's running products of β, which a checkpoint keeps beside the weights
  /** β₁ to the power of the steps so far, where the inner optimizer is Adam. */
  get accBeta1(): Variable | undefined {
    return (this.settings.inner as { accBeta1?: Variable }).accBeta1;
  }

  /** β₂ to the power of the steps so far, where the inner optimizer is Adam. */
  get accBeta2(): Variable | undefined {
    return (this.settings.inner as { accBeta2?: Variable }).accBeta2;
  }

  override getConfig(): serialization.ConfigDict {
    const { refreshEvery, scale, inner } = this.settings;
    return { refreshEvery, scale, optimizer: inner.getClassName() };
  }

  override dispose(): void {
    this.settings.inner.dispose();
    for (const { projection } of this.sites.values()) projection.dispose();
    super.dispose();
  }
}

/**
 * An optimizer for `train` that keeps the moments of a model's kernels in r dimensions each: r (m + 2n) values in the place of
 * Adam's 2 m n, for a kernel `[m, n]`, m ≤ n. All weights train; checkpoints resume to the bit.
 *
 * @throws ArgumentError for an option out of range, a rank above every layer's min(m, n), or targets that match nothing.
 * @throws UnsupportedModelError for a target whose kernel is no matrix, or if none of the targets trains.
 *
 * @example
 * const optimizer = gaLore(model, { rank: 32, optimizer: { name: 'adam', learningRate: 1e-3 } });
 * await train(model, data.train, { epochs: 3, optimizer });
 * console.log(optimizer.report().bytes, optimizer.report().fullBytes);
 * optimizer.dispose();
 */
export function gaLore(model: LayersModel, options: GaLoreOptions): GaLoreOptimizer {
  const { refreshEvery = 200, scale = 0.25, basis = 'svd', optimizer = 'adam', seed = 0 } = options;
  if (!(Number.isInteger(refreshEvery) && refreshEvery >= 1)) {
    throw new ArgumentError(`gaLore: refreshEvery must be an integer from 1, got ${refreshEvery}.`);
  }
  if (!(scale > 0 && Number.isFinite(scale))) {
    throw new ArgumentError(`gaLore: scale must be positive, got ${scale}. The paper's is 0.25.`);
  }
  if (!['svd', 'randomised', 'dct'].includes(basis)) {
    throw new ArgumentError(
      `gaLore: basis must be svd, randomised or dct, got ${JSON.stringify(basis)}. They are in order of cost.`,
    );
  }
  const spec = typeof optimizer === 'string' ? { name: optimizer } : optimizer;
  const trained = new Set(trainableVariables(model));
  const found = findSites('gaLore', model, options.targets, new Map())
    .map((site) => ({ ...site, kernel: kernelOf(site.layer) }))
    .filter(({ kernel }) => trained.has(kernel));
  if (found.length === 0) {
    throw new UnsupportedModelError(
      'gaLore: none of the targets trains. Set `layer.trainable = true`, or name other targets.',
    );
  }
  const ranks = ranksOf(found, options.rank);
  const sites = found.map(({ path, kernel, inputs, outputs }, i): Site => {
    return { path, kernel, projection: new Projection(inputs, outputs, ranks[i]!, basis) };
  });
  const isWhole = ({ projection: { rows, columns, rank } }: Site) => rank === Math.min(rows, columns);
  const settings = {
    ...{ refreshEvery, scale, spec },
    inner: toOptimizer(spec).optimizer,
    random: toRandom(seed).stream('galore'),
  };
  return new GaLoreOptimizer(
    sites.filter((site) => !isWhole(site)),
    sites.filter(isWhole),
    settings,
  );
}

/** The rank of each layer; its shorter side where it is stepped whole. */
function ranksOf(
  found: readonly { readonly path: string; readonly inputs: number; readonly outputs: number }[],
  rank: GaLoreOptions['rank'],
): number[] {
  const sides = found.map(({ inputs, outputs }) => Math.min(inputs, outputs));
  const check = (value: number, most: number, where: string) => {
    if (Number.isInteger(value) && value >= 1 && value <= most) return;
    throw new ArgumentError(`gaLore: rank must be in [1, min(m, n)] = [1, ${most}]${where}, got ${value}.`);
  };
  if (typeof rank === 'number') {
    check(rank, Math.max(...sides), ', of the largest layer');
    return sides.map((side) => Math.min(side, rank));
  }
  const unknown = Object.keys(rank).find((name) => !found.some(({ path }) => path === name));
  if (unknown !== undefined) {
    throw new ArgumentError(
      `gaLore: rank names ${unknown}, which is no layer that is projected. There are: ${found.map(({ path }) => path).join(', ')}.`,
    );
  }
  return found.map(({ path }, i) => {
    const own = rank[path];
    if (own !== undefined) check(own, sides[i]!, ` for ${path}`);
    return own ?? sides[i]!;
  });
}
