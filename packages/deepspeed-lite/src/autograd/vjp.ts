/**
 * A tape that outlives its forward pass. `grads` of TensorFlow.js runs forward and backward in one synchronous call; here the two are
 * apart, so that other work, micro-batches and communication among it, fits in between.
 *
 * Source: reverse accumulation (Griewank and Walther 2008, chapter 3), over the nodes that the engine records.
 * Deviations from the engine's own backward pass: none in what is computed, gradients are added in its order, so that the bits are
 * those of `grads`; what a gradient needs the shape of only is not held, and each node is freed once it is behind.
 */
import {
  Add,
  Concat,
  ExpandDims,
  Mean,
  PadV2,
  Reshape,
  Slice,
  Sub,
  Sum,
  add,
  clone,
  engine,
  keep,
  reshape,
  tidy,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';

/** Gradients of inputs and variables; the owner disposes of them. */
export interface Gradients {
  /** For each input; none where no output with a gradient depends on it. */
  readonly inputs: readonly (Tensor | undefined)[];
  /** Only variables on which an output with a gradient depends. */
  readonly variables: ReadonlyMap<Variable, Tensor>;
}

/** What a forward pass left behind. */
export interface Vjp {
  /** What `f` returned, for the caller to dispose of. The tape does not need them. */
  readonly outputs: readonly Tensor[];
  /**
   * Goes back through the tape, once, and frees it.
   *
   * @param dys Gradients of the outputs; undefined where there is none. They stay the caller's.
   * @param before Gradients from elsewhere that these are added to, as if the rest of the computation were on the same tape.
   */
  backward(dys: readonly (Tensor | undefined)[], before?: Partial<Gradients>): Gradients;
  /** Frees the tape without going back. */
  dispose(): void;
  /** Lets go of the values of `variables`, so that they can be freed; `backward` takes those that the variables have then. */
  releaseVariables(): void;
  /** What the tape holds: bytes by buffer, those of variables left out. Buffers that two tapes share are in both. */
  readonly held: ReadonlyMap<object, number>;
  /** The sum of {@link Vjp.held}. */
  readonly bytes: number;
}

type TapeNode = ReturnType<typeof engine>['state']['activeTape'][number];

/**
 * Runs `f` once and keeps what its gradient needs. Several can be in flight.
 *
 * @param f Synchronous; tensors it makes and does not return are disposed of.
 * @param inputs Tensors whose gradient is wanted, that `f` uses.
 * @param variables Variables whose gradient is wanted.
 * @throws ArgumentError inside `grads` and its kin, or where the gradients of TensorFlow.js are missing.
 *
 * @example
 * const tape = vjp(() => [matMul(x, w)], [x], [w]);
 * // … anything, also asynchronous …
 * const { variables } = tape.backward([dy]);
 */
export function vjp(f: () => Tensor[], inputs: readonly Tensor[], variables: readonly Variable[]): Vjp {
  const { state } = engine();
  if (engine().isTapeOn())
    throw new ArgumentError('vjp: must not run inside tf.grads or another vjp, which would not see its tape. Call it outside.'); // prettier-ignore
  const outer = state.activeTape;
  state.activeTape = [];
  state.gradientDepth += 1;
  let outputs: Tensor[];
  let recorded: TapeNode[];
  try {
    outputs = tidy(() => f().map(keep));
  } catch (error) {
    free(state.activeTape);
    throw error;
  } finally {
    state.gradientDepth -= 1;
    recorded = state.activeTape;
    state.activeTape = outer;
  }
  return new Tape(leading(recorded, [...inputs, ...variables], outputs), inputs, variables, outputs);
}

/** Their gradients look at the shapes alone of what the engine saves for them; a tensor that was disposed of still has its shape. */
const SHAPE_ONLY: ReadonlySet<string> = new Set([Add, Concat, ExpandDims, Mean, PadV2, Reshape, Slice, Sub, Sum]); // prettier-ignore

class Tape implements Vjp {
  readonly outputs: readonly Tensor[];
  readonly held: ReadonlyMap<object, number>;
  readonly bytes: number;
  readonly #inputs: readonly Tensor[];
  readonly #variables: readonly Variable[];
  readonly #released: { saved: Tensor[]; at: number; variable: Variable; shape: number[] }[] = [];
  #nodes: readonly TapeNode[] | undefined;

  constructor(
    nodes: readonly TapeNode[],
    inputs: readonly Tensor[],
    variables: readonly Variable[],
    outputs: readonly Tensor[],
  ) {
    [this.#nodes, this.#inputs, this.#variables, this.outputs] = [nodes, inputs, variables, outputs];
    this.held = heldBy(nodes);
    this.bytes = [...this.held.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  releaseVariables(): void {
    const owners = new Map<object, Variable>(this.#variables.map((variable) => [variable.dataId, variable]));
    for (const { saved = [] } of this.#nodes ?? []) {
      for (const [at, tensor] of saved.entries()) {
        const variable = owners.get(tensor.dataId);
        if (!variable || tensor.isDisposed) continue;
        this.#released.push({ saved, at, variable, shape: tensor.shape });
        tensor.dispose();
      }
    }
  }

  backward(dys: readonly (Tensor | undefined)[], before: Partial<Gradients> = {}): Gradients {
    const nodes = this.#nodes;
    if (!nodes)
      throw new ArgumentError(
        'vjp: backward() goes once through a tape, and this one is gone. Run vjp again.',
      );
    for (const { saved, at, variable, shape } of this.#released) saved[at] = keep(reshape(variable, shape));
    this.#nodes = undefined;
    try {
      let result: Gradients;
      tidy(() => {
        result = this.#walk(nodes, dys, before);
      });
      return result!;
    } finally {
      free(nodes);
    }
  }

  dispose(): void {
    if (this.#nodes) free(this.#nodes);
    this.#nodes = undefined;
  }

  #walk(
    nodes: readonly TapeNode[],
    dys: readonly (Tensor | undefined)[],
    before: Partial<Gradients>,
  ): Gradients {
    const sums = new Sums();
    const ends = new Set<number>();
    const start = (x: Tensor, gradient: Tensor | undefined): void => {
      if (gradient) sums.start(x.id, gradient);
    };
    for (const [i, x] of this.#inputs.entries()) start(x, before.inputs?.[i]);
    for (const [variable, gradient] of before.variables ?? []) start(variable, gradient);
    for (const [i, y] of this.outputs.entries()) start(y, dys[i]);
    for (const x of [...this.#inputs, ...this.#variables]) ends.add(x.id);
    const wanted = new Set(ends);
    for (const { outputs } of nodes) for (const { id } of outputs) wanted.add(id);
    for (const node of [...nodes].reverse()) {
      // an output without a gradient from anywhere does not lead to what is differentiated
      if (!node.outputs.some(({ id }) => sums.has(id))) continue;
      if (!node.gradient) throw missingGradient(node.kernelName);
      const gradients = node.gradient(node.outputs.map(({ id }) => sums.get(id)!));
      for (const [name, x] of Object.entries(node.inputs)) {
        if (!x || !wanted.has(x.id)) continue;
        const dx = tidy(() => gradients[name]!());
        checkGradient(node.kernelName, name, x, dx);
        sums.add(x.id, dx);
      }
      for (const { id } of node.outputs) if (!ends.has(id)) sums.drop(id);
      free([node]);
    }
    const take = (x: Tensor): Tensor | undefined => sums.take(x.id);
    const variables = new Map<Variable, Tensor>();
    for (const variable of this.#variables) {
      const gradient = take(variable);
      if (gradient) variables.set(variable, gradient);
    }
    return { inputs: this.#inputs.map(take), variables };
  }
}

/** Gradients by the id of the tensor they belong to. */
class Sums {
  readonly #sums = new Map<number, Tensor>();
  /** Tensors that are not ours, or that stand for another tensor's gradient too. */
  readonly #taken = new Set<Tensor>();
  readonly #given = new Set<Tensor>();

  has(id: number): boolean {
    return this.#sums.has(id);
  }

  get(id: number): Tensor | undefined {
    return this.#sums.get(id);
  }

  start(id: number, gradient: Tensor): void {
    this.#given.add(gradient);
    this.add(id, gradient);
  }

  add(id: number, dx: Tensor): void {
    const sum = this.#sums.get(id);
    // a gradient function may give back what it got, or one tensor for two inputs
    const own = sum ? add(sum, dx) : this.#taken.has(dx) || this.#given.has(dx) ? clone(dx) : dx;
    if (sum) this.#free(sum);
    this.#taken.add(own);
    this.#sums.set(id, own);
  }

  drop(id: number): void {
    const sum = this.#sums.get(id);
    if (sum) this.#free(sum);
    this.#sums.delete(id);
  }

  /** Hands a gradient out of the surrounding tidy. */
  take(id: number): Tensor | undefined {
    const sum = this.#sums.get(id);
    return sum && keep(sum);
  }

  #free(sum: Tensor): void {
    this.#taken.delete(sum);
    sum.dispose();
  }
}

/** The nodes between `xs` and `ys`; what the others saved is freed. */
function leading(tape: readonly TapeNode[], xs: readonly Tensor[], ys: readonly Tensor[]): TapeNode[] {
  const from = new Set(xs.map(({ id }) => id));
  const after = tape.filter(({ inputs, outputs }) => {
    if (!Object.values(inputs).some((x) => x && from.has(x.id))) return false;
    for (const { id } of outputs) from.add(id);
    return true;
  });
  const to = new Set(ys.map(({ id }) => id));
  const kept = new Set<TapeNode>();
  for (const node of [...after].reverse()) {
    if (!node.outputs.some(({ id }) => to.has(id))) continue;
    for (const x of Object.values(node.inputs)) if (x) to.add(x.id);
    kept.add(node);
  }
  free(tape.filter((node) => !kept.has(node) || SHAPE_ONLY.has(node.kernelName)));
  return after.filter((node) => kept.has(node));
}

function free(nodes: readonly TapeNode[]): void {
  for (const { saved = [] } of nodes) for (const tensor of saved) if (!tensor.isDisposed) tensor.dispose();
}

function heldBy(nodes: readonly TapeNode[]): ReadonlyMap<object, number> {
  const variables = new Set<object>(Object.values(engine().registeredVariables).map(({ dataId }) => dataId));
  const held = new Map<object, number>();
  for (const { saved = [] } of nodes) {
    for (const { dataId, size, dtype, isDisposed } of saved)
      if (!isDisposed && !variables.has(dataId)) held.set(dataId, size * (dtype === 'bool' ? 1 : 4));
  }
  return held;
}

function checkGradient(kernel: string, name: string, x: Tensor, dx: Tensor): void {
  if (dx.dtype === 'float32' && String(dx.shape) === String(x.shape)) return;
  throw new ArgumentError(
    `vjp: the gradient of ${kernel}'s input ${name} must be float32 [${x.shape.join(', ')}], got ${dx.dtype} [${dx.shape.join(', ')}]. Correct the gradient function of that operation.`,
  );
}

function missingGradient(kernel: string): ArgumentError {
  return new ArgumentError(
    `vjp: ${kernel || 'an operation'} has no gradient here. Import '@tensorflow/tfjs' once, before training: tfjs-core alone does not bring them.`,
  );
}
