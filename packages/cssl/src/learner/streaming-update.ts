/**
 * One step on the new and the replayed examples, undone where it leads to a loss that is no number.
 *
 * Paper: Algorithm 1, StreamingUpdate; Algorithm 2 where the step is adaptive, both gradients of its quotient on the batch of
 * the moment. Deviations: SGD may have momentum, or be Adam.
 */
import { ArgumentError, DataError } from '@ockham/core';
import {
  loadOptimizer,
  saveOptimizer,
  setLearningRate,
  toOptimizer,
  type OptimizerSpec,
  type Snapshot,
} from '@ockham/core/training';
import {
  dispose,
  mul,
  square,
  stack,
  sub,
  sum,
  tensor,
  tidy,
  zerosLike,
  type NamedTensorMap,
  type Optimizer,
  type Scalar,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { nextAdaptiveStep, startAdaptiveStep, type AdaptiveState } from './adaptive-step.ts';
import { armijoSearch } from './armijo-step.ts';
import { padColumns } from './pad-columns.ts';
import { polyakStep } from './polyak-step.ts';
import type { ResolvedStep } from './step-rule.ts';

/** The objective of one step, on a batch that stays the same however often it is computed. */
export interface StepProblem {
  /** What learns; the head's last. */
  readonly variables: Variable[];
  /** Group of each variable, for steps of their own: its layer. */
  readonly groups: readonly number[];
  /** The loss and its gradients; only the first call may change moving averages. */
  gradients(first: boolean): { readonly value: Scalar; readonly grads: NamedTensorMap };
  /** The loss alone; changes nothing. */
  loss(): Scalar;
  /** The least loss that the targets allow. */
  readonly least: number;
}

/** What a step did. */
export interface StepOutcome {
  /** Before the step. */
  readonly loss: number;
  /** False where loss or gradient is not finite. */
  readonly applied: boolean;
  /** η; the mean over the groups where each has its own. */
  readonly eta: number;
}

/** Options of {@link StreamingUpdate}. */
export interface StreamingUpdateOptions {
  readonly optimizer: OptimizerSpec;
  readonly step: ResolvedStep;
  /** η of the fixed step, for step `step` from 0. */
  readonly learningRate: (step: number) => number;
  /** One step for the model, or one for each group; only for the adaptive step. */
  readonly per: 'model' | 'layer';
}

/** Owns an optimizer, and a reference to the weights before the last step. */
export class StreamingUpdate {
  readonly #options: StreamingUpdateOptions;
  #optimizer: Optimizer;
  #rate: number | undefined;
  #before: Tensor[] | undefined;
  #adaptive = new Map<number, AdaptiveState>();
  #last: number | undefined;

  /** @throws ArgumentError where the optimizer does not go with the rule of the step. */
  constructor(who: string, options: StreamingUpdateOptions) {
    const { optimizer, step } = options;
    if (step.rule !== 'fixed' && optimizer.name === 'adam') {
      throw new ArgumentError(
        `${who}: step '${step.rule}' decides the size of a step, and so does Adam. Take optimizer 'sgd' or 'momentum', or step 'fixed'.`,
      );
    }
    this.#options = options;
    this.#optimizer = this.#newOptimizer();
  }

  /** The states of the adaptive step by group; group 0 alone where the model has one step. */
  get adaptive(): ReadonlyMap<number, AdaptiveState> {
    return this.#adaptive;
  }

  async update(problem: StepProblem, step: number): Promise<StepOutcome> {
    const { variables } = problem;
    const { gradients, numbers } = await this.#measure(problem);
    try {
      const loss = numbers[0]!;
      // a sum of a gradient, or of its squares, is no number as soon as one of its values is not
      if (!numbers.slice(0, 1 + variables.length).every(Number.isFinite)) {
        this.#rollBack(variables);
        return { loss, applied: false, eta: 0 };
      }
      const etas = await this.#etas(problem, gradients, numbers, step);
      this.#forgetBefore();
      this.#before = variables.map((variable) => variable.clone());
      this.#apply(variables, gradients, etas);
      return { loss, applied: true, eta: etas.reduce((total, eta) => total + eta, 0) / etas.length };
    } finally {
      dispose(gradients);
    }
  }

  /** New units of the head: their optimizer state starts at 0. The head's variables must be the last ones. */
  async grow(variables: number, rows: number, from: number, to: number, bias: boolean): Promise<void> {
    this.#forgetBefore(); // of another shape; the next step keeps η
    const { meta, arrays } = await saveOptimizer(this.#optimizer);
    const { order, shapes } = meta as { order: string[]; shapes: Record<string, number[]> };
    const slots = order.filter((name) => name !== 'iter');
    if (slots.length === 0) return;
    const grown = { ...arrays };
    const grownShapes = { ...shapes };
    for (let slot = variables - 1; slot < slots.length; slot += variables) {
      const [kernel, offset] = bias ? [slots[slot - 1]!, slots[slot]!] : [slots[slot]!, undefined];
      grown[kernel] = padColumns(arrays[kernel] as Float32Array, rows, from, to);
      grownShapes[kernel] = [rows, to];
      if (offset === undefined) continue;
      grown[offset] = padColumns(arrays[offset] as Float32Array, 1, from, to);
      grownShapes[offset] = [to];
    }
    this.#replaceOptimizer();
    await loadOptimizer(this.#optimizer, { meta: { ...meta, shapes: grownShapes }, arrays: grown });
  }

  /** Everything needed to go on to the bit, except for undoing the step before. */
  async save(): Promise<Snapshot> {
    const { meta, arrays } = await saveOptimizer(this.#optimizer);
    const all: Record<string, Snapshot['arrays'][string]> = {};
    for (const [name, values] of Object.entries(arrays)) all[`optimizer/${name}`] = values;
    const remembers = this.#options.step.rule === 'adaptive';
    if (!remembers) this.#forgetBefore(); // or a run that was resumed could undo less than this one
    const before = remembers ? (this.#before ?? []) : [];
    for (const [i, value] of before.entries()) all[`before/${i}`] = (await value.data<'float32'>()).slice();
    return {
      meta: {
        optimizer: meta,
        before: before.map((value) => value.shape),
        adaptive: [...this.#adaptive],
        last: this.#last ?? null,
      },
      arrays: all,
    };
  }

  /** @throws DataError where the snapshot does not hold what it says. */
  async load(snapshot: Snapshot): Promise<void> {
    const { optimizer, before, adaptive, last } = snapshot.meta as {
      optimizer: Snapshot['meta'];
      before: number[][];
      adaptive: [number, AdaptiveState][];
      last: number | null;
    };
    const prefix = 'optimizer/';
    const slots = Object.entries(snapshot.arrays).filter(([name]) => name.startsWith(prefix));
    this.#replaceOptimizer();
    await loadOptimizer(this.#optimizer, {
      meta: optimizer,
      arrays: Object.fromEntries(slots.map(([name, values]) => [name.slice(prefix.length), values])),
    });
    this.#forgetBefore();
    const values = before.map((shape, i) => {
      const array = snapshot.arrays[`before/${i}`];
      if (array) return tensor(array.slice() as Float32Array, shape);
      throw new DataError(
        'corrupt-file',
        `learner.load: the array before/${i} is missing. Restore the file.`,
      );
    });
    if (values.length > 0) this.#before = values;
    this.#adaptive = new Map(adaptive);
    this.#last = last ?? undefined;
  }

  dispose(): void {
    this.#forgetBefore();
    this.#optimizer.dispose();
  }

  /** Gradients of the batch, and in one transfer its loss, a number for each gradient and what the rule needs beside. */
  async #measure(problem: StepProblem): Promise<{ gradients: Tensor[]; numbers: Float32Array }> {
    const { variables } = problem;
    const { rule } = this.#options.step;
    const [measures, ...gradients] = tidy(() => {
      const { value, grads } = problem.gradients(true);
      const list = variables.map((variable) => grads[variable.name] ?? zerosLike(variable));
      const scalars: Tensor[] = [value, ...list.map((g) => sum(rule === 'fixed' ? g : square(g)))];
      if (rule === 'adaptive' && this.#before) scalars.push(...this.#changes(problem, list, this.#before));
      return [stack(scalars), ...list];
    });
    const numbers = await measures.data<'float32'>();
    measures.dispose();
    return { gradients, numbers };
  }

  /** ‖ΔW‖² of each variable, then ‖Δ∇f‖² of each, both gradients on this batch. */
  #changes(problem: StepProblem, now: readonly Tensor[], before: readonly Tensor[]): Tensor[] {
    const { variables } = problem;
    const moved = variables.map((variable, i) => sum(square(sub(variable, before[i]!))));
    const { grads } = at(variables, before, () => problem.gradients(false));
    const turned = variables.map((v, i) => sum(square(sub(now[i]!, grads[v.name] ?? zerosLike(v)))));
    return [...moved, ...turned];
  }

  /** A step for each variable. */
  async #etas(
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
        return this.#adaptiveEtas(problem, numbers.subarray(1 + variables.length));
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

  /** @param changes As `#changes` gives them; empty at a first step. */
  #adaptiveEtas({ variables, groups }: StepProblem, changes: Float32Array): number[] {
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

  #apply(variables: readonly Variable[], gradients: readonly Tensor[], etas: readonly number[]): void {
    tidy(() => {
      const fixed = this.#options.step.rule === 'fixed';
      if (fixed && etas[0] !== this.#rate) {
        this.#rate = etas[0]!;
        setLearningRate(this.#optimizer, this.#rate);
      }
      // the other rules give every variable its own step: the optimizer's is 1
      // a list: the names of new variables are numbers, which an object would put first
      const scaled = gradients.map((g, i) => ({
        name: variables[i]!.name,
        tensor: fixed ? g : mul(g, etas[i]!),
      }));
      this.#optimizer.applyGradients(scaled);
    });
  }

  /** Back to the weights before the last step, which led here; the optimizer starts anew, adaptive steps at half. */
  #rollBack(variables: readonly Variable[]): void {
    for (const [i, value] of (this.#before ?? []).entries()) variables[i]!.assign(value);
    this.#forgetBefore();
    this.#replaceOptimizer();
    if (this.#last !== undefined) this.#last /= 2;
    for (const [group, state] of this.#adaptive) this.#adaptive.set(group, { ...state, eta: state.eta / 2 });
  }

  #forgetBefore(): void {
    dispose(this.#before ?? []);
    this.#before = undefined;
  }

  #replaceOptimizer(): void {
    this.#optimizer.dispose();
    this.#optimizer = this.#newOptimizer();
  }

  #newOptimizer(): Optimizer {
    this.#rate = 1;
    return toOptimizer({ ...this.#options.optimizer, learningRate: this.#rate }).optimizer;
  }
}

/** Does `work` with other values in the variables. */
function at<T>(variables: readonly Variable[], values: readonly Tensor[], work: () => T): T {
  const own = variables.map((variable) => variable.clone());
  try {
    for (const [i, variable] of variables.entries()) variable.assign(values[i]!);
    return work();
  } finally {
    for (const [i, variable] of variables.entries()) {
      variable.assign(own[i]!);
      own[i]!.dispose();
    }
  }
}

/** The loss of the batch after a step of η along the gradient. */
async function lossAfter(problem: StepProblem, gradients: readonly Tensor[], eta: number): Promise<number> {
  const { variables } = problem;
  const value = tidy(() =>
    at(
      variables,
      variables.map((variable, i) => sub(variable, mul(gradients[i]!, eta))),
      () => problem.loss(),
    ),
  );
  const [reached] = await value.data();
  value.dispose();
  return reached!;
}
