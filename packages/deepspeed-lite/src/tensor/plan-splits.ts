import type { LayersModel } from '@tensorflow/tfjs-layers';

type Layer = LayersModel['layers'][number];

/** How a layer is cut among the ranks of a tensor-parallel group (Shoeybi et al. 2019). */
export type Split =
  /** Dense by output units, in whole multiples of `unit`: 1, or the width of an attention head. */
  | { readonly kind: 'column'; readonly unit: number }
  /** Dense by input units, in step with the columns before it. */
  | { readonly kind: 'row'; readonly unit: number }
  /** Attention by heads. */
  | { readonly kind: 'heads'; readonly heads: number }
  /** An embedding table by tokens. */
  | { readonly kind: 'vocabulary'; readonly tokens: number }
  /** Dropout between columns and rows, of which every rank draws its own. */
  | { readonly kind: 'dropout' }
  /** A bias along an axis that is cut as the tokens are. */
  | { readonly kind: 'vocabulary-bias'; readonly tokens: number };

/** What is split, and why the rest is not. */
export interface SplitPlan {
  /** By layer name. */
  readonly splits: ReadonlyMap<string, Split>;
  /** By the name of each dense, attention and embedding layer that every rank keeps whole. */
  readonly whole: ReadonlyMap<string, string>;
}

/** Layers that treat every element alike, so that they can stand between columns and rows. */
const ELEMENTWISE = new Set(['Activation', 'ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU', 'Dropout']);
/** Layers that may be split, and are spoken of where they are not. */
const CANDIDATES = new Set([
  'Dense',
  'Embedding',
  'TiedEmbedding',
  'AttentionProbabilities',
  'AttentionContext',
]);

/**
 * Finds what can be split: two dense layers with nothing but elementwise layers between them, by columns and rows; attention with its
 * three projections by heads and the projection after it by rows; embedding tables by tokens, with the bias after a tied table's
 * scores. Shares need not be equal: 5 heads on 2 ranks are 2 and 3.
 *
 * @param ranks A layer of fewer units, heads or tokens than ranks stays whole.
 */
export function planSplits(model: LayersModel, ranks: number): SplitPlan {
  const splits = new Map<string, Split>();
  const whole = new Map<string, string>();
  const graph = graphOf(model);
  for (const layer of model.layers)
    if (layer.getClassName() === 'AttentionContext') planAttention(layer, graph, ranks, splits, whole);
  for (const layer of model.layers) {
    const kind = layer.getClassName();
    if (kind === 'Dense' && !splits.has(layer.name)) planPair(layer, graph, ranks, splits, whole);
    if (kind === 'Embedding' || kind === 'TiedEmbedding') planTable(layer, graph, ranks, splits, whole);
  }
  const apart = (layer: Layer): boolean => {
    const kind = splits.get(layer.name)?.kind;
    if (kind === 'column' || kind === 'heads') return true;
    const [from] = ELEMENTWISE.has(layer.getClassName()) ? graph.producers(layer) : [];
    return from !== undefined && apart(from);
  };
  for (const layer of model.layers)
    if (layer.getClassName() === 'Dropout' && apart(layer)) splits.set(layer.name, { kind: 'dropout' });
  for (const layer of model.layers) {
    if (splits.has(layer.name)) whole.delete(layer.name);
    else if (CANDIDATES.has(layer.getClassName()) && !whole.has(layer.name))
      whole.set(layer.name, 'no dense layer follows it through elementwise layers alone');
  }
  return { splits, whole };
}

/** Who reads whom, by layer: calls of the model's own graph only. */
interface Graph {
  readonly calls: (layer: Layer) => number;
  readonly producers: (layer: Layer) => readonly Layer[];
  readonly readers: (layer: Layer) => readonly Layer[];
  readonly isOutput: (layer: Layer) => boolean;
}

/** The calls of a layer that belong to the model's graph. */
export function nodesOf(model: LayersModel, layer: Layer): Layer['inboundNodes'] {
  if (model.getClassName() === 'Sequential') return layer.inboundNodes.slice(0, 1); // it has no graph of its own before it is built
  return layer.inboundNodes.filter((_, i) => model.containerNodes.has(`${layer.name}_ib-${i}`));
}

function graphOf(model: LayersModel): Graph {
  const nodes = (layer: Layer): Layer['inboundNodes'] => nodesOf(model, layer);
  const readers = new Map<Layer, Layer[]>();
  const producers = new Map<Layer, Layer[]>();
  for (const layer of model.layers)
    for (const node of nodes(layer))
      for (const { sourceLayer } of node.inputTensors) {
        readers.set(sourceLayer, [...(readers.get(sourceLayer) ?? []), layer]);
        producers.set(layer, [...(producers.get(layer) ?? []), sourceLayer]);
      }
  const outputs = new Set(model.outputs.map((tensor) => tensor.sourceLayer));
  return {
    calls: (layer) => nodes(layer).length,
    producers: (layer) => producers.get(layer) ?? [],
    readers: (layer) => readers.get(layer) ?? [],
    isOutput: (layer) => outputs.has(layer),
  };
}

