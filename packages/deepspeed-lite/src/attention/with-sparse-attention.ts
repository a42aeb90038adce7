import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { configOf, isModel, rebuild, type LayerEntry, type ModelConfig } from '@ockham/core/graph';
import { checkModel } from '@ockham/core/models';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { blockLayout } from './block-layout.ts';
import type { BlockPattern } from './block-pattern.ts';
import './sparse-attention-layer.ts';

/**
 * A copy of a model whose attention is that over the present blocks of a pattern: core's `bert` and `gpt`, and any model of their layers
 * (`AttentionProbabilities`, `AttentionContext`, `PaddingMask`, `CausalMask`). All weights are kept; a causal model stays causal. An attention's dropout becomes
 * the new layer's.
 *
 * @param model Not changed. Its layers, but for those of attention, keep their names; the result is not compiled and the caller's to dispose of.
 * @param pattern Laid out for each length that the model meets. A custom pattern fits one length.
 * @throws ArgumentError for a pattern out of range or a model that was disposed; UnsupportedModelError where there is no attention to replace, or
 *   its mask is neither of padding nor causal.
 *
 * @example
 * const long = await withSparseAttention(model, { kind: 'fixed', block: 16, attention: 'unidirectional' });
 */
export async function withSparseAttention(model: LayersModel, pattern: BlockPattern): Promise<LayersModel> {
  checkModel('withSparseAttention', model);
  const config = configOf(model);
  if (replaceIn(model, config, pattern) === 0)
    throw new UnsupportedModelError(
      `withSparseAttention: ${model.name} has no AttentionProbabilities and AttentionContext to replace. Build attention from these layers of @ockham/core/models.`,
    );
  return rebuild(model, config);
}

function replaceIn(model: LayersModel, config: ModelConfig, pattern: BlockPattern): number {
  const entries = new Map(config.layers.map((entry) => [nameOf(entry), entry]));
  const gone = new Set<string>();
  let count = 0;
  for (const [i, entry] of config.layers.entries()) {
    const layer = model.layers[i]!;
    if (isModel(layer)) {
      count += replaceIn(layer, entry.config as unknown as ModelConfig, pattern);
      continue;
    }
    if (entry.className !== 'AttentionContext') continue;
    const inner = inputsOf(entry)[0]!;
    const dropout = entries.get(inner[0]);
    const rate = dropout?.className === 'Dropout' ? (dropout.config['rate'] as number) : 0;
    const probabilities = dropout?.className === 'Dropout' ? entries.get(inputsOf(dropout)[0]![0]) : dropout;
    if (probabilities?.className !== 'AttentionProbabilities') continue;
    replaceOne(entries, entry, probabilities, pattern, rate);
    gone.add(nameOf(probabilities)).add(inner[0]);
    count += 1;
  }
  config.layers = config.layers.filter((entry) => !gone.has(nameOf(entry)));
  dropUnusedMasks(config);
  return count;
}

/** Makes the entry of a context that of attention as a whole. */
function replaceOne(
  entries: ReadonlyMap<string, LayerEntry>,
  context: LayerEntry,
  probabilities: LayerEntry,
  pattern: BlockPattern,
  rate: number,
): void {
  const name = nameOf(context);
  const [q, k, mask] = inputsOf(probabilities);
  const v = inputsOf(context)[1]!;
  const kind = mask && entries.get(mask[0])?.className;
  if (kind !== 'PaddingMask' && kind !== 'CausalMask')
    throw new UnsupportedModelError(
      `withSparseAttention: the mask of ${nameOf(probabilities)} must come from PaddingMask or CausalMask, got ${kind ?? 'none'}. Other masks have no form by blocks.`,
    );
  const { heads } = probabilities.config as { heads: number };
  // bad patterns are refused before anything is built
  if (pattern.kind !== 'custom') blockLayout(pattern, { length: 4 * (pattern.block ?? 16), heads });
  const causal = kind === 'CausalMask';
  if (!causal && pattern.attention === 'unidirectional')
    throw new ArgumentError(
      `withSparseAttention: ${name} sees later tokens and the pattern is unidirectional. Take a bidirectional one.`,
    );
  (context as { className: string }).className = 'SparseAttention';
  context.config = {
    name,
    heads,
    pattern: structuredClone(pattern) as never,
    causal,
    dropout: rate,
    seed: 0,
  };
  context.inboundNodes = [[q!, k!, v, ...(causal ? [] : [mask!])]];
}

/** Masks that nothing reads any more: that of a causal model would have all pairs of tokens. */
function dropUnusedMasks(config: ModelConfig): void {
  const read = new Set(
    config.layers.flatMap((entry) => (entry.inboundNodes ?? []).flat().map(([from]) => from)),
  );
  for (const [name] of config.outputLayers ?? []) read.add(name);
  config.layers = config.layers.filter(
    (entry) => entry.className !== 'CausalMask' || read.has(nameOf(entry)),
  );
}

function inputsOf(entry: LayerEntry): NonNullable<LayerEntry['inboundNodes']>[number] {
  const calls = entry.inboundNodes ?? [];
  if (calls.length === 1) return calls[0]!;
  throw new UnsupportedModelError(
    `withSparseAttention: ${nameOf(entry)} must be called once, got ${calls.length} calls. Give each call a layer of its own.`,
  );
}

function nameOf({ name, config }: LayerEntry): string {
  return name ?? (config['name'] as string);
}
