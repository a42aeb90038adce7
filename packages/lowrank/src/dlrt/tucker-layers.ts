import type { serialization } from '@tensorflow/tfjs-core';
import type { NewLayer } from '@ockham/core/graph';
import { transpose, type Matrix } from '@ockham/core/linalg';
import type { Layer } from '@ockham/core/training';
import { freeName } from './thin-layers.ts';
import { byOutputs } from './tucker-core.ts';
import type { TuckerValues } from './tucker-factors.ts';

/**
 * The three ordinary convolutions that compute a layer in Tucker's form: `name/in` 1×1 onto p channels, `name/core` k×k onto q with the
 * old strides and padding, `name/out` 1×1 onto the old number with the bias and the activation.
 *
 * @param taken Names that are not free; those given are added.
 */
export function tuckerLayers(
  layer: Layer,
  { core, u, v }: TuckerValues,
  bias: Float32Array,
  taken: Set<string>,
): NewLayer[] {
  const { name: _, batchInputShape: __, ...config } = structuredClone(layer.getConfig());
  const places = (layer.weights[0]!.shape as number[]).slice(0, 2);
  const { kernelRegularizer = null } = config;
  const pointwise: serialization.ConfigDict = { kernelSize: [1, 1], strides: [1, 1], padding: 'valid' };
  const plain: serialization.ConfigDict = { activation: 'linear', useBias: false, biasRegularizer: null };
  const made = (
    suffix: string,
    own: serialization.ConfigDict,
    kernel: Matrix,
    shape: readonly number[],
  ): NewLayer => ({
    name: freeName(`${layer.name}/${suffix}`, taken),
    className: layer.getClassName(),
    config: { ...config, ...own, kernelRegularizer, filters: shape.at(-1)! },
    weights: [
      { shape: [...shape], values: Float32Array.from(kernel.values) },
      ...(own['useBias'] === false ? [] : [{ shape: [shape.at(-1)!], values: bias }]),
    ],
  });
  const [c, p, q, n] = [v.rows, core.inputs, core.outputs, u.rows];
  return [
    made('in', { ...plain, ...pointwise }, v, [1, 1, c, p]),
    made('core', plain, byOutputs(core), [...places, p, q]),
    made('out', { ...pointwise, useBias: layer.weights.length > 1 }, transpose(u), [1, 1, q, n]),
  ];
}
