/**
 * 0/1 Adam: the variance is updated at ever rarer steps, from full gradients, and then frozen; the momentum is communicated in signs at
 * each other step, and once the variance is frozen only every 2, 4, … steps, between which each rank goes on alone.
 *
 * Source: Lu et al. 2022, Maximizing communication efficiency for large-scale training via 0/1 Adam, Algorithm 1, with the policies of
 * its section 6: variance steps at k₀ = 1, k_{j+1} = k_j + 2^⌊j/κ⌋; intervals of local steps that double up to a bound.
 *
 * Notation: u is the sum of a rank's steps γ·m since all ranks had the same parameters, `anchor` those, and D = √v̂ + ε, so that the
 * parameters are always anchor − u/D: a rank that is loaded between two synchronisations computes them again.
 *
 * Deviations: at a step where the variance is updated the momentum is updated by the full mean gradient that was sent for it, not by a
 * second message in signs; local steps begin only when the variance is frozen, as in DeepSpeed; the moments' bias is taken out; a
 * parameter whose variance is 0 stays where it is, see `one-bit-adam.ts`.
 */
import { checkFractions, checkNotNegative, checkSteps } from './check-rates.ts';
import { compressedMean } from './compressed-mean.ts';
import type { CompressedContext, CompressedOptimizer } from './compressed-optimizer.ts';
import { checkWhole } from './compressed-state.ts';
import type { FlatSlice } from './flat-optimizer.ts';
import { fullMean } from './full-mean.ts';
import type { ScaleRange } from './signs.ts';

/** Options of {@link zeroOneAdam}. */
export interface ZeroOneAdamOptions {
  /** The last step that may update the variance, ≥ 1. */
  readonly freezeStep: number;
  /** κ ≥ 1: variance updates after which their interval doubles. Default 16, the paper's. */
  readonly varianceUpdates?: number;
  /** Steps after which the interval of local steps doubles, ≥ 1. The paper doubles it as the learning rate halves. Default 64. */
  readonly localDoubling?: number;
  /** Longest interval of local steps, ≥ 1. Default 16, the paper's. */
  readonly maxInterval?: number;
  /** Decay of the mean, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean square, in [0, 1), at each update of the variance. Default 0.999. */
  readonly beta2?: number;
  /** ε ≥ 0. Default 1e-8. */
  readonly epsilon?: number;
  /** λ ≥ 0, decoupled. Default 0. */
  readonly weightDecay?: number;
  /** How far a scale reaches. Default `chunk`. */
  readonly scales?: ScaleRange;
}

/** What is communicated at a step: the full gradient, signs, or nothing. */
export type ZeroOneStep = 'full' | 'signs' | 'local';

/** What {@link zeroOneAdam} communicates at a step, and how often it has updated the variance by then. */
export function zeroOneSchedule(
  step: number,
  {
    freezeStep,
    varianceUpdates = 16,
    localDoubling = 64,
    maxInterval = 16,
  }: Pick<ZeroOneAdamOptions, 'freezeStep' | 'varianceUpdates' | 'localDoubling' | 'maxInterval'>,
): { readonly kind: ZeroOneStep; readonly updates: number } {
  const kappa = varianceUpdates;
  const at = Math.min(step, freezeStep) - 1;
  let q = 0;
  while (kappa * (2 ** (q + 1) - 1) <= at) q++;
  const since = at - kappa * (2 ** q - 1);
  const updates = kappa * q + Math.floor(since / 2 ** q) + 1;
  if (step <= freezeStep) return { kind: since % 2 ** q === 0 ? 'full' : 'signs', updates };
  const local = step - freezeStep;
  const interval = Math.min(maxInterval, 2 ** Math.floor((local - 1) / localDoubling));
  return { kind: local % interval === 0 ? 'signs' : 'local', updates };
}

/**
 * 0/1 Adam; 20 bytes of state for each parameter, and 4 shared among the ranks. A gradient that is not finite in a local step is
 * refused by all ranks at the next synchronisation, after which only a saved state goes on.
 *
 * @throws ArgumentError for options out of range.
 */
