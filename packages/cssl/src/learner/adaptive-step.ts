/**
 * A step size from the local smoothness of the objective: half of ‖ΔW‖/‖Δ∇f‖, the inverse of a local Lipschitz constant of the
 * gradient, never growing faster than a cap allows.
 *
 * Paper: "Continual learning" (cold-start streaming learning), Algorithm 2; Malitsky and Mishchenko, "Adaptive gradient
 * descent without descent", ICML 2020, Algorithm 1.
 *
 * Deviations: the printed cap √(1 + θη) is `form: 'printed'`; the default is Malitsky and Mishchenko's √(1 + θ)·η. `growth`, `smoothing` and
 * `ceiling` are for stochastic gradients; their defaults leave the algorithm as it is.
 */
import { ArgumentError } from '@ockham/core';

/** Options of the adaptive step. The defaults of {@link minimise} are the algorithm; those of a stream are its own. */
export interface AdaptiveStepOptions {
  /** Which cap: √(1 + θ)·η, the default, or √(1 + θη) as the paper prints it. */
  readonly form?: 'malitsky-mishchenko' | 'printed';
  /** η₀, the first step, > 0. Default 1e-4 (§4.1.2). */
  readonly initial?: number;
  /** θ₀, > 0, may be Infinity. Default 10,000 (§4.1.2). */
  readonly theta?: number;
  /** What the quotient ‖ΔW‖/‖Δ∇f‖ is multiplied by, > 0. Default 1/2. */
  readonly factor?: number;
  /** γ in the cap √(1 + γθ)·η, in (0, 1]. Default 1; less holds a noisy step down (their section 5 takes 0.02 for networks). */
  readonly growth?: number;
  /** Weight of the past in running means of ‖ΔW‖² and ‖Δ∇f‖², in [0, 1). Default 0. */
  readonly smoothing?: number;
  /** The largest step, > 0. Default Infinity. */
  readonly ceiling?: number;
}

/** Where the rule stands: plain numbers, kept with a learner. */
export interface AdaptiveState {
  /** η of the last step. */
  readonly eta: number;
  /** θ, the last step over the one before. */
  readonly theta: number;
  /** Running mean of ‖ΔW‖²; 0 before the first quotient. */
  readonly moved: number;
  /** Running mean of ‖Δ∇f‖²; 0 before the first quotient. */
  readonly turned: number;
  /** What the last cap was. */
  readonly cap: number;
  /** Which term of the minimum was the smallest. */
  readonly bound: 'start' | 'quotient' | 'cap' | 'ceiling';
}

/** @throws ArgumentError naming `who` for an option out of range. */
export function checkAdaptiveStep(who: string, options: AdaptiveStepOptions): Required<AdaptiveStepOptions> {
  const {
    form = 'malitsky-mishchenko',
    initial = 1e-4,
    theta = 10_000,
    factor = 0.5,
    growth = 1,
    smoothing = 0,
    ceiling = Number.POSITIVE_INFINITY,
  } = options;
  const refuse = (name: string, rule: string, got: unknown): never => {
    throw new ArgumentError(`${who}: step.${name} must be ${rule}, got ${String(got)}.`);
  };
  if (form !== 'malitsky-mishchenko' && form !== 'printed')
    refuse('form', "'malitsky-mishchenko' or 'printed'", form);
  if (!(initial > 0 && Number.isFinite(initial))) refuse('initial', 'a number > 0', initial);
  if (!(theta > 0)) refuse('theta', 'a number > 0', theta);
  if (!(factor > 0 && Number.isFinite(factor))) refuse('factor', 'a number > 0', factor);
  if (!(growth > 0 && growth <= 1)) refuse('growth', 'in (0, 1]', growth);
  if (!(smoothing >= 0 && smoothing < 1)) refuse('smoothing', 'in [0, 1)', smoothing);
  if (!(ceiling > 0)) refuse('ceiling', 'a number > 0', ceiling);
  return { form, initial, theta, factor, growth, smoothing, ceiling };
}

/** The state before the first step, whose size is η₀. */
export function startAdaptiveStep({ initial, theta }: Required<AdaptiveStepOptions>): AdaptiveState {
  return { eta: initial, theta, moved: 0, turned: 0, cap: Number.POSITIVE_INFINITY, bound: 'start' };
}

/**
 * The next step size.
 *
 * @param moved ‖W_t − W_{t−1}‖². Where it is 0 nothing was learnt about the objective, and the state stays.
 * @param turned ‖∇f(W_t) − ∇f(W_{t−1})‖², both gradients on the same data.
 */
export function nextAdaptiveStep(
  state: AdaptiveState,
  moved: number,
  turned: number,
  options: Required<AdaptiveStepOptions>,
): AdaptiveState {
  if (moved === 0) return state;
  const { form, factor, growth, smoothing, ceiling } = options;
  const first = state.moved === 0;
  const D = first ? moved : smoothing * state.moved + (1 - smoothing) * moved;
  const G = first ? turned : smoothing * state.turned + (1 - smoothing) * turned;
  const quotient = factor * Math.sqrt(D / G); // ∞ where the gradient did not turn: the cap decides
  const cap =
    form === 'printed'
      ? Math.sqrt(1 + growth * state.theta * state.eta)
      : Math.sqrt(1 + growth * state.theta) * state.eta;
  const eta = Math.min(quotient, cap, ceiling);
  const bound = eta === quotient ? 'quotient' : eta === cap ? 'cap' : 'ceiling';
  return { eta, theta: eta / state.eta, moved: D, turned: G, cap, bound };
}
