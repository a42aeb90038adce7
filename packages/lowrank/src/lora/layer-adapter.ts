import { tensor, type Tensor } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Random } from '@ockham/core/random';

/** One adapter in one layer, as plain data: what a saved model keeps of it beside the weights. */
export interface AdapterSpec {
  readonly name: string;
  /** Rank r of each head. */
  readonly rank: number;
  /** Number N of heads. Their factors lie side by side: A `[…, in, N·r]`, B `[N·r, out]`. */
  readonly heads: number;
  /** s/N, what the sum of the heads' products is multiplied by. */
  readonly scale: number;
  /** Fraction of the inputs dropped before A while training. */
  readonly dropout: number;
  /** Whether a magnitude is learned for each output (DoRA). */
  readonly dora: boolean;
  /** Whether the product of the first factors is subtracted (PiSSA). */
  readonly fromSvd: boolean;
  /** How much of the adapter is in use; 0 where it is switched off. */
  readonly strength: number;
}

/** One adapter in one layer. */
export interface LayerAdapter extends Omit<AdapterSpec, 'strength'> {
  /** `[…, in, heads · rank]`, a kernel of the layer's own kind. */
  readonly a: LayerVariable;
  /** `[heads · rank, out]`. */
  readonly b: LayerVariable;
  /** Of PiSSA: the factors at the start, frozen, so that W₀ need not change. */
  readonly first?: { readonly a: LayerVariable; readonly b: LayerVariable };
  /** Of DoRA: `[out]`. */
  readonly magnitude?: LayerVariable;
  strength: number;
}

/** Values of an adapter's weights in one layer. The adapter takes copies. */
export interface AdapterValues {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly first?: { readonly a: Tensor; readonly b: Tensor };
  readonly magnitude?: Tensor;
}

/** The weights of an adapter, in a fixed order. */
export function weightsOfAdapter(adapter: LayerAdapter): LayerVariable[] {
  const { a, b, first, magnitude } = adapter;
  return [a, b, ...(magnitude ? [magnitude] : []), ...(first ? [first.a, first.b] : [])];
}

/** Parameters that training changes. */
export function trainedSize(adapter: LayerAdapter): number {
  const { a, b, magnitude } = adapter;
  return a.read().size + b.read().size + (magnitude?.read().size ?? 0);
}

/** A Gaussian A, each head drawn from a stream of its own. `shape` is `[…, in, heads · rank]`. */
export function gaussianFactor(
  shape: readonly number[],
  heads: number,
  deviation: number,
  random: Random,
): Tensor {
  const width = shape.at(-1)!;
  const rank = width / heads;
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let head = 0; head < heads; head++) {
    const draw = random.stream(head);
    for (let row = 0; row < values.length; row += width) {
      for (let i = 0; i < rank; i++) values[row + head * rank + i] = draw.normal(0, deviation);
    }
  }
  return tensor(values, [...shape]);
}