/** Why a dense layer must stay whole by itself, whatever is around it. */
function reasonAgainst(dense: Layer, graph: Graph): string | undefined {
  const config = dense.getConfig();
  if (graph.calls(dense) !== 1) return 'it is called more than once';
  for (const key of ['kernelRegularizer', 'biasRegularizer', 'activityRegularizer'] as const)
    if (config[key] != null) return `its ${key} is a function of the whole`;
  for (const key of ['kernelConstraint', 'biasConstraint'] as const)
    if (config[key] != null) return `its ${key} is a function of the whole`;
  return undefined;
}

/** The dense layer that a layer's output reaches through elementwise layers alone. */
function nextDense(from: Layer, graph: Graph): Layer | string {
  for (let layer = from; ;) {
    if (graph.isOutput(layer)) return 'its output is an output of the model';
    const [reader, second] = graph.readers(layer);
    if (reader === undefined || second !== undefined) return 'its output is read by several layers';
    if (graph.calls(reader) !== 1) return `${reader.name} is called more than once`;
    if (reader.getClassName() === 'Dense') return reader;
    if (!ELEMENTWISE.has(reader.getClassName()) || reader.getConfig()['activation'] === 'softmax')
      return `${reader.name} after it needs the whole`;
    layer = reader;
  }
}

function planPair(
  first: Layer,
  graph: Graph,
  ranks: number,
  splits: Map<string, Split>,
  whole: Map<string, string>,
): void {
  const { units, activation } = first.getConfig() as { units: number; activation: string };
  const against =
    reasonAgainst(first, graph) ??
    (units < ranks ? `it has ${units} units, fewer than the ${ranks} ranks` : undefined) ??
    (activation === 'softmax' ? 'its softmax needs the whole' : undefined);
  if (against !== undefined) return void whole.set(first.name, against);
  const second = nextDense(first, graph);
  if (typeof second === 'string') return void whole.set(first.name, second);
  const againstSecond = splits.has(second.name) ? 'it is split already' : reasonAgainst(second, graph);
  if (againstSecond !== undefined)
    return void whole.set(first.name, `${second.name} after it stays whole: ${againstSecond}`);
  splits.set(first.name, { kind: 'column', unit: 1 });
  splits.set(second.name, { kind: 'row', unit: 1 });
}

function planAttention(
  context: Layer,
  graph: Graph,
  ranks: number,
  splits: Map<string, Split>,
  whole: Map<string, string>,
): void {
  const { heads } = context.getConfig() as { heads: number };
  const [attended, value] = graph.producers(context) as [Layer, Layer];
  const between = [attended];
  while (ELEMENTWISE.has(between[0]!.getClassName())) between.unshift(graph.producers(between[0]!)[0]!);
  const probabilities = between[0]!;
  const [query, key] = graph.producers(probabilities) as [Layer, Layer];
  const projections = [query, key, value];
  const output = nextDense(context, graph);
  const against = againstHeads();
  if (against !== undefined || typeof output === 'string') {
    for (const layer of [...projections, probabilities, context]) whole.set(layer.name, against!);
    return;
  }
  const unitOf = (layer: Layer): number => (layer.getConfig()['units'] as number) / heads;
  for (const layer of projections) splits.set(layer.name, { kind: 'column', unit: unitOf(layer) });
  for (const layer of [probabilities, context]) splits.set(layer.name, { kind: 'heads', heads });
  splits.set(output.name, { kind: 'row', unit: unitOf(value) });

  function againstHeads(): string | undefined {
    if (probabilities.getClassName() !== 'AttentionProbabilities')
      return `${context.name} does not read attention probabilities`;
    if (heads < ranks) return `it has ${heads} heads, fewer than the ${ranks} ranks`;
    if (typeof output === 'string') return output;
    for (const layer of [...projections, output]) {
      if (layer.getClassName() !== 'Dense') return `${layer.name} is not a dense layer`;
      const reason = reasonAgainst(layer, graph);
      if (reason !== undefined) return `${layer.name} stays whole: ${reason}`;
    }
    const shared = [...projections, ...between].find(
      (layer) => graph.readers(layer).length !== 1 || graph.isOutput(layer),
    );
    return shared && `${shared.name} is read by others too`;
  }
}

function planTable(
  table: Layer,
  graph: Graph,
  ranks: number,
  splits: Map<string, Split>,
  whole: Map<string, string>,
): void {
  const { inputDim: tokens, maskZero } = table.getConfig() as { inputDim: number; maskZero?: boolean };
  const config = table.getConfig();
  if (tokens < ranks)
    return void whole.set(table.name, `it has ${tokens} tokens, fewer than the ${ranks} ranks`);
  if (maskZero) return void whole.set(table.name, 'it makes a mask of its input');
  if (config['embeddingsRegularizer'] != null || config['embeddingsConstraint'] != null)
    return void whole.set(table.name, 'its regulariser or constraint is a function of the whole');
  const producers = graph.producers(table);
  if (table.getClassName() === 'Embedding' && producers.length !== 1)
    return void whole.set(table.name, 'it is called more than once');
  splits.set(table.name, { kind: 'vocabulary', tokens });
  for (const reader of graph.readers(table))
    if (reader.getClassName() === 'OutputBias' && graph.calls(reader) === 1)
      splits.set(reader.name, { kind: 'vocabulary-bias', tokens });
}
