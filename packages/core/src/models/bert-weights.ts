import type { WeightNaming } from './load-weights.ts';

/**
 * The names of PyTorch's BERT (`bert.encoder.layer.0.attention.self.query.weight`, `classifier.weight`,
 * `cls.predictions.bias`) for the models of `bert`.
 *
 * What a checkpoint holds beyond the model is for `ignore`: a classifier takes nothing of `cls.`, a language model
 * repeats its table as `cls.predictions.decoder.weight`, old files hold `position_ids`. What a model has beyond the
 * checkpoint, such as a new classifier, stays as it is when the rest is loaded as a model of the same layers.
 *
 * @param prefix What stands before the encoder's names: `bert.`, the default, where the checkpoint has a head, and
 *   nothing where it is the encoder alone.
 *
 * @example
 * const model = bert({ preset: 'mini', classes: 3 });
 * const { output } = model.getLayer('pooler/dense');
 * const encoder = tf.model({ inputs: model.inputs, outputs: output });
 * loadWeights(encoder, readSafetensors(bytes), { naming: pytorchBert(), ignore: /^cls\./ });
 */
export function pytorchBert(prefix = 'bert.'): WeightNaming {
  return (layer, weight) => {
    const path = layer.name.replace(/^encoder\/layer_/, 'encoder/layer/').replaceAll('/', '.');
    const isHead = path === 'classifier' || path.startsWith('cls.');
    const name = `${isHead ? '' : prefix}${path}.${PYTORCH_WEIGHTS[weight] ?? weight}`;
    return weight === 'kernel' ? { name, layout: 'oi' } : { name };
  };
}

const PYTORCH_WEIGHTS: Readonly<Record<string, string>> = {
  kernel: 'weight',
  embeddings: 'weight',
  gamma: 'weight',
  beta: 'bias',
};
