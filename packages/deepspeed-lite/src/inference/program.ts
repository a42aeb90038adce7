/**
 * The forward pass of a transformer as fused kernels in one memory: queries, keys and values in one product, attention head by head without
 * a transposition, and after every product its bias, activation, residual sum and layer normalisation in one go over a row.
 *
 * Source: the survey's section 3.6.2; Aminabadi et al. 2022, "DeepSpeed Inference", section III: fusion up to the next product or sum over ranks.
 * Deviations: products are kernels of their own; where the head reads one row of each text, the last layer computes that row alone.
 */
import { decodeOutputs } from '@ockham/core/kernels';
import type { KernelMemory } from './kernel-memory.ts';
import type { Matrix, PlacedNorm, PlaceMatrix } from './matrix.ts';
import {
  placeTransformer,
  type PlacedLayer,
  type PlacedTable,
  type PlacedTransformer,
} from './placed-transformer.ts';
import { placeAsRead } from './quantized-matrix.ts';
import type { TransformerWeights } from './read-weights.ts';
import type { Rows, Text } from './rows.ts';
import type { Place } from './stage-weights.ts';

/** Numbers in the memory that the tensor-parallel ranks have to add up before the program goes on. */
export interface Sum {
  readonly address: number;
  readonly length: number;
}

/** A pass that stops at each sum over ranks; a rank of its own never stops. */
export type Pass<T> = Generator<Sum, T, void>;

/** Keys and values of a text, of all layers of a stage: `[layers, positions, 2 · inner]`. */
export interface Cache {
  readonly address: number;
  /** Rows that it has room for. */
  readonly capacity: number;
  /** Rows in it. */
  past: number;
}

/** Rows of activations in the memory. */
export interface State {
  readonly rows: Rows;
  /** The residual stream, `[rows, width]`. */
  readonly x: number;
  /** How many rows there are: those that are read, after the last layer. */
  count: number;
}

/** The layers that one rank has. The caller disposes of it. */
export class Program {
  readonly memory: KernelMemory;
  readonly weights: TransformerWeights;
  readonly #summed: boolean;
  readonly #placed: PlacedTransformer;
  readonly #width: number;
  readonly #buffers = new Map<string, { address: number; numbers: number }>();
  /** Where the head finds what the layers made. */
  #result = 0;

  constructor(
    memory: KernelMemory,
    weights: TransformerWeights,
    place: Place,
    placeMatrix: PlaceMatrix = placeAsRead,
  ) {
    [this.memory, this.weights] = [memory, weights];
    this.#width = weights.width;
    this.#summed = place.tensorRanks > 1;
    this.#placed = placeTransformer(memory, weights, place, placeMatrix);
  }

  /** Bytes of weights. */
  get weightBytes(): number {
    return this.#placed.bytes;
  }

  /** Room for the keys and values of a text of so many tokens. */
  makeCache(capacity: number): Cache {
    const numbers = this.#placed.layers.reduce((sum, { inner }) => sum + 2 * inner * capacity, 0);
    return { address: this.memory.allocate(4 * numbers), capacity, past: 0 };
  }

  /** Copies a text's keys and values to a larger cache. */
  copyCache(from: Cache, to: Cache): void {
    for (const { inner, innerBefore } of this.#placed.layers) {
      const [source, target] = [from, to].map(
        ({ address, capacity }) => address + 8 * innerBefore * capacity,
      );
      this.memory.copyRows(from.past, 2 * inner, [source!, 2 * inner], target!);
    }
    to.past = from.past;
  }

  /** Gives the memory of a text's cache back. */
  freeCache(cache: Cache): void {
    this.memory.free(cache.address);
  }

