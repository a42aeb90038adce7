import type { LayersModel } from '@tensorflow/tfjs-layers';

/** What a model has learnt, by the names of its weights. */
export type NamedWeights = ReadonlyMap<string, Float32Array>;

/** Copies the weights of a model. */
export function weightsByName(model: LayersModel): NamedWeights {
  const values = model.getWeights();
  return new Map(
    model.weights.map(({ originalName }, i) => [originalName, values[i]!.dataSync<'float32'>().slice()]),
  );
}

/** ‖a − b‖ / ‖b‖ over all weights but biases of keys, which have no effect and whose gradients are rounding alone. */
export function relativeDistance(a: NamedWeights, b: NamedWeights): number {
  let [square, norm] = [0, 0];
  for (const [name, values] of b) {
    if (name.includes('attn/key/bias')) continue;
    const other = a.get(name)!;
    for (let i = 0; i < values.length; i++) {
      square += (other[i]! - values[i]!) ** 2;
      norm += values[i]! ** 2;
    }
  }
  return Math.sqrt(square / norm);
}
