/** The weights of a model in their roles, checked against one another: what does not fit is refused by name. */
import { UnsupportedModelError } from '@ockham/core';
import type { FusedActivation, PackedMatrix } from '@ockham/core/kernels';
import { variableOf, type Layer } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { QuantizedDense } from '../compress/layers/quantized-dense.ts';
import { QuantizedLayer } from '../compress/layers/quantized-layer.ts';
import { isPacked, packedOutputs, type Kernel, type PackedKernel } from './packed-kernel.ts';
import type { DenseRole, HeadLayer, InferencePolicy, NormRole } from './policy.ts';

/** A dense layer. */
export interface DenseWeights {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** `[inputs, outputs]`, or the codes that a compressed model holds. */
  readonly kernel: Kernel;
  /** `[outputs]`. */
  readonly bias?: Float32Array;
}

/** A table of rows. */
export interface TableWeights {
  readonly rows: number;
  readonly width: number;
  /** `[rows, width]`, or the codes that a compressed model holds. */
  readonly values: Float32Array | PackedMatrix;
}

/** A layer normalisation. */
export interface NormWeights {
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly epsilon: number;
}

/** One transformer layer. */
export interface LayerWeights {
  readonly heads: number;
  readonly query: DenseWeights;
  readonly key: DenseWeights;
  readonly value: DenseWeights;
  readonly attentionOutput: DenseWeights;
  readonly attentionNorm: NormWeights;
  readonly expand: DenseWeights;
  readonly project: DenseWeights;
  readonly feedForwardNorm: NormWeights;
}

/** One layer of the head; `words` where the matrix is the table of words. */
export interface HeadWeights {
  readonly dense: DenseWeights | 'words';
  readonly bias?: Float32Array;
  readonly activation: FusedActivation;
  readonly norm?: NormWeights;
}

/** A transformer: numbers in their places. */
export interface TransformerWeights {
  readonly policy: InferencePolicy;
  readonly width: number;
  readonly words: TableWeights;
  readonly positions?: TableWeights;
  readonly types?: TableWeights;
  readonly norm?: NormWeights;
  readonly layers: readonly LayerWeights[];
  readonly finalNorm?: NormWeights;
  readonly head: readonly HeadWeights[];
  /** Width of the output. */
  readonly outputs: number;
}

/**
 * Reads the weights that a policy names.
 *
 * @throws UnsupportedModelError for a role whose layer is missing, a shape that disagrees with the others, or a weight without a role.
 */
