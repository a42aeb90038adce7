/**
 * Vectors of a batch of tokens from a table, as one differentiable step.
 *
 * Each different id is made once and copied to its tokens; backwards, what they get is summed by id before it goes to the
 * table. On the wasm engine a compiled kernel does both, on the cpu engine its twin, on the native engine the kernel in a
 * memory beside it, elsewhere operations of the engine.
 */
import { backend, customGrad, engine, getBackend, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { hostOf } from '@ockham/core/backend';
import { besidePass } from './beside.ts';
import { compiledOn, privateKernels } from './compiled.ts';
import { robeForm, sketchForm, type TableForm } from './table-form.ts';
import type { RobeTokens, SketchTokens, Tokens } from './tokens.ts';

/** The two directions on one engine. */
export interface Pass {
  /** `[n, D]`. */
  lookUp<T extends Tokens>(form: TableForm<T>, weights: Tensor, tokens: T): Tensor;
  /** The gradient of the weights for that of the vectors, `[n, D]`. */
  gradient<T extends Tokens>(form: TableForm<T>, weights: Tensor, tokens: T, dy: Tensor2D): Tensor;
}

/** @returns `[n, D]`, differentiable with respect to the sketch `[rows, D]`. */
export function lookUpTokens(sketch: Tensor, tokens: SketchTokens): Tensor2D {
  return lookUpIn(sketchForm, sketch, tokens);
}

/** @returns `[n, D]`, differentiable with respect to the array `[m]`. */
export function lookUpRobe(array: Tensor, tokens: RobeTokens): Tensor2D {
  return lookUpIn(robeForm, array, tokens);
}

function lookUpIn<T extends Tokens>(form: TableForm<T>, weights: Tensor, tokens: T): Tensor2D {
  const step = customGrad((variable, save) => {
    (save as (tensors: Tensor[]) => void)([variable as Tensor]);
    return {
      value: passOf().lookUp(form, variable as Tensor, tokens),
      gradFunc: (dy, saved) => passOf().gradient(form, saved[0]!, tokens, dy as Tensor2D),
    };
  });
  return step(weights) as Tensor2D;
}

function passOf(): Pass {
  if (compiledOn(backend())) return compiled;
  const name = getBackend();
  if (name === 'cpu' || name === 'wasm') return plain;
  return name === 'tensorflow' && privateKernels() ? besidePass : composed;
}

const composed: Pass = {
  lookUp: (form, weights, tokens) => form.composed[0](weights, tokens),
  gradient: (form, weights, tokens, dy) => form.composed[1](weights, tokens, dy),
};

const plain: Pass = {
  lookUp(form, weights, tokens) {
    const host = hostOf(backend());
    const made = host.allocate([tokens.places.length, tokens.dimension], 'float32');
    form.plain[0](tokens, host.view(weights) as Float32Array, host.view(made) as Float32Array);
    return engine().makeTensorFromTensorInfo(made);
  },
  gradient(form, weights, tokens, dy) {
    const host = hostOf(backend());
    const made = host.allocate(weights.shape, 'float32');
    const to = (host.view(made) as Float32Array).fill(0);
    form.plain[1](tokens, host.view(weights) as Float32Array, host.view(dy) as Float32Array, to);
    return engine().makeTensorFromTensorInfo(made);
  },
};

const compiled: Pass = {
  lookUp(form, weights, tokens) {
    const { attached, kernels } = compiledOn(backend())!;
    const made = hostOf(backend()).allocate([tokens.places.length, tokens.dimension], 'float32');
    const { told, workspace } = write(form, tokens);
    kernels[form.compiled[0]](...told, attached.address(weights), attached.address(made), workspace);
    return engine().makeTensorFromTensorInfo(made);
  },
  gradient(form, weights, tokens, dy) {
    const host = hostOf(backend());
    const { attached, kernels } = compiledOn(backend())!;
    const made = host.allocate(weights.shape, 'float32');
    const { told, sums, workspace } = write(form, tokens, true);
    host.view(made).fill(0);
    const [from, by, to] = [weights, dy, made].map((tensor) => attached.address(tensor));
    kernels[form.compiled[1]](...told, from!, by!, to!, sums, workspace);
    return engine().makeTensorFromTensorInfo(made);
  },
};

/** Puts what a kernel is told into the engine's memory; valid until the next call of any kernel. */
function write<T extends Tokens>(form: TableForm<T>, tokens: T, withSums = false) {
  const { attached, kernels } = compiledOn(backend())!;
  const tables = form.tables(tokens);
  const own = kernels.workspaceBytes(tokens.unique, form.hashes(tokens));
  const length = tables.reduce((sum, table) => sum + (table?.length ?? 0), 1); // one more is read after the last
  const sums = withSums ? tokens.unique * tokens.dimension : 0;
  const workspace = attached.workspace(own + 4 * (length + sums));
  const memory = new Int32Array(attached.memory.buffer, workspace + own, length);
  let at = 0;
  const places = tables.map((table) => {
    if (!table) return 0;
    memory.set(table, at);
    at += table.length;
    return workspace + own + 4 * (at - table.length);
  });
  return {
    told: [...form.sizes(tokens), ...places],
    sums: workspace + own + 4 * length,
    workspace,
  };
}
