/** The policies of core's models, found by the names of their layers: BERT's are those of the published checkpoints. */
import { UnsupportedModelError } from '@ockham/core';
import type { FusedActivation } from '@ockham/core/kernels';
import type { Layer } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { QuantizedLayer } from '../compress/layers/quantized-layer.ts';
import type { HeadLayer, InferencePolicy, LayerRoles } from './policy.ts';

/** A policy, the name of one, or what makes one from a model. */
export type Policy = 'auto' | 'bert' | 'gpt' | InferencePolicy | ((model: LayersModel) => InferencePolicy);

/** The policy to use. @throws UnsupportedModelError where none is known for the model. */
export function policyFor(model: LayersModel, policy: Policy): InferencePolicy {
  if (typeof policy === 'function') return policy(model);
  if (typeof policy === 'object') return policy;
  const has = (name: string): boolean => model.layers.some((layer) => layer.name === name);
  if (policy === 'bert' || (policy === 'auto' && has('embeddings/word_embeddings'))) return bertPolicy(model);
  if (policy === 'gpt' || (policy === 'auto' && has('wte'))) return gptPolicy(model);
  throw new UnsupportedModelError(
    `accelerate: ${model.name} must be core's bert or gpt, or have a policy; got a model without the layers embeddings/word_embeddings or wte. Pass an InferencePolicy that says which layer plays which role.`,
  );
}

/**
 * The policy of a model that `bert` made, with any head and of any size, also where heads, units or layers were removed.
 *
 * @throws UnsupportedModelError where a layer is missing or has another activation than BERT's.
 */
export function bertPolicy(model: LayersModel): InferencePolicy {
  const find = finder(model, 'bertPolicy');
  const layers = numbered(model, /^encoder\/layer_(\d+)\//).map((i): LayerRoles => {
    const at = `encoder/layer_${i}`;
    const self = `${at}/attention/self`;
    return {
      heads: find.number(`${self}/probabilities`, 'heads'),
      query: `${self}/query`,
      key: `${self}/key`,
      value: `${self}/value`,
      attentionOutput: `${at}/attention/output/dense`,
      attentionNorm: `${at}/attention/output/LayerNorm`,
      expand: `${at}/intermediate/dense`,
      project: `${at}/output/dense`,
      feedForwardNorm: `${at}/output/LayerNorm`,
    };
  });
  const first = numbered(model, /^encoder\/layer_(\d+)\//)[0];
  const head: HeadLayer[] = [];
  let [rows, softmax]: ['all' | 'first', boolean] = ['all', false];
  if (find.has('pooler/dense')) {
    rows = 'first';
    head.push({ dense: 'pooler/dense', activation: find.activation('pooler/dense').name });
    if (find.has('classifier')) {
      const { name, softmax: ends } = find.activation('classifier');
      head.push({ dense: 'classifier', activation: name });
      softmax = ends;
    }
  } else if (find.has('cls/predictions')) {
    const transform = 'cls/predictions/transform';
    const { name } = find.activation(`${transform}/dense`);
    head.push({ dense: `${transform}/dense`, activation: name, norm: `${transform}/LayerNorm` });
    head.push({ dense: { tied: 'words' }, bias: 'cls/predictions' });
    softmax = find.has('cls/softmax');
  }
  return {
    attention: 'all',
    normalisation: 'after',
    activation:
      first === undefined ? 'gelu' : find.activation(`encoder/layer_${first}/intermediate/dense`).name,
    input: model.inputs[0]!.shape.length === 3 ? 'ids-and-types' : 'ids',
    padding: find.number('attention_mask', 'padding'),
    embeddings: {
      words: 'embeddings/word_embeddings',
      positions: 'embeddings/position_embeddings',
      types: 'embeddings/token_type_embeddings',
      norm: 'embeddings/LayerNorm',
    },
    layers,
    head: { rows, layers: head, softmax },
  };
}

/**
 * The policy of a model that `gpt` made.
 *
 * @throws UnsupportedModelError where a layer is missing or has another activation than GPT-2's.
 */
export function gptPolicy(model: LayersModel): InferencePolicy {
  const find = finder(model, 'gptPolicy');
  const numbers = numbered(model, /^h_(\d+)\//);
  return {
    attention: 'causal',
    normalisation: 'before',
    activation: numbers[0] === undefined ? 'gelu-tanh' : find.activation(`h_${numbers[0]}/mlp/expand`).name,
    input: 'ids',
    embeddings: { words: 'wte', positions: 'wpe' },
    layers: numbers.map((i): LayerRoles => ({
      heads: find.number(`h_${i}/attn/probabilities`, 'heads'),
      query: `h_${i}/attn/query`,
      key: `h_${i}/attn/key`,
      value: `h_${i}/attn/value`,
      attentionOutput: `h_${i}/attn/projection`,
      attentionNorm: `h_${i}/ln_1`,
      expand: `h_${i}/mlp/expand`,
      project: `h_${i}/mlp/project`,
      feedForwardNorm: `h_${i}/ln_2`,
    })),
    norm: 'ln_f',
    head: { rows: 'all', layers: [{ dense: { tied: 'words' } }] },
  };
}

/** The numbers of the layers that are there: some may have been removed. */
function numbered(model: LayersModel, pattern: RegExp): number[] {
  const found = model.layers.flatMap(({ name }) => pattern.exec(name)?.[1] ?? []);
  return [...new Set(found.map(Number))].sort((a, b) => a - b);
}

const ACTIVATIONS: Readonly<Record<string, FusedActivation>> = {
  linear: 'linear',
  softmax: 'linear', // by the head
  relu: 'relu',
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
  tanh: 'tanh',
};

function finder(model: LayersModel, who: string) {
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
  const layer = (name: string): Layer => {
    const found = layers.get(name);
    if (found) return found;
    throw new UnsupportedModelError(
      `${who}: ${model.name} must have the layer ${name}, and has none. Pass an InferencePolicy with the names of its own.`,
    );
  };
  return {
    has: (name: string): boolean => layers.has(name),
    number(name: string, property: string): number {
      const value = (layer(name) as unknown as Record<string, unknown>)[property];
      if (typeof value === 'number') return value;
      throw new UnsupportedModelError(
        `${who}: the layer ${name} must have a number ${property}, got ${typeof value}. Pass an InferencePolicy that says it.`,
      );
    },
    activation(name: string): { name: FusedActivation; softmax: boolean } {
      const found = layer(name);
      const float = found instanceof QuantizedLayer ? found.origin : found;
      const { activation } = float as unknown as { activation?: { getClassName(): string } };
      const own = activation?.getClassName() ?? 'linear';
      const known = ACTIVATIONS[own];
      if (known === undefined)
        throw new UnsupportedModelError(
          `${who}: the activation of ${name} must be one of ${Object.keys(ACTIVATIONS).join(', ')}, got ${own}. The fused kernels know no other.`,
        );
      return { name: known, softmax: own === 'softmax' };
    },
  };
}