export function zeroOneAdam(options: ZeroOneAdamOptions): CompressedOptimizer {
  const { freezeStep, varianceUpdates = 16, localDoubling = 64, maxInterval = 16 } = options;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, scales = 'chunk' } = options;
  checkSteps('zeroOneAdam', { freezeStep, varianceUpdates, localDoubling, maxInterval });
  checkFractions('zeroOneAdam', { beta1, beta2 });
  checkNotNegative('zeroOneAdam', { epsilon, weightDecay });
  const schedule = (step: number) => zeroOneSchedule(step, options);

  /** θ ← (1 − λ·Σγ)·anchor − u/D. */
  const place = ({ parameters, state, layout }: FlatSlice, updates: number): void => {
    const [anchor, u, v] = [state['anchor']!, state['u']!, state['v']!];
    const kept = 1 - weightDecay * state['rates']![0]!;
    const bias2 = 1 - beta2 ** updates;
    for (let i = 0; i < layout.length; i++) {
      const update = v[i] === 0 ? 0 : u[i]! / (Math.sqrt(v[i]! / bias2) + epsilon);
      parameters[i] = kept * anchor[i]! - update;
    }
  };

  const synchronise = async (slice: FlatSlice, { comm, step }: Omit<CompressedContext, 'learningRate'>) => {
    const { parameters, state, layout } = slice;
    const [m, v, u, rates] = [state['m']!, state['v']!, state['u']!, state['rates']!];
    if (rates[0] === 0) return;
    const mean = u.slice();
    const errors = { worker: state['workerError']!, server: state['serverError']! };
    await compressedMean('zeroOneAdam', mean, errors, layout, comm, { scales, live: v });
    u.set(mean);
    place(slice, schedule(step).updates);
    const bias1 = 1 - beta1 ** step;
    for (let i = 0; i < layout.length; i++) m[i] = (mean[i]! / rates[0]!) * bias1;
    state['anchor']!.set(parameters);
    u.fill(0);
    rates[0] = 0;
  };

  return {
    name: 'zeroOneAdam',
    slots: {
      m: 'local',
      v: 'replicated',
      u: 'local',
      anchor: 'replicated',
      rates: 'scalar',
      workerError: 'local',
      serverError: 'chunk',
    },
    async step(slice, gradients, { comm, step, learningRate }) {
      checkWhole('zeroOneAdam', slice);
      const { parameters, state, layout } = slice;
      const [m, v, u, rates] = [state['m']!, state['v']!, state['u']!, state['rates']!];
      const { kind, updates } = schedule(step);
      if (step === 1) state['anchor']!.set(parameters);
      if (kind === 'full') {
        await fullMean('zeroOneAdam', gradients, comm);
        for (let i = 0; i < layout.length; i++)
          v[i] = beta2 * v[i]! + (1 - beta2) * gradients[i]! * gradients[i]!;
      }
      const before = kind === 'signs' ? { m: m.slice(), u: u.slice(), rates: rates.slice() } : undefined;
      const bias1 = 1 - beta1 ** step;
      for (let i = 0; i < layout.length; i++) {
        const mean = beta1 * m[i]! + (1 - beta1) * gradients[i]!;
        m[i] = mean;
        u[i] = u[i]! + (learningRate * mean) / bias1;
      }
      rates[0] = rates[0]! + learningRate;
      if (kind === 'signs') {
        try {
          await synchronise(slice, { comm, step });
        } catch (error) {
          for (const [slot, values] of Object.entries(before!)) state[slot]!.set(values);
          throw error;
        }
        return;
      }
      place(slice, updates);
      if (kind === 'local') return;
      state['anchor']!.set(parameters);
      u.fill(0);
      rates[0] = 0;
    },
    synchronised: (step) => schedule(step).kind !== 'local',
    synchronise,
    restore(slice, step) {
      if (step > 0) place(slice, schedule(step).updates);
    },
  };
}
