/**
 * AdaLoRA: the adapters of all layers share a budget of rank-one parts P_i λ_i Q_i, which falls along a cubic while parts of little
 * importance are closed.
 *
 * Paper: Zhang et al. 2023, "AdaLoRA: adaptive budget allocation for parameter-efficient fine-tuning", algorithm 1, eq. 3 to 9:
 * S_i = s(λ_i) + mean s(P_·i) + mean s(Q_i·), s = Ī Ū, Ī and Ū the running means of |w ∇w| and of its distance from Ī; the penalty
 * γ(‖PᵀP − I‖² + ‖QQᵀ − I‖²) keeps the parts apart. P is our A, Q our R, λ the gate.
 * Deviation: P and Q start as Gaussian of deviation 1/√rows and 1/√columns, so that the penalty is small at first.
 */
import {
  abs,
  add,
  dispose,
  eye,
  keep,
  matMul,
  mean,
  mul,
  reshape,
  sub,
  tensor2d,
  tidy,
  zeros,
  zerosLike,
  type NamedTensorMap,
  type Tensor,
  type Tensor2D,
  type Variable,
} from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import {
  disposeGates,
  gateAdapters,
  gateGradients,
  keepParts,
  openGates,
  writeGated,
  type GatedAdapter,
} from './gated-factors.ts';
import { gaussianFactor } from './layer-adapter.ts';
import { asMatrix } from './linear-kind.ts';
import type { GatedTraining } from './sora.ts';

/** Options of {@link adaLora}. */
export interface AdaLoraOptions {
  /** b⁽ᵀ⁾ over the number of layers: mean rank at the end, in (0, r]. */
  readonly targetRank: number;
  /** T: steps of the whole training, from 1. */
  readonly steps: number;
  /** t_i: steps at the full budget, as a part of T, in [0, 1). Default 0.1. */
  readonly warmup?: number;
  /** t_f: steps at the end with parts that no longer change, as a part of T, in [0, 1 − warmup). Default 0.4. */
  readonly final?: number;
  /** ΔT: steps between prunings, from 1. Default 10. */
  readonly every?: number;
  /** β₁ and β₂ of the importance, in [0, 1). Default 0.85 both, the paper's. */
  readonly beta1?: number;
  /** See {@link AdaLoraOptions.beta1}. */
  readonly beta2?: number;
  /** γ, of the penalty, ≥ 0. Default 0.1. */
  readonly orthogonality?: number;
  /** Seeds Q. Default 0. */
  readonly seed?: Seed;
}

/** b⁽ᵗ⁾: parts that are open after step t of T (eq. 9). */
export function rankBudget(
  t: number,
  parts: { readonly first: number; readonly last: number },
  { steps, warmup = 0.1, final = 0.4 }: Pick<AdaLoraOptions, 'steps' | 'warmup' | 'final'>,
): number {
  const [begin, end] = [warmup * steps, (1 - final) * steps];
  if (t < begin) return parts.first;
  if (t >= end) return parts.last;
  return Math.ceil(parts.last + (parts.first - parts.last) * (1 - (t - begin) / (end - begin)) ** 3);
}

/** Ī and Ū of one variable. */
interface Importance {
  mean: Tensor;
  spread: Tensor;
}

/**
 * Gates for the adapter in use, whose ranks are the largest that a layer can keep. Its state is not in checkpoints of `train`: a
 * run that is resumed begins the budget anew.
 *
 * @throws ArgumentError for options out of range, or an adapter with heads, DoRA or PiSSA.
 *
 * @example
 * const adapted = applyLora(model, { rank: 12, alpha: 12, targets: /query|value/ });
 * const gates = adaLora(adapted, { targetRank: 8, steps: 3 * Math.ceil(data.train.size / 32) });
 * await train(adapted, data.train, { epochs: 3, batchSize: 32, constraint: gates });
 * gates.finish();
 */
