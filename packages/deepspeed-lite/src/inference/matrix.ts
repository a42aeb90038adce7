/** A matrix of the fused program, in whatever form its numbers are kept. */
import { fusedActivations, packPanels, panelNumbers, type FusedActivation } from '@ockham/core/kernels';
import type { KernelMemory } from './kernel-memory.ts';
import type { NormWeights } from './read-weights.ts';

/** What follows a product, by address. */
export interface Finish {
  readonly activation?: FusedActivation;
  /** Added after the activation, and where the sum goes. Default none: it stays where the product went. */
  readonly residual?: number;
  readonly norm?: PlacedNorm | undefined;
  /** Where the normalised rows go, where there is a norm. Default: in the place of what is normalised. */
  readonly normTo?: number;
}

/** A matrix `[inputs, outputs]` in the memory, with its bias. */
export interface Matrix {
  readonly inputs: number;
  readonly outputs: number;
  /** Bytes of its numbers. */
  readonly bytes: number;
  /** y = x·W of `rows` rows, then activation(y + bias), the residual sum and its normalisation. */
  multiply(rows: number, x: number, y: number, finish?: Finish): void;
  /** y = x·W alone, as a rank's part of a sum. */
  part(rows: number, x: number, y: number): void;
  /** What {@link Matrix.multiply} does after the product, to a sum of parts. */
  finish(rows: number, y: number, finish?: Finish): void;
}

/** A layer normalisation in the memory. */
export interface PlacedNorm {
  readonly gamma: number;
  readonly beta: number;
  readonly epsilon: number;
}

export function placeNorm(memory: KernelMemory, norm: NormWeights | undefined): PlacedNorm | undefined {
  return norm && { gamma: memory.place(norm.gamma), beta: memory.place(norm.beta), epsilon: norm.epsilon };
}

/** The numbers of a matrix before they are placed. */
export interface MatrixValues {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: Float32Array;
  readonly bias?: Float32Array | undefined;
  /** Whether `kernel` is `[outputs, inputs]`. Default false. */
  readonly transposed?: boolean;
}

/** Makes the matrices of a program: float32 by default. */
export type PlaceMatrix = (memory: KernelMemory, values: MatrixValues) => Matrix;

/** A float32 matrix, packed once. */
export interface FloatMatrix extends Matrix {
  /** Address of the panels, which a table of words is read from as well. */
  readonly panels: number;
}

/** Packs a float32 matrix. */
export const placeFloats = (
  memory: KernelMemory,
  { inputs, outputs, kernel, bias, transposed = false }: MatrixValues,
): FloatMatrix => {
  const { kernels } = memory;
  const numbers = panelNumbers(inputs, outputs);
  const panels = memory.allocate(4 * numbers);
  packPanels(kernel, [inputs, outputs], memory.floats(panels, numbers), { transposed });
  const finish = finisher(memory, outputs, memory.place(bias));
  const product = (rows: number, x: number, y: number, ends: FinishArguments): void =>
    kernels.fusedDense(
      rows,
      outputs,
      inputs,
      x,
      inputs,
      panels,
      y,
      memory.workspace(kernels.fusedDenseBytes()),
      ...ends,
    );
  return {
    inputs,
    outputs,
    panels,
    bytes: 4 * numbers,
    multiply: (rows, x, y, ends) => product(rows, x, y, finish.arguments(y, ends)),
    part: (rows, x, y) => product(rows, x, y, [0, 0, 0, y, 0, 0, 0, 0]),
    finish: finish.run,
  };
};

/** What kernels are told of a finish. */
type FinishArguments = readonly [
  bias: number,
  activation: number,
  residual: number,
  y: number,
  gamma: number,
  beta: number,
  epsilon: number,
  z: number,
];

/** The half of a matrix that comes after its product, whatever form that has. */
export interface Finisher {
  arguments(y: number, finish?: Finish): FinishArguments;
  run(rows: number, y: number, finish?: Finish): void;
}

/** @param bias Address, 0 for none. */
export function finisher({ kernels }: KernelMemory, outputs: number, bias: number): Finisher {
  const args = (y: number, ends: Finish = {}): FinishArguments => {
    const { activation = 'linear', residual = 0, norm } = ends;
    const to = residual || y;
    const { gamma = 0, beta = 0, epsilon = 0 } = norm ?? {};
    return [bias, fusedActivations[activation], residual, to, gamma, beta, epsilon, ends.normTo ?? to];
  };
  return {
    arguments: args,
    run: (rows, y, ends) => kernels.fusedFinish(rows, outputs, y, ...args(y, ends)),
  };
}
