/** A matrix of the fused program, in whatever form its numbers are kept. */
import { fusedActivations, packPanels, panelNumbers, type FusedActivation } from '@ockham/core/kernels';
import type { KernelMemory } from './kernel-memory.ts';
import type { Kernel } from './packed-kernel.ts';
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

/** A matrix before it is placed. */
export interface MatrixValues {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: Kernel;
  readonly bias?: Float32Array | undefined;
}

/** The same of float32. */
export interface FloatValues extends MatrixValues {
  readonly kernel: Float32Array;
  /** Whether `kernel` is `[outputs, inputs]`. Default false. */
  readonly transposed?: boolean;
}

/** Makes the matrices of a program: as they were read by default. */
export type PlaceMatrix = (memory: KernelMemory, values: MatrixValues) => Matrix;

/** A float32 matrix, packed once. */
export interface FloatMatrix extends Matrix {
  /** Address of the panels, which a table of words is read from as well. */
  readonly panels: number;
}

/** Packs a float32 matrix. */
export const placeFloats = (
  memory: KernelMemory,
  { inputs, outputs, kernel, bias, transposed = false }: FloatValues,
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

/** Matrices of the same input that are kept in different ways as one: each has its product, which then takes its place in the rows of all. */
export function besideOneAnother(memory: KernelMemory, parts: readonly Matrix[]): Matrix {
  const outputs = parts.reduce((sum, part) => sum + part.outputs, 0);
  const room = scratch(memory);
  const product = (name: 'part' | 'multiply') => (rows: number, x: number, y: number) => {
    let column = 0;
    for (const part of parts) {
      const at = room(rows * part.outputs);
      part[name](rows, x, at);
      memory.spreadRows(rows, part.outputs, at, [y + 4 * column, outputs]);
      column += part.outputs;
    }
  };
  const finish = finisher(memory, outputs, 0);
  const multiply = product('multiply');
  return {
    inputs: parts[0]!.inputs,
    outputs,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    part: product('part'),
    finish: finish.run,
    multiply(rows, x, y, ends) {
      multiply(rows, x, y);
      if (ends) finish.run(rows, y, ends);
    },
  };
}

/** Room for numbers in the memory, until it is asked again. */
export function scratch(memory: KernelMemory): (numbers: number) => number {
  let [address, room] = [0, 0];
  return (numbers) => {
    if (numbers <= room) return address;
    memory.free(address);
    [address, room] = [0, 0]; // also where the next line throws
    address = memory.allocate(4 * numbers);
    room = numbers;
    return address;
  };
}

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
