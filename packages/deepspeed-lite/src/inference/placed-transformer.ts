/** The weights that one rank runs, in its memory. */
import { LoadedMatrix, type FusedActivation } from '@ockham/core/kernels';
import type { KernelMemory } from './kernel-memory.ts';
import {
  besideOneAnother,
  placeFloats,
  placeNorm,
  type Matrix,
  type PlacedNorm,
  type PlaceMatrix,
} from './matrix.ts';
import { placePacked } from './quantized-matrix.ts';
import type {
  DenseWeights,
  HeadWeights,
  LayerWeights,
  TableWeights,
  TransformerWeights,
} from './read-weights.ts';
import { layerShare, sideBySide, type Place } from './stage-weights.ts';

/** A layer, or a rank's heads and units of it. */
export interface PlacedLayer {
  readonly heads: number;
  /** Width of all heads of this rank; and of those of the layers before. */
  readonly inner: number;
  readonly innerBefore: number;
  readonly norms: { readonly attention: PlacedNorm; readonly feedForward: PlacedNorm };
  /** Query, key and value; apart in the last layer, which may read fewer rows than it looks at. */
  readonly together?: Matrix;
  readonly query?: Matrix;
  readonly keyValue?: Matrix;
  readonly attentionOutput: Matrix;
  readonly expand: Matrix;
  readonly project: Matrix;
}

/** A layer of the head. */
export interface PlacedHead {
  readonly matrix: Matrix;
  readonly activation: FusedActivation;
  readonly norm: PlacedNorm | undefined;
}

/** A table by address, 0 is none; or its codes, of which rows are decoded as they are looked up. */
export type PlacedTable = number | LoadedMatrix;

/** Tables of the first stage. */
export interface PlacedEmbeddings {
  readonly words: PlacedTable;
  /** How many words there are, where their numbers are packed as the output matrix. */
  readonly tokens: number;
  readonly positions: PlacedTable;
  readonly types: PlacedTable;
  readonly norm: PlacedNorm | undefined;
}

/** A stage. */
export interface PlacedTransformer {
  readonly layers: readonly PlacedLayer[];
  /** Of the first stage. */
  readonly embeddings: PlacedEmbeddings | undefined;
  /** Of the last stage; both are empty elsewhere. */
  readonly finalNorm: PlacedNorm | undefined;
  readonly head: readonly PlacedHead[];
  readonly bytes: number;
}

/** Puts a rank's part of a transformer into its memory. */
export function placeTransformer(
  memory: KernelMemory,
  weights: TransformerWeights,
  place: Place,
  placeMatrix: PlaceMatrix,
): PlacedTransformer {
  const before = memory.bytes;
  const { begin, end } = place;
  const { layers, head } = weights;
  const isLast = end === layers.length;
  const output =
    isLast && head.some(({ dense }) => dense === 'words') ? tiedMatrix(memory, weights) : undefined;
  const embeddings = begin === 0 ? placeEmbeddings(memory, weights, output) : undefined;
  const placed: PlacedLayer[] = [];
  let innerBefore = 0;
  for (const [i, whole] of layers.slice(begin, end).entries()) {
    const layer = layerShare(whole, place);
    placed.push(
      placeLayer(memory, layer, placeMatrix, { isLast: begin + i === layers.length - 1, innerBefore }),
    );
    innerBefore += layer.query.outputs;
  }
  const placeHead = ({ dense, activation, norm }: HeadWeights): PlacedHead => ({
    matrix: dense === 'words' ? output!.matrix : placeMatrix(memory, dense),
    activation,
    norm: placeNorm(memory, norm),
  });
  return {
    embeddings,
    layers: placed,
    finalNorm: isLast ? placeNorm(memory, weights.finalNorm) : undefined,
    head: isLast ? head.map(placeHead) : [],
    bytes: memory.bytes - before,
  };
}

function placeLayer(
  memory: KernelMemory,
  layer: LayerWeights,
  placeMatrix: PlaceMatrix,
  { isLast, innerBefore }: { readonly isLast: boolean; readonly innerBefore: number },
): PlacedLayer {
  const [q, k, v] = [layer.query, layer.key, layer.value];
  return {
    ...(isLast
      ? { query: placeMatrix(memory, q), keyValue: placeTogether(memory, [k, v], placeMatrix) }
      : { together: placeTogether(memory, [q, k, v], placeMatrix) }),
    heads: layer.heads,
    inner: q.outputs,
    innerBefore,
    norms: {
      attention: placeNorm(memory, layer.attentionNorm)!,
      feedForward: placeNorm(memory, layer.feedForwardNorm)!,
    },
    attentionOutput: placeMatrix(memory, layer.attentionOutput),
    expand: placeMatrix(memory, layer.expand),
    project: placeMatrix(memory, layer.project),
  };
}

function placeTogether(
  memory: KernelMemory,
  parts: readonly DenseWeights[],
  placeMatrix: PlaceMatrix,
): Matrix {
  const whole = sideBySide(parts);
  if (whole) return placeMatrix(memory, whole);
  return besideOneAnother(memory, parts.map((part) => placeMatrix(memory, part))); // prettier-ignore
}

function placeEmbeddings(
  memory: KernelMemory,
  { words, positions, types, norm }: TransformerWeights,
  output: TiedMatrix | undefined,
): PlacedEmbeddings {
  return {
    words: output?.table ?? placeTable(memory, words),
    tokens: typeof output?.table === 'number' ? words.rows : 0,
    positions: placeTable(memory, positions),
    types: placeTable(memory, types),
    norm: placeNorm(memory, norm),
  };
}

function placeTable(memory: KernelMemory, table: TableWeights | undefined): PlacedTable {
  if (!table) return 0;
  const { values } = table;
  return values instanceof Float32Array ? memory.place(values) : new LoadedMatrix(memory, values);
}

/** The table of words as output matrix, of which it is read as a table, too. */
interface TiedMatrix {
  readonly matrix: Matrix;
  readonly table: PlacedTable;
}

/** With the bias of the head. */
function tiedMatrix(memory: KernelMemory, { words, width, head }: TransformerWeights): TiedMatrix {
  const bias = head.find(({ dense }) => dense === 'words')?.bias;
  const { values } = words;
  if (!(values instanceof Float32Array)) {
    const matrix = placePacked(memory, { matrix: values, activations: null }, bias);
    return { matrix, table: matrix.loaded };
  }
  const sizes = { inputs: width, outputs: words.rows };
  const matrix = placeFloats(memory, { ...sizes, kernel: values, bias, transposed: true });
  return { matrix, table: matrix.panels };
}
