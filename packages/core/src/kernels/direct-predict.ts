/**
 * A shorter way through TensorFlow.js for a model that predicts on few examples, where its own bookkeeping costs as much as
 * a sparse layer: without slices and copies of a batch that is one, and without reshapes around a product.
 */
import { _FusedMatMul, engine, Tensor, tidy, type NamedTensorMap } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { sparseWeightsOf } from '../backend/wasm-kernels/sparse-weights.ts';
import { variableOf, type Layer } from '../training/layers.ts';

const FUSED: Readonly<Record<string, string>> = { linear: 'linear', relu: 'relu', relu6: 'relu6' };

/** The parts of a dense layer that are used. */
interface DenseLayer {
  call(inputs: Tensor | Tensor[], kwargs: unknown): Tensor | Tensor[];
  readonly activation: { getClassName(): string; apply(x: Tensor): Tensor };
  readonly _callHook?: unknown;
}

/** Lets a dense layer run its product at once where its kernel is sparse and no gradient is asked for. */
export function callDirectly(layer: Layer): void {
  const dense = layer as unknown as DenseLayer;
  const usual = dense.call.bind(dense);
  const kernel = layer.weights.find(({ originalName }) => originalName.endsWith('/kernel'))!;
  const bias = layer.weights.find(({ originalName }) => originalName.endsWith('/bias'));
  const name = dense.activation.getClassName();
  const fused = FUSED[name];
  dense.call = (inputs, kwargs) => {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    const b = variableOf(kernel);
    const fits = x?.rank === 2 && x.dtype === 'float32' && x.shape[1] === b.shape[0];
    if (!fits || dense._callHook || engine().state.gradientDepth > 0 || !sparseWeightsOf(b, x.shape[0]))
      return usual(inputs, kwargs);
    const given = { a: x, b, ...(bias && { bias: variableOf(bias) }) } as unknown as NamedTensorMap;
    const attrs = { transposeA: false, transposeB: false, activation: fused ?? 'linear' };
    const product = () => engine().runKernel<Tensor>(_FusedMatMul, given, attrs);
    return fused === undefined ? tidy(() => dense.activation.apply(product())) : product();
  };
}

/** Lets `predict` run a batch that it would not cut without slicing and joining it. */
export function predictDirectly(model: LayersModel): void {
  const usual = model.predict.bind(model);
  model.predict = (x, args = {}) => {
    const { batchSize = 32, verbose = false } = args;
    if (!(x instanceof Tensor) || !fits(model, x.shape, batchSize) || verbose) return usual(x, args);
    const y = tidy(() => model.apply(x) as Tensor);
    return y === x ? usual(x, args) : y;
  };
}

/** Whether a batch is what a model of one input and one output takes at once. */
function fits({ inputs, outputs }: LayersModel, shape: readonly number[], batchSize: number): boolean {
  const expected = inputs[0]!.shape;
  return (
    inputs.length === 1 &&
    outputs.length === 1 &&
    shape.length === expected.length &&
    shape[0]! <= batchSize &&
    shape.every((size, axis) => expected[axis] === null || expected[axis] === size)
  );
}