export function adaLora(adapted: LayersModel, options: AdaLoraOptions): GatedTraining {
  const { targetRank, steps, every = 10, beta1 = 0.85, beta2 = 0.85, orthogonality = 0.1 } = options;
  check(options);
  const random = toRandom(options.seed ?? 0).stream('adalora');
  const gated = gateAdapters('adaLora', adapted, ({ rank, b }, path) => {
    const columns = b.shape[1]!;
    return {
      gate: zeros([rank, 1]),
      rows: gaussianFactor([rank, columns], 1, 1 / Math.sqrt(columns), random.stream(path)),
    };
  });
  const first = gated.reduce((sum, { adapter }) => sum + adapter.rank, 0);
  const last = Math.round(targetRank * gated.length);
  if (last > first || last < 1) {
    disposeGates(gated);
    throw new ArgumentError(
      `adaLora: targetRank must leave from 1 part to as many as the adapter has, ${first} in ${gated.length} layers; got ${targetRank}, which leaves ${last}.`,
    );
  }
  const importances = new Map<Variable, Importance>();
  for (const variable of gated.flatMap(({ a, gate, rows }) => [a, gate, rows])) {
    importances.set(variable, { mean: keep(zerosLike(variable)), spread: keep(zerosLike(variable)) });
  }
  const settled = (1 - (options.final ?? 0.4)) * steps;
  let settledOn: readonly Float32Array[] | undefined;
  let t = 0;

  /** Takes one gradient into Ī and Ū. */
  const observe = (variable: Variable, gradient: Tensor): void => {
    const known = importances.get(variable)!;
    const [average, spread] = tidy((): Tensor[] => {
      const now = abs(mul(variable, gradient));
      const middle = add(mul(known.mean, beta1), mul(now, 1 - beta1));
      return [middle, add(mul(known.spread, beta2), mul(abs(sub(now, middle)), 1 - beta2))];
    });
    dispose([known.mean, known.spread]);
    importances.set(variable, { mean: keep(average!), spread: keep(spread!) });
  };

  return {
    gradients(given) {
      const changed = gateGradients(gated, given);
      for (const { a, gate, rows } of gated) {
        for (const variable of [a, gate, rows]) {
          const gradient = changed[variable.name];
          if (gradient) observe(variable, gradient);
        }
        if (orthogonality > 0) penalise(changed, a, rows, orthogonality);
      }
      return changed;
    },
    apply() {
      t++;
      const open = rankBudget(t, { first, last }, options);
      const due = t >= settled ? !settledOn : t % every === 0 && open < first;
      const masks = due ? strongest(gated, importances, open) : settledOn;
      if (t >= settled) settledOn = masks;
      for (const [i, { gate }] of gated.entries()) {
        const mask = masks?.[i];
        if (mask) tidy(() => gate.assign(mul(gate, tensor2d(mask, [mask.length, 1]))));
      }
      writeGated(gated);
    },
    ranks: () =>
      Object.fromEntries(Object.entries(openGates(gated)).map(([path, parts]) => [path, parts.length])),
    finish() {
      keepParts(gated, openGates(gated));
      disposeGates(gated);
      for (const { mean: middle, spread } of importances.values()) dispose([middle, spread]);
    },
  };
}

/** For each adapter 1 where a part is among the `open` most important of all layers, else 0. */
function strongest(
  gated: readonly GatedAdapter[],
  importances: ReadonlyMap<Variable, Importance>,
  open: number,
): Float32Array[] {
  const scores = gated.map(({ a, gate, rows }) => {
    const total = tidy(() => {
      const of = (variable: Variable) => {
        const known = importances.get(variable)!;
        return mul(known.mean, known.spread);
      };
      const parts = add(mean(asMatrix(of(a)), 0), mean(of(rows), 1));
      return add(parts, reshape(of(gate), [-1]));
    });
    const values = Float32Array.from(total.dataSync());
    total.dispose();
    return values;
  });
  const order = scores
    .flatMap((values, l) => Array.from(values, (score, i) => ({ score, l, i })))
    .sort((x, y) => y.score - x.score || x.l - y.l || x.i - y.i);
  const masks = scores.map(({ length }) => new Float32Array(length));
  for (const { l, i } of order.slice(0, open)) masks[l]![i] = 1;
  return masks;
}

/** Adds γ ∇(‖PᵀP − I‖² + ‖QQᵀ − I‖²). */
function penalise(gradients: NamedTensorMap, a: Variable, rows: Variable, gamma: number): void {
  const less = (gram: Tensor2D) => sub<Tensor2D>(gram, eye(gram.shape[0]));
  const [p, q] = [asMatrix(a), rows as Tensor2D];
  const ofP = matMul(p, less(matMul(p, p, true)));
  const ofQ = matMul(less(matMul(q, q, false, true)), q);
  gradients[a.name] = add(gradients[a.name]!, mul(reshape(ofP, a.shape), 4 * gamma));
  gradients[rows.name] = add(gradients[rows.name]!, mul(ofQ, 4 * gamma));
}

function check({ targetRank, steps, warmup = 0.1, final = 0.4, every = 10, ...rest }: AdaLoraOptions): void {
  const { beta1 = 0.85, beta2 = 0.85, orthogonality = 0.1 } = rest;
  const refuse = (rule: string, got: number): never => {
    throw new ArgumentError(`adaLora: ${rule}, got ${got}.`);
  };
  if (!(targetRank > 0 && Number.isFinite(targetRank))) refuse('targetRank must be a number > 0', targetRank);
  if (!(Number.isInteger(steps) && steps >= 1)) refuse('steps must be a whole number from 1', steps);
  if (!(Number.isInteger(every) && every >= 1)) refuse('every must be a whole number from 1', every);
  if (!(warmup >= 0 && warmup < 1)) refuse('warmup must be in [0, 1)', warmup);
  if (!(final >= 0 && warmup + final < 1))
    refuse(`final must be in [0, 1 − warmup) = [0, ${1 - warmup})`, final);
  for (const [name, value] of Object.entries({ beta1, beta2 }))
    if (!(value >= 0 && value < 1)) refuse(`${name} must be in [0, 1)`, value);
  if (!(orthogonality >= 0 && Number.isFinite(orthogonality)))
    refuse('orthogonality must be a number ≥ 0', orthogonality);
}