export async function readWeights(model: LayersModel, policy: InferencePolicy): Promise<TransformerWeights> {
  const reader = new Reader(model);
  const { embeddings, head } = policy;
  if (policy.layers.length === 0)
    refuse(`the policy must have at least one layer, got none`, 'Name the roles of each.');
  if (policy.attention === 'causal' && policy.padding !== undefined)
    refuse(
      'a causal model must have no padding',
      'Leave padding out: tokens after a text are not seen by it.',
    );
  const words = await reader.table('words', embeddings.words);
  const { width } = words;
  const positions = embeddings.positions === undefined ? undefined : await reader.table('positions', embeddings.positions, width); // prettier-ignore
  const types =
    embeddings.types === undefined ? undefined : await reader.table('types', embeddings.types, width);
  const norm = await reader.norm('embeddings.norm', embeddings.norm, width);
  const layers: LayerWeights[] = [];
  for (const [i, roles] of policy.layers.entries()) {
    const { heads } = roles;
    const role = (name: string): string => `layers[${i}].${name}`;
    const query = await reader.dense(role('query'), roles.query, width);
    const inner = query.outputs;
    if (!(Number.isInteger(heads) && heads >= 1 && inner % heads === 0))
      refuse(`${role('heads')} must be a divisor of the width of queries, ${inner}, got ${heads}`);
    const key = await reader.dense(role('key'), roles.key, width, inner);
    const value = await reader.dense(role('value'), roles.value, width, inner);
    const attentionOutput = await reader.dense(role('attentionOutput'), roles.attentionOutput, inner, width);
    const expand = await reader.dense(role('expand'), roles.expand, width);
    const project = await reader.dense(role('project'), roles.project, expand.outputs, width);
    const attentionNorm = await reader.norm(role('attentionNorm'), roles.attentionNorm, width);
    const feedForwardNorm = await reader.norm(role('feedForwardNorm'), roles.feedForwardNorm, width);
    if (!attentionNorm || !feedForwardNorm)
      return refuse(`${role('attentionNorm')} and feedForwardNorm must be named`);
    layers.push({
      heads,
      query,
      key,
      value,
      attentionOutput,
      attentionNorm,
      expand,
      project,
      feedForwardNorm,
    });
  }
  const finalNorm = await reader.norm('norm', policy.norm, width);
  const ends: HeadWeights[] = [];
  let outputs = width;
  for (const [i, layer] of head.layers.entries()) {
    const role = `head.layers[${i}]`;
    const { activation = 'linear' } = layer;
    if (isTied(layer.dense) && outputs !== width)
      refuse(
        `${role}.dense: the table of words takes the model's width, ${width}, got ${outputs} from the layer before`,
      );
    const dense = isTied(layer.dense) ? 'words' : await reader.dense(`${role}.dense`, layer.dense, outputs);
    outputs = dense === 'words' ? words.rows : dense.outputs;
    if (layer.bias !== undefined && dense !== 'words')
      refuse(`${role}.bias is for a tied product alone: a dense layer has a bias of its own`);
    const bias =
      layer.bias === undefined ? undefined : await reader.vector(`${role}.bias`, layer.bias, outputs);
    const after = await reader.norm(`${role}.norm`, layer.norm, outputs);
    ends.push({ dense, activation, ...(bias && { bias }), ...(after && { norm: after }) });
  }
  reader.allPlay();
  return {
    policy,
    width,
    words,
    ...(positions && { positions }),
    ...(types && { types }),
    ...(norm && { norm }),
    layers,
    ...(finalNorm && { finalNorm }),
    head: ends,
    outputs,
  };
}

function isTied(dense: HeadLayer['dense']): dense is { readonly tied: 'words' } {
  return typeof dense === 'object' && 'tied' in dense;
}

function refuse(rule: string, next = 'Correct the policy.'): never {
  throw new UnsupportedModelError(`accelerate: ${rule}. ${next}`);
}

class Reader {
  readonly #model: LayersModel;
  readonly #layers: ReadonlyMap<string, Layer>;
  readonly #used = new Set<string>();

  constructor(model: LayersModel) {
    this.#model = model;
    this.#layers = new Map(model.layers.map((layer) => [layer.name, layer]));
  }

