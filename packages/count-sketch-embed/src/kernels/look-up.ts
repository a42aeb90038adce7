/**
 * Vectors of a batch of tokens from a count-sketch, as one differentiable step.
 *
 * Each different id is estimated once and copied to its tokens; backwards, what they get is summed by id before it goes to
 * the rows. On the wasm engine a compiled kernel does both, on the cpu engine its twin, on the native engine the kernel in a
 * memory beside it, elsewhere operations of the engine.
 */
import {
  backend,
  customGrad,
  engine,
  getBackend,
  tensor2d,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { hostOf } from '@ockham/core/backend';
import { composedGradient, composedLookUp } from './composed.ts';
import { gradientPlain, lookUpPlain } from './plain.ts';
import { privateKernels } from './private-memory.ts';
import { sketchKernelsOf } from './sketch-kernels.ts';
import type { SketchTokens } from './tokens.ts';

/** The two directions on one engine. */
interface Pass {
  /** `[rows, D]` → `[n, D]`. */
  lookUp(sketch: Tensor2D, tokens: SketchTokens): Tensor2D;
  /** `[n, D]` → `[rows, D]`. */
  gradient(sketch: Tensor2D, tokens: SketchTokens, dy: Tensor2D): Tensor2D;
}

/** @returns `[n, D]`, differentiable with respect to the sketch `[rows, D]`. */
export function lookUpTokens(sketch: Tensor2D, tokens: SketchTokens): Tensor2D {
  const step = customGrad((variable, save) => {
    (save as (tensors: Tensor[]) => void)([variable as Tensor]);
    return {
      value: passOf().lookUp(variable as Tensor2D, tokens),
      gradFunc: (dy, saved) => passOf().gradient((saved as Tensor2D[])[0]!, tokens, dy as Tensor2D),
    };
  });
  return step(sketch) as Tensor2D;
}

function passOf(): Pass {
  if (sketchKernelsOf(backend())) return compiled;
  const name = getBackend();
  if (name === 'cpu' || name === 'wasm') return plain;
  return name === 'tensorflow' && privateKernels() ? beside : composed;
}

const composed: Pass = { lookUp: composedLookUp, gradient: composedGradient };

const beside: Pass = {
  lookUp(sketch, tokens) {
    const values = privateKernels()!.lookUp(sketch.dataSync<'float32'>(), tokens);
    return tensor2d(values, [tokens.places.length, tokens.dimension]);
  },
  gradient(sketch, tokens, dy) {
    const values = privateKernels()!.gradient(sketch.dataSync<'float32'>(), tokens, dy.dataSync<'float32'>());
    return tensor2d(values, sketch.shape);
  },
};

const plain: Pass = {
  lookUp(sketch, tokens) {
    const host = hostOf(backend());
    const made = host.allocate([tokens.places.length, tokens.dimension], 'float32');
    lookUpPlain(tokens, host.view(sketch) as Float32Array, host.view(made) as Float32Array);
    return engine().makeTensorFromTensorInfo(made) as Tensor2D;
  },
  gradient(sketch, tokens, dy) {
    const host = hostOf(backend());
    const made = host.allocate(sketch.shape, 'float32');
    const to = (host.view(made) as Float32Array).fill(0);
    gradientPlain(tokens, host.view(sketch) as Float32Array, host.view(dy) as Float32Array, to);
    return engine().makeTensorFromTensorInfo(made) as Tensor2D;
  },
};

const compiled: Pass = {
  lookUp(sketch, tokens) {
    const { attached, kernels } = sketchKernelsOf(backend())!;
    const made = hostOf(backend()).allocate([tokens.places.length, tokens.dimension], 'float32');
    const { sizes, places, slots, words, workspace } = write(tokens);
    const [from, to] = [attached.address(sketch), attached.address(made)];
    kernels.lookUp(...sizes, places, slots, words, from, to, workspace);
    return engine().makeTensorFromTensorInfo(made) as Tensor2D;
  },
  gradient(sketch, tokens, dy) {
    const host = hostOf(backend());
    const { attached, kernels } = sketchKernelsOf(backend())!;
    const made = host.allocate(sketch.shape, 'float32');
    const { sizes, places, slots, words, sums, workspace } = write(tokens, true);
    host.view(made).fill(0);
    const [from, by, to] = [sketch, dy, made].map((tensor) => attached.address(tensor));
    kernels.gradient(...sizes, places, slots, words, from!, by!, to!, sums, workspace);
    return engine().makeTensorFromTensorInfo(made) as Tensor2D;
  },
};

/** Puts what a kernel is told into the engine's memory; valid until the next call of any kernel. */
function write(tokens: SketchTokens, withSums = false) {
  const { hashes, groups, dimension, places, slots, words } = tokens;
  const { attached, kernels } = sketchKernelsOf(backend())!;
  const [n, unique] = [places.length, slots.length / hashes];
  const own = kernels.workspaceBytes(unique, hashes);
  const told = n + slots.length + (words?.length ?? 0);
  const start = attached.workspace(own + 4 * (told + (withSums ? unique * dimension : 0)));
  const at = start + own;
  const memory = new Int32Array(attached.memory.buffer, at, told);
  memory.set(places);
  memory.set(slots, n);
  if (words) memory.set(words, n + slots.length);
  return {
    sizes: [n, unique, hashes, hashes / groups, dimension] as const,
    places: at,
    slots: at + 4 * n,
    words: words ? at + 4 * (n + slots.length) : 0,
    sums: at + 4 * told,
    workspace: start,
  };
}
