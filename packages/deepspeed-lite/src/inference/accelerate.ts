/**
 * Inference by fused kernels: a model's weights packed once into one WebAssembly memory, in which the whole forward pass runs.
 *
 * Source: the survey's section 3.6.2, small-batch kernels, operator fusion and the policy map.
 * Deviations: kernels run on the CPU by WebAssembly SIMD, whatever engine the model is on.
 */
import { ArgumentError } from '@ockham/core';
import { checkModel, checkSingleInputAndOutput } from '@ockham/core/models';
import { tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkDecoder, fusedDecoder } from './fused-decoder.ts';
import { decode, type GenerateOptions } from './generate.ts';
import { KernelMemory } from './kernel-memory.ts';
import { policyFor, type Policy } from './named-policies.ts';
import type { InferencePolicy } from './policy.ts';
import type { PlaceMatrix } from './matrix.ts';
import { Program, type Cache } from './program.ts';
import {
  dequantizedMatrices,
  placeAsRead,
  quantizedMatrices,
  type MatrixQuantization,
} from './quantized-matrix.ts';
import { readWeights } from './read-weights.ts';
import { inputOf, outputOf } from './input-output.ts';
import type { Rows } from './rows.ts';
import { checkTolerance, exampleFor, ROUNDED, selfCheck, toleranceFor, type Check } from './self-check.ts';
import { wholePlace } from './stage-weights.ts';

/** Options of {@link accelerate}. */
export interface AccelerateOptions {
  /**
   * Which weight plays which role: `bert` and `gpt` for core's models, an {@link InferencePolicy} or what makes one for others. Default
   * `auto`: core's, found by the names of layers.
   */
  readonly policy?: Policy;
  /**
   * Compares the program with the model on one text before it is handed out. `tolerance` is the largest difference of an output, relative
   * to the largest output or 1. Default 1e-4; of a compressed model that rounds activations at least 0.1, since what is on the edge of two
   * steps may go either way. False skips it.
   */
  readonly check?: Check;
  /**
   * Keeps the matrices of dense layers quantised, as they are multiplied; those of a compressed model stay as they are. The program is then checked with the numbers that the codes stand
   * for, at the check's tolerance, or 0.1 where activations are rounded too. Default float32.
   */
  readonly quantize?: MatrixQuantization;
}

/** A model that predicts by fused kernels. The model that it was made from may change or go: its weights were copied. */
export interface Accelerated {
  /** Where every weight of the model was found. */
  readonly policy: InferencePolicy;
  /** Bytes of its weights in memory. */
  readonly weightBytes: number;
  /** What `model.predict` gives, but for the order of sums. The caller owns it. @throws ArgumentError for ids out of range. */
  predict(x: Tensor): Tensor;
  /**
   * Adds tokens to prompts, keeping keys and values of what was read. Returns the texts, prompts included.
   *
   * @throws ArgumentError for a prompt or option out of range, UnsupportedModelError for a model that is no decoder.
   */
  generate(prompts: readonly ArrayLike<number>[], options?: GenerateOptions): Promise<Int32Array[]>;
  /** Lets the memory go; later calls throw. */
  dispose(): void;
}

/**
 * Makes a fused program of a transformer. Of a model of `compress`, or of its file, the codes of dense layers and tables stay codes.
 *
 * @param model One input of token ids, one output. Not changed.
 * @throws UnsupportedModelError where a role is missing, shapes disagree, a weight has no role, or outputs differ from the model's.
 * @throws ArgumentError for a tolerance out of range or a model that was disposed.
 *
 * @example
 * const fast = await accelerate(bert({ preset: 'mini', seed: 7 }));
 * const y = fast.predict(tokens);
 */
export async function accelerate(model: LayersModel, options: AccelerateOptions = {}): Promise<Accelerated> {
  const { policy: given = 'auto', check = { tolerance: 1e-4 }, quantize } = options;
  checkModel('accelerate', model);
  checkSingleInputAndOutput('accelerate', model);
  checkTolerance('accelerate', check);
  const policy = policyFor(model, given);
  const weights = await readWeights(model, policy);
  const place = wholePlace(weights.layers.length);
  const programOf = async (matrices: PlaceMatrix): Promise<Program> =>
    new Program(await KernelMemory.make(), weights, place, matrices);
  const made = await programOf(quantize ? quantizedMatrices(quantize) : placeAsRead);
  let program: Program | undefined = made;
  const alive = (): Program => {
    if (program) return program;
    throw new ArgumentError('accelerate: the accelerated model must be alive, got one that was disposed.');
  };
  const forward = (rows: Rows, caches?: readonly Cache[]): Float32Array => runAlone(alive(), rows, caches);
  const accelerated: Accelerated = {
    policy,
    weightBytes: made.weightBytes,
    predict(x) {
      const { rows, shape } = inputOf('predict', x, alive().weights);
      return tensor(forward(rows), outputOf(shape, weights));
    },
    async generate(prompts, generateOptions = {}) {
      checkDecoder('generate', weights);
      const decoder = fusedDecoder(alive(), (rows, caches) => Promise.resolve(forward(rows, caches)));
      try {
        return await decode('generate', decoder, prompts, generateOptions);
      } finally {
        decoder.end();
      }
    },
    dispose: () => void (program = undefined),
  };
  if (check) {
    const predictWith = (other: Program) => (x: Tensor) => {
      const { rows, shape } = inputOf('predict', x, weights);
      return tensor(runAlone(other, rows), outputOf(shape, weights));
    };
    const against = { tolerance: toleranceFor(weights, check.tolerance), name: model.name };
    const usual = (x: Tensor): Tensor => tidy(() => model.predict(x) as Tensor);
    const example = exampleFor(model, weights, true);
    try {
      if (quantize) {
        await selfCheck(example, usual, predictWith(await programOf(placeAsRead)), against);
        const tolerance =
          quantize.activations === 'int8' ? Math.max(ROUNDED, check.tolerance) : against.tolerance;
        const dequantized = predictWith(await programOf(dequantizedMatrices(quantize)));
        await selfCheck(example, dequantized, accelerated.predict, { ...against, tolerance });
      } else await selfCheck(example, usual, accelerated.predict, against);
    } finally {
      example.dispose();
    }
  }
  return accelerated;
}

/** A forward pass that no other rank has a part in. */
function runAlone(program: Program, rows: Rows, caches?: readonly Cache[]): Float32Array {
  const state = program.embed(rows);
  const pass = program.run(state, caches);
  while (!pass.next().done);
  const { address, length } = program.head(state);
  return program.memory.floats(address, length).slice();
}
