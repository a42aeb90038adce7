import { variable, type Variable } from '@tensorflow/tfjs-core';
import { dequantiseRows, quantiseRows } from '@ockham/core/kernels';
import { assign, read } from './head-weights.ts';

/** Where merges go: the kernel that heads compute with, or a float32 copy of one that is rounded to int8. */
export interface MainKernel {
  /** What merges change. */
  readonly precise: Variable;
  /** Takes the kernel as it now is for the precise one. */
  refresh(): void;
  /** Lets the heads compute with what was merged. */
  show(): Promise<void>;
  /** Puts the precise kernel back and frees the copy. */
  end(): void;
}

/** The kernel itself. */
export function plainKernel(kernel: Variable): MainKernel {
  return { precise: kernel, refresh: () => undefined, show: () => Promise.resolve(), end: () => undefined };
}

/** A kernel `[…, in, out]` that shows int8 values with a scale for each output; line 2 of Algorithm 1. */
export function quantisedKernel(kernel: Variable): MainKernel {
  const precise = variable(kernel, false);
  return {
    precise,
    refresh() {
      precise.assign(kernel);
    },
    async show() {
      const outputs = kernel.shape.at(-1)!;
      const inputs = kernel.size / outputs;
      const columns = transposed(await read(precise), inputs, outputs);
      const rounded = dequantiseRows(quantiseRows(columns, [outputs, inputs]));
      assign(kernel, transposed(rounded, outputs, inputs));
    },
    end() {
      kernel.assign(precise);
      precise.dispose();
    },
  };
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const made = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) made[j * rows + i] = values[i * columns + j]!;
  }
  return made;
}
