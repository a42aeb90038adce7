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
  type Optimizer,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import type { AdaptiveState } from './adaptive-step.ts';
import { padColumns } from './pad-columns.ts';
import type { StepProblem } from './step-problem.ts';
import { StepSizes, type SavedStepSizes, type StepSizesOptions } from './step-sizes.ts';
import { at } from './trial-weights.ts';

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
export interface StreamingUpdateOptions extends StepSizesOptions {
  readonly optimizer: OptimizerSpec;
}

/** Owns an optimizer, and a reference to the weights before the last step. */
export class StreamingUpdate {
  readonly #options: StreamingUpdateOptions;
  #optimizer: Optimizer;
  #rate: number | undefined;
  readonly #sizes: StepSizes;
  #before: Tensor[] | undefined;

  /** @throws ArgumentError where the optimizer does not go with the rule of the step. */
  constructor(who: string, options: StreamingUpdateOptions) {
    const { optimizer, step } = options;
    if (step.rule !== 'fixed' && optimizer.name === 'adam') {
      throw new ArgumentError(
        `${who}: step '${step.rule}' decides the size of a step, and so does Adam. Take optimizer 'sgd' or 'momentum', or step 'fixed'.`,
      );
    }
    this.#options = options;
    this.#sizes = new StepSizes(options);
    this.#optimizer = this.#newOptimizer();
  }

  /** The states of the adaptive step by group; group 0 alone where the model has one step. */
  get adaptive(): ReadonlyMap<number, AdaptiveState> {
    return this.#sizes.adaptive;
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
      const etas = await this.#sizes.choose(problem, gradients, numbers, step);
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
        ...this.#sizes.save(),
      },
      arrays: all,
    };
  }

  /** @throws DataError where the snapshot does not hold what it says. */
  async load(snapshot: Snapshot): Promise<void> {
    const { optimizer, before, ...sizes } = snapshot.meta as unknown as SavedStepSizes & {
      optimizer: Snapshot['meta'];
      before: number[][];
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
    this.#sizes.load(sizes);
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
    this.#sizes.halve();
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
