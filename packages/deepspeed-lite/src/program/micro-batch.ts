/** One micro-batch on its way through the blocks: forward in order, then backward in reverse, with a pause wherever one is wanted. */
import { ArgumentError } from '@ockham/core';
import { flatLayers, type LossFunction } from '@ockham/core/training';
import {
  clone,
  dispose,
  keep,
  mean,
  reshape,
  scalar,
  tidy,
  type Scalar,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { vjp, type Vjp } from '../autograd/vjp.ts';
import type { Value } from './calls.ts';
import { SplitInputs, type SplitCheckpoints, type SplitInput, type Stowed } from './split-inputs.ts';
import type { Block, Program } from './cut-model.ts';
import {
  runBlock,
  tapeBlock,
  type BlockRun,
  type Penalty,
  type RunMode,
  type TapedRun,
  type Watch,
} from './run-block.ts';

/** Options of a {@link MicroBatch}. */
export interface MicroBatchOptions {
  /** Blocks of which only the inputs are kept, and that are run again on the way back. Default none. */
  readonly recompute?: (block: number) => boolean;
  /** Lets the tapes go of the parameters, which can then be freed between a block's forward and its backward. Default false. */
  readonly releaseVariables?: boolean;
  /** Sees the outputs of every layer call of blocks to recompute, which are run without a tape then. */
  readonly watch?: Watch;
  /** What the gradient of the loss begins with: gradients are so much larger. Default 1. */
  readonly scale?: number;
  /** Ranks that keep the inputs of blocks to recompute in parts; see {@link MicroBatch.stow}. Default none. */
  readonly split?: SplitCheckpoints;
}

/** What is kept of a block for its backward. */
type Kept = { readonly run: TapedRun } | { readonly inputs: Map<Value, Tensor | SplitInput> };

/**
 * A micro-batch in flight. Call `forward(0)`, `forward(1)`, …, then `loss`, then `backward` of the last block, …, `backward(0)`; anything
 * asynchronous goes between. Several can be in flight.
 */
export class MicroBatch {
  readonly #program: Program;
  readonly #mode: RunMode;
  readonly #options: MicroBatchOptions;
  readonly #live = new Map<Value, Tensor>();
  readonly #kept = new Map<number, Kept>();
  readonly #penalties: Penalty[] = [];
  /** Gradients of values, and of variables whose owner has not gone back yet. */
  readonly #values = new Map<Value, Tensor>();
  readonly #shared = new Map<Variable, Tensor>();
  readonly #seed: Scalar;
  readonly #split: SplitInputs | undefined;
  #head: Vjp | undefined;

  /** @param inputs The model's inputs; they stay the caller's and must live until the end. */
  constructor(program: Program, inputs: readonly Tensor[], mode: RunMode, options: MicroBatchOptions = {}) {
    [this.#program, this.#mode, this.#options] = [program, mode, options];
    for (const [i, value] of program.inputs.entries()) this.#live.set(value, keep(clone(inputs[i]!)));
    this.#seed = keep(scalar(options.scale ?? 1));
    this.#split = options.split && new SplitInputs(options.split);
  }

  /** Runs block `i`, all before it having been run. */
  forward(i: number): void {
    const block = this.#program.blocks[i]!;
    const { recompute, releaseVariables = false, watch } = this.#options;
    if (recompute?.(i) === true) {
      const inputs = new Map<Value, Tensor | SplitInput>(block.inputs.map((value) => [value, keep(clone(this.#live.get(value)!))])); // prettier-ignore
      const { outputs, penalties } = watch
        ? runBlock(this.#program, block, this.#live, this.#mode, watch)
        : this.#runOnce(block);
      this.#kept.set(i, { inputs });
      this.#take(i, outputs, penalties);
    } else {
      const run = tapeBlock(this.#program, block, this.#live, this.#mode);
      if (releaseVariables) run.tape.releaseVariables();
      this.#kept.set(i, { run });
      this.#take(i, run.outputs, run.penalties);
    }
  }

  /**
   * With {@link MicroBatchOptions.split}, after `forward(i)`: keeps no more than this rank's part of the block's inputs.
   *
   * @returns What the caller writes into the parts, and then disposes of.
   */
  stow(i: number): Stowed[] {
    const kept = this.#kept.get(i)!;
    return 'inputs' in kept ? (this.#split?.stow(kept.inputs) ?? []) : [];
  }

  /** Before `backward(i)`: inputs of which there is a part only, for the caller to make whole with {@link MicroBatch.restore}. */
  missing(i: number): SplitInput[] {
    const kept = this.#kept.get(i)!;
    if (!('inputs' in kept)) return [];
    return [...kept.inputs.values()].filter((input): input is SplitInput => 'users' in input && !input.whole);
  }

  /**
   * Gives back the whole of an input of which this rank kept a part.
   *
   * @param whole Is the micro-batch's from then on.
   */
  restore(input: SplitInput, whole: Tensor): void {
    this.#split!.restore(input, keep(whole));
  }

  /** With a tape that is let go at once: without one TensorFlow.js takes fused kernels, and the bits would be others. */
  #runOnce(block: Block): BlockRun {
    const run = tapeBlock(this.#program, block, this.#live, this.#mode);
    run.tape.dispose();
    return run;
  }

  /** A value between blocks that is there now; it stays the micro-batch's. */
  value(value: Value): Tensor {
    return this.#live.get(value)!;
  }

  /** Puts a value that was made elsewhere: by another stage of a pipeline, or in the place of a block that is not run. */
  give(value: Value, tensor: Tensor): void {
    this.#live.get(value)?.dispose();
    this.#live.set(value, keep(clone(tensor)));
  }

  /** Frees the values that no block from `i` on reads, and, of a stage that ends there, those that others read. */
  release(i: number, all = false): void {
    for (const [value, tensor] of this.#live) {
      if (!all && (this.#program.lastUse.get(value) ?? -1) >= i) continue;
      tensor.dispose();
      this.#live.delete(value);
    }
  }

  /** The gradient of a value, so far; none where nothing behind it has one. */
  gradient(value: Value): Tensor | undefined {
    return this.#values.get(value);
  }

  /** Puts the gradient of a value in the place of what there is. */
  giveGradient(value: Value, gradient: Tensor | undefined): void {
    this.#values.get(value)?.dispose();
    this.#values.delete(value);
    if (gradient) this.#values.set(value, keep(clone(gradient)));
  }

  /** The gradient of a variable that an earlier block owns, so far. */
  sharedGradient(variable: Variable): Tensor | undefined {
    return this.#shared.get(variable);
  }

  /** Puts the gradient of a variable that later blocks use too. */
  giveSharedGradient(variable: Variable, gradient: Tensor): void {
    this.#shared.get(variable)?.dispose();
    this.#shared.set(variable, keep(clone(gradient)));
  }

  /** Regularisation terms of the blocks run so far and not asked for yet, for the caller to dispose of. */
  takePenalties(): Penalty[] {
    return this.#penalties.splice(0);
  }

  #take(i: number, outputs: ReadonlyMap<Value, Tensor>, penalties: readonly Penalty[]): void {
    this.#penalties.push(...penalties);
    for (const [value, tensor] of outputs) this.#live.set(value, tensor);
    this.release(i + 1);
  }

  /** The model's outputs, after the last block; they stay the micro-batch's. */
  get outputs(): Tensor[] {
    return this.#program.outputs.map((value) => this.#live.get(value)!);
  }

  /** The loss and, apart, the regularisation terms in the order in which core adds them; kept, for the caller to dispose of. */
  loss(target: Tensor, loss: LossFunction): readonly Tensor[] {
    const [value, ...others] = this.#program.outputs;
    if (value === undefined || others.length > 0)
      throw new ArgumentError(`MicroBatch: needs a model of one output, got ${others.length + 1}.`);
    const prediction = this.#live.get(value)!;
    this.#head = vjp(() => [mean(loss(target, prediction))], [prediction], []);
    prediction.dispose();
    this.#live.delete(value);
    const layers = flatLayers(this.#program.model);
    const terms = this.#penalties.splice(0).sort((a, b) => layers.indexOf(a.layer) - layers.indexOf(b.layer));
    return [...this.#head.outputs, ...terms.map(({ term }) => term)];
  }

  /** Goes back through the loss, if that was not done: the gradient of the model's output. `backward` does it where it is first. */
  backwardLoss(): void {
    if (!this.#head) return;
    const [gradient] = this.#head.backward([this.#seed]).inputs;
    if (gradient) this.#values.set(this.#program.outputs[0]!, gradient);
    this.#head = undefined;
  }

  /**
   * Goes back through block `i`, all after it having been gone through.
   *
   * @returns The gradients of its own variables, complete, for the caller to dispose of.
   */
  backward(i: number): ReadonlyMap<Variable, Tensor> {
    const block = this.#program.blocks[i]!;
    this.backwardLoss();
    const { tape, starts, penalties } = this.#tapeOf(i, block);
    const given = [...block.variables, ...block.shared].filter((variable) => this.#shared.has(variable));
    const dys = block.outputs.map((value) => this.#values.get(value));
    const before = starts.map((value) => this.#values.get(value));
    const result = tape.backward([...dys, ...penalties.map(() => this.#seed)], {
      inputs: before,
      variables: new Map(given.map((variable) => [variable, this.#shared.get(variable)!])),
    });
    dispose([...dys, ...before].filter((tensor) => tensor !== undefined));
    for (const value of block.outputs) this.#values.delete(value);
    for (const [at, value] of starts.entries()) {
      const gradient = result.inputs[at];
      if (gradient) this.#values.set(value, gradient);
    }
    for (const variable of given) this.#shared.get(variable)!.dispose();
    const own = new Map<Variable, Tensor>();
    for (const [variable, gradient] of result.variables) {
      if (block.shared.includes(variable)) this.#shared.set(variable, gradient);
      else own.set(variable, gradient);
    }
    return own;
  }

  #tapeOf(i: number, block: Block): TapedRun {
    const kept = this.#kept.get(i)!;
    this.#kept.delete(i);
    if ('run' in kept) return kept.run;
    const averages = block.state.map((variable) => clone(variable));
    const inputs = new Map([...kept.inputs].map(([value, input]) => [value, 'users' in input ? input.whole! : input])); // prettier-ignore
    const run = tapeBlock(this.#program, block, inputs, this.#mode);
    for (const [at, variable] of block.state.entries()) variable.assign(averages[at]!); // they were moved the first time
    dispose([...averages, ...run.outputs.values()]);
    dispose(run.penalties.map(({ term }) => term));
    this.#letGo(kept.inputs);
    return run;
  }

  #letGo(inputs: ReadonlyMap<Value, Tensor | SplitInput>): void {
    for (const input of inputs.values())
      if ('users' in input) this.#split!.drop(input);
      else input.dispose();
  }

  /** What is held for the way back, bytes by buffer: tapes, inputs of blocks to run again, values between blocks and their gradients. */
  held(): Map<object, number> {
    const held = new Map<object, number>();
    const hold = (tensor: Tensor): void => void held.set(tensor.dataId, bytesOf(tensor));
    for (const kept of this.#kept.values()) {
      if ('inputs' in kept)
        for (const input of kept.inputs.values()) {
          if (!('users' in input)) hold(input);
          else if (input.whole) hold(input.whole);
          else held.set(input.part, input.part.byteLength);
        }
      else for (const [buffer, bytes] of kept.run.tape.held) held.set(buffer, bytes);
    }
    for (const [buffer, bytes] of this.#head?.held ?? []) held.set(buffer, bytes);
    for (const tensor of [...this.#live.values(), ...this.#values.values()]) hold(tensor);
    return held;
  }

  /** Frees everything; needed wherever the way back does not end. */
  dispose(): void {
    for (const kept of this.#kept.values()) {
      if ('run' in kept) kept.run.tape.dispose();
      else this.#letGo(kept.inputs);
    }
    this.#kept.clear();
    this.#head?.dispose();
    this.#head = undefined;
    for (const tensors of [this.#live, this.#values, this.#shared]) {
      dispose([...tensors.values()]);
      tensors.clear();
    }
    dispose([this.#seed, ...this.#penalties.splice(0).map(({ term }) => term)]);
  }
}

/** Bytes of a tensor's values. */
function bytesOf({ size, dtype }: Tensor): number {
  return size * (dtype === 'bool' ? 1 : 4);
}

/** A loss and its gradients by variable. */
export interface ProgramGradients {
  /** Mean loss, penalties included. */
  readonly loss: number;
  /** The owner disposes of them. */
  readonly gradients: ReadonlyMap<Variable, Tensor>;
}

/** Loss and gradients of one batch: the bits of core's `lossGradients` with `withRegularisation`. Leaks nothing else. */
export function gradientsOf(
  program: Program,
  inputs: readonly Tensor[],
  target: Tensor,
  loss: LossFunction,
  mode: RunMode,
  options: MicroBatchOptions = {},
): ProgramGradients {
  const batch = new MicroBatch(program, inputs, mode, options);
  try {
    for (const i of program.blocks.keys()) batch.forward(i);
    const value = sumOfTerms(batch.loss(target, loss));
    const gradients = new Map<Variable, Tensor>();
    for (const i of [...program.blocks.keys()].reverse())
      for (const [variable, gradient] of batch.backward(i)) gradients.set(variable, gradient);
    return { loss: value, gradients };
  } finally {
    batch.dispose();
  }
}

/** Adds scalars in float32, one after the other, and disposes of them. */
export function sumOfTerms(terms: readonly Tensor[]): number {
  const sum = terms.map((term) => term.dataSync()[0]!).reduce((total, term) => Math.fround(total + term));
  dispose([...terms]);
  return sum;
}

/** The outputs of a model, block by block: the bits of `model.apply`. The caller disposes of them. */
export function applyProgram(program: Program, inputs: readonly Tensor[], mode: RunMode): Tensor[] {
  const batch = new MicroBatch(program, inputs, mode, { recompute: () => true });
  for (const i of program.blocks.keys()) batch.forward(i);
  const outputs = tidy(() => batch.outputs.map((tensor) => keep(reshape(tensor, tensor.shape))));
  batch.dispose();
  return outputs;
}
