import type { Tensor } from '@tensorflow/tfjs-core';
import { nextAdaptiveStep, startAdaptiveStep, type AdaptiveState } from './adaptive-step.ts';
import { armijoSearch } from './armijo-step.ts';
import { polyakStep } from './polyak-step.ts';
import type { StepProblem } from './step-problem.ts';
import type { ResolvedStep } from './step-rule.ts';
import { lossAfter } from './trial-weights.ts';

/** What decides the steps. */
export interface StepSizesOptions {
  readonly step: ResolvedStep;
  /** η of the fixed step, for step `step` from 0. */
  readonly learningRate: (step: number) => number;
  /** One step for the model, or one for each group; only for the adaptive step. */
  readonly per: 'model' | 'layer';
}

/** Where the rules stand, as plain data. */
export interface SavedStepSizes {
  readonly adaptive: readonly (readonly [group: number, state: AdaptiveState])[];
  readonly last: number | null;
}

/** Chooses η for every variable, and remembers what the rules need: the states of Algorithm 2, the last step of the others. */
export class StepSizes {
  readonly #options: StepSizesOptions;
  #adaptive = new Map<number, AdaptiveState>();
  #last: number | undefined;

  constructor(options: StepSizesOptions) {
    this.#options = options;
  }

  /** The states of the adaptive step by group; group 0 alone where the model has one step. */
  get adaptive(): ReadonlyMap<number, AdaptiveState> {
    return this.#adaptive;
  }

  /**
   * A step for each variable.
   *
   * @param numbers The loss, a number for each gradient, and for the adaptive step, but at a first one, ‖ΔW‖² of each variable,
   *   then ‖Δ∇f‖² of each.
   * @param number Of the step, from 0.
   */
  async choose(
    problem: StepProblem,
    gradients: readonly Tensor[],
    numbers: Float32Array,
    number: number,
  ): Promise<number[]> {
    const { step, learningRate } = this.#options;
    const { variables } = problem;
    const loss = numbers[0]!;
    const squaredNorm = () => numbers.subarray(1, 1 + variables.length).reduce((a, b) => a + b, 0);
    switch (step.rule) {
      case 'fixed':
        return variables.map(() => learningRate(number));
      case 'adaptive':
        return this.#adapt(problem, numbers.subarray(1 + variables.length));
      case 'polyak':
        this.#last = polyakStep(loss - problem.least, squaredNorm(), this.#last, step.options);
        break;
      case 'line-search': {
        const search = armijoSearch(loss, squaredNorm(), this.#last, step.options);
        let tried = search.next();
        while (!tried.done) tried = search.next(await lossAfter(problem, gradients, tried.value));
        this.#last = tried.value;
      }
    }
    return variables.map(() => this.#last!);
  }

  /** After a step that led to no number. */
  halve(): void {
    if (this.#last !== undefined) this.#last /= 2;
    for (const [group, state] of this.#adaptive) this.#adaptive.set(group, { ...state, eta: state.eta / 2 });
  }

  save(): SavedStepSizes {
    return { adaptive: [...this.#adaptive], last: this.#last ?? null };
  }

  load({ adaptive, last }: SavedStepSizes): void {
    this.#adaptive = new Map(adaptive);
    this.#last = last ?? undefined;
  }

  /** @param changes ‖ΔW‖², then ‖Δ∇f‖²; empty at a first step. */
  #adapt({ variables, groups }: StepProblem, changes: Float32Array): number[] {
    if (this.#options.step.rule !== 'adaptive') return [];
    const { options } = this.#options.step;
    const groupOf = (i: number) => (this.#options.per === 'layer' ? groups[i]! : 0);
    const sums = new Map<number, { moved: number; turned: number }>();
    for (let i = 0; i < variables.length; i++) {
      const sum = sums.get(groupOf(i)) ?? { moved: 0, turned: 0 };
      sums.set(groupOf(i), {
        moved: sum.moved + (changes[i] ?? 0),
        turned: sum.turned + (changes[variables.length + i] ?? 0),
      });
    }
    for (const [group, { moved, turned }] of sums) {
      const state = this.#adaptive.get(group) ?? startAdaptiveStep(options);
      // where the former weights have no finite gradient on this batch, the quotient says nothing
      const usable = Number.isFinite(moved) && Number.isFinite(turned);
      this.#adaptive.set(group, usable ? nextAdaptiveStep(state, moved, turned, options) : state);
    }
    return variables.map((_, i) => this.#adaptive.get(groupOf(i))!.eta);
  }
}