  /** The weights of the layer in a role. */
  #weights(role: string, name: string | undefined): { layer: Layer; weights: Layer['weights'] } {
    const layer = name === undefined ? undefined : this.#layers.get(name);
    if (!layer)
      return refuse(
        `${role} must name a layer of ${this.#model.name}, got ${name === undefined ? 'nothing' : `'${name}', which it has not`}`,
        `Its layers with weights are ${this.#model.layers
          .filter(hasWeights)
          .map((each) => each.name)
          .join(', ')}.`,
      );
    this.#used.add(layer.name);
    return { layer, weights: layer.weights };
  }

  async dense(role: string, given: DenseRole, inputs: number, outputs?: number): Promise<DenseWeights> {
    const name = typeof given === 'object' ? given.layer : given;
    const { layer, weights: variables } = this.#weights(role, name);
    const packed = layer instanceof QuantizedDense ? packedKernel(layer) : undefined;
    const weights = packed ? [undefined, ...variables] : variables;
    const shape = packed ? [packed.matrix.inputs, packed.matrix.outputs] : (weights[0]?.shape ?? []);
    const [rows, all] = shape as number[];
    if (shape.length !== 2 || rows !== inputs || weights.length > 2)
      refuse(
        `${role}: ${name} must have a matrix [${inputs}, ${outputs ?? 'outputs'}] and at most a bias, got ${packed ? `[${shape.join(', ')}] and ` : ''}${shapesOf(variables)}`,
      );
    const [begin, end] = typeof given === 'object' ? given.columns : [0, all!];
    if (!(Number.isInteger(begin) && Number.isInteger(end) && begin >= 0 && begin < end && end <= all!))
      refuse(`${role}: columns of ${name} must be in [0, ${all}], got [${begin}, ${end}]`);
    if (outputs !== undefined && end - begin !== outputs)
      refuse(`${role}: ${name} must have ${outputs} outputs, as the roles beside it, got ${end - begin}`);
    if (weights[1] && (weights[1].shape.length !== 1 || weights[1].shape[0] !== all))
      refuse(`${role}: the bias of ${name} must be [${all}], got ${shapesOf(variables)}`);
    const kernel = packed ?? (await valuesOf(weights[0]!));
    const bias = weights[1] && (await valuesOf(weights[1])).slice(begin, end);
    const width = end - begin;
    return {
      name,
      inputs,
      outputs: width,
      kernel: width === all ? kernel : columnsOf(kernel, all!, begin, end),
      ...(bias && { bias }),
    };
  }

  async table(role: string, name: string, width?: number): Promise<TableWeights> {
    const { layer, weights } = this.#weights(role, name);
    const packed = layer instanceof QuantizedLayer ? layer.packed().get('embeddings') : undefined;
    const shape = packed ? [packed.outputs, packed.inputs] : ((weights[0]?.shape ?? []) as number[]);
    const count = weights.length + (packed ? 1 : 0);
    if (count !== 1 || shape.length !== 2 || (width !== undefined && shape[1] !== width))
      refuse(
        `${role}: ${name} must have one table [rows, ${width ?? 'width'}], got ${packed ? `[${shape.join(', ')}]` : shapesOf(weights)}`,
      );
    return { rows: shape[0]!, width: shape[1]!, values: packed ?? (await valuesOf(weights[0]!)) };
  }

  async vector(role: string, name: string, length: number): Promise<Float32Array> {
    const { weights } = this.#weights(role, name);
    if (weights.length !== 1 || weights[0]!.shape.length !== 1 || weights[0]!.shape[0] !== length)
      refuse(`${role}: ${name} must have one weight [${length}], got ${shapesOf(weights)}`);
    return valuesOf(weights[0]!);
  }

  async norm(role: string, given: NormRole | undefined, width: number): Promise<NormWeights | undefined> {
    if (given === undefined) return undefined;
    const name = typeof given === 'object' ? given.layer : given;
    const { layer, weights } = this.#weights(role, name);
    if (weights.length !== 2 || weights.some(({ shape }) => shape.length !== 1 || shape[0] !== width))
      refuse(`${role}: ${name} must have gamma and beta of [${width}], got ${shapesOf(weights)}`);
    const epsilon =
      typeof given === 'object' ? given.epsilon : (layer as unknown as { epsilon?: unknown }).epsilon;
    if (!(typeof epsilon === 'number' && epsilon >= 0))
      return refuse(
        `${role}: ${name} must have an epsilon ≥ 0, got ${String(epsilon)}`,
        'Give it in the policy.',
      );
    return { gamma: await valuesOf(weights[0]!), beta: await valuesOf(weights[1]!), epsilon };
  }

  /** A weight that nobody reads means that the program computes something else. */
  allPlay(): void {
    const idle = this.#model.layers.find((layer) => hasWeights(layer) && !this.#used.has(layer.name));
    if (idle)
      refuse(`every weight of ${this.#model.name} must play a role, but the layer ${idle.name} plays none`);
  }
}

function hasWeights(layer: Layer): boolean {
  return layer.weights.length > 0 || layer instanceof QuantizedLayer;
}

function packedKernel(layer: QuantizedDense): PackedKernel {
  const held = layer.packed();
  const [down, up] = [held.get('down'), held.get('up')];
  const lowRank = down && up && { down, up };
  return { matrix: held.get('kernel')!, ...(lowRank && { lowRank }), activations: layer.activations };
}

async function valuesOf(weight: Layer['weights'][number]): Promise<Float32Array> {
  const values = await variableOf(weight).data();
  return Float32Array.from(values);
}

/** The outputs [begin, end) of `all`. */
export function columnsOf(values: Kernel, all: number, begin: number, end: number): Kernel {
  if (isPacked(values)) return packedOutputs(values, begin, end);
  const rows = values.length / all;
  const part = new Float32Array(rows * (end - begin));
  for (let r = 0; r < rows; r++) part.set(values.subarray(r * all + begin, r * all + end), r * (end - begin));
  return part;
}

function shapesOf(weights: Layer['weights']): string {
  return weights.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ') || 'no weights';
}