  /** The rows of a batch as the first stage makes them. */
  embed(rows: Rows): State {
    const { kernels } = this.memory;
    const { words, tokens, positions, types, norm } = this.#placed.embeddings!;
    const state = this.receive(rows);
    const [ids, fromWords] = this.#lookUp('ids', words, rows.ids);
    const [places, fromPositions] = this.#lookUp('places', positions, rows.places);
    const [kinds, fromTypes] = this.#lookUp('kinds', types, rows.kinds);
    kernels.fusedEmbed(rows.count, this.#width, ids, fromWords, tokens, places, fromPositions, kinds, fromTypes, state.x); // prettier-ignore
    if (norm)
      kernels.layerNorm(rows.count, this.#width, state.x, norm.gamma, norm.beta, norm.epsilon, state.x);
    return state;
  }

  /** Indexes and the numbers that they are of: a table, or those of its rows that are wanted, decoded. */
  #lookUp(name: string, table: PlacedTable, wanted: Int32Array): [indexes: number, numbers: number] {
    const indexes = this.#buffer(name, wanted.length);
    if (typeof table === 'number') {
      this.memory.ints(indexes, wanted.length).set(wanted);
      return [indexes, table];
    }
    const places = new Map<number, number>();
    const at = wanted.map((id) => {
      if (!places.has(id)) places.set(id, places.size);
      return places.get(id)!;
    });
    const numbers = decodeOutputs(table, [...places.keys()]);
    const decoded = this.#buffer(`${name} decoded`, numbers.length);
    this.memory.floats(decoded, numbers.length).set(numbers);
    this.memory.ints(indexes, wanted.length).set(at);
    return [indexes, decoded];
  }

  /** Room for the rows of a batch that another stage made. */
  receive(rows: Rows): State {
    return { rows, x: this.#buffer('x', rows.count * this.#width), count: rows.count };
  }

  /** Runs the stage's layers, with a cache for each text or none. */
  *run(state: State, caches?: readonly Cache[]): Pass<void> {
    const { kernels } = this.memory;
    const { normalisation } = this.weights.policy;
    const before = normalisation === 'before';
    const h = before ? this.#buffer('h', state.count * this.#width) : state.x;
    if (before) {
      const { gamma, beta, epsilon } = this.#placed.layers[0]!.norms.attention;
      kernels.layerNorm(state.count, this.#width, state.x, gamma, beta, epsilon, h);
    }
    for (const [i, layer] of this.#placed.layers.entries()) {
      const next = before
        ? (this.#placed.layers[i + 1]?.norms.attention ?? this.#placed.finalNorm)
        : layer.norms.feedForward;
      yield* this.#attend(state, h, layer, caches);
      yield* this.#feedForward(state, h, layer, next);
    }
    for (const [t, cache] of (caches ?? []).entries()) cache.past += state.rows.texts[t]!.rows;
    const final = this.#placed.finalNorm;
    if (final && !before) kernels.layerNorm(state.count, this.#width, state.x, final.gamma, final.beta, final.epsilon, state.x); // prettier-ignore
    this.#result = before && final ? h : state.x;
  }

  /** What the last stage makes of its rows: `[rows, outputs]`, in the memory until the next pass. */
  head(state: State): { readonly address: number; readonly length: number } {
    const { policy, outputs } = this.weights;
    let at = this.#result;
    for (const [i, { matrix, activation, norm }] of this.#placed.head.entries()) {
      const to = this.#buffer(`head ${i}`, state.count * matrix.outputs);
      matrix.multiply(state.count, at, to, { activation, norm });
      at = to;
    }
    if (policy.head.softmax)
      for (let r = 0; r < state.count; r++)
        this.memory.kernels.fusedSoftmax(outputs, at + 4 * r * outputs, 1, 0);
    return { address: at, length: state.count * outputs };
  }

  /** x += attention(h), then the normalisation that follows. */
  *#attend(state: State, h: number, layer: PlacedLayer, caches?: readonly Cache[]): Pass<void> {
    const { memory } = this;
    const { kernels } = memory;
    const { inner, innerBefore, heads, together } = layer;
    const { rows } = state;
    const width = this.#width;
    const read = together ? undefined : rows.read;
    const count = read?.length ?? state.count;
    // queries beside keys and values, or apart
    let q: number;
    let kv: number;
    const [ldq, ldkv] = together ? [3 * inner, 3 * inner] : [inner, 2 * inner];
    if (together) {
      q = this.#buffer('qkv', state.count * 3 * inner);
      kv = q + 4 * inner;
      together.multiply(state.count, h, q);
    } else {
      q = this.#buffer('query', count * inner);
      kv = this.#buffer('key value', state.count * 2 * inner);
      layer.keyValue!.multiply(state.count, h, kv);
      if (read) {
        const few = this.#buffer('few', count * width);
        memory.copyRows(read, width, [h, width], few);
        layer.query!.multiply(count, few, q);
        memory.copyRows(read, width, [state.x, width], state.x); // to earlier rows, in order
      } else layer.query!.multiply(count, h, q);
    }
    const context = this.#buffer('context', count * inner);
    const most = Math.max(...rows.texts.map((text, t) => (read ? 1 : text.rows) * (text.rows + (caches?.[t]?.past ?? 0)))); // prettier-ignore
    const scores = this.#buffer('scores', most);
    const plus = this.#hidden(rows.texts);
    const workspace = memory.workspace(kernels.workspaceBytes());
    const d = inner / heads;
    const causal = this.weights.policy.attention === 'causal';
    for (const [t, text] of rows.texts.entries()) {
      const cache = caches?.[t];
      const own = kv + 4 * text.begin * ldkv;
      const past = cache?.past ?? 0;
      const [keys, ld] = cache ? [cache.address + 8 * innerBefore * cache.capacity, 2 * inner] : [own, ldkv];
      if (cache) memory.copyRows(text.rows, 2 * inner, [own, ldkv], keys + 8 * past * inner);
      const at = read ? t : text.begin;
      const queries = read ? 1 : text.rows;
      const first = causal ? past + (read ? read[t]! - text.begin : 0) : -1;
      for (let head = 0; head < heads; head++) {
        const by = 4 * head * d;
        kernels.fusedAttention(queries, past + text.rows, d, 1 / Math.sqrt(d), q + 4 * at * ldq + by, ldq, keys + by, keys + 4 * inner + by, ld, plus[t]!, first, context + 4 * at * inner + by, inner, scores, workspace); // prettier-ignore
      }
    }
    state.count = count;
    const norm =
      this.weights.policy.normalisation === 'before' ? layer.norms.feedForward : layer.norms.attention;
    yield* this.#add(layer.attentionOutput, context, state, h, norm);
  }

  /** x += project(activation(expand(h))), then the normalisation that follows. */
  *#feedForward(
    state: State,
    h: number,
    { expand, project }: PlacedLayer,
    norm: PlacedNorm | undefined,
  ): Pass<void> {
    const wide = this.#buffer('wide', state.count * expand.outputs);
    expand.multiply(state.count, h, wide, { activation: this.weights.policy.activation });
    yield* this.#add(project, wide, state, h, norm);
  }

  /** The residual sum at the end of a branch, over ranks where they share the product. */
  *#add(matrix: Matrix, from: number, state: State, h: number, norm: PlacedNorm | undefined): Pass<void> {
    const ends = { residual: state.x, norm, normTo: h };
    const product = this.#buffer('product', state.count * matrix.outputs);
    if (!this.#summed) {
      matrix.multiply(state.count, from, product, ends);
      return;
    }
    matrix.part(state.count, from, product);
    yield { address: product, length: state.count * matrix.outputs };
    matrix.finish(state.count, product, ends);
  }

  /** Addresses of what is added to the scores of each text, 0 for nothing. */
  #hidden(texts: readonly Text[]): number[] {
    const numbers = texts.reduce((sum, { plus }) => sum + (plus?.length ?? 0), 0);
    if (numbers === 0) return texts.map(() => 0);
    let at = this.#buffer('hidden', numbers);
    return texts.map(({ plus }) => {
      if (!plus) return 0;
      this.memory.floats(at, plus.length).set(plus);
      const here = at;
      at += 4 * plus.length;
      return here;
    });
  }

  #buffer(name: string, numbers: number): number {
    const known = this.#buffers.get(name);
    if (known && known.numbers >= numbers) return known.address;
    if (known) this.memory.free(known.address);
    const address = this.memory.allocate(4 * numbers);
    this.#buffers.set(name, { address, numbers });
    return address;
  }
}
