/**
 * Multi-head attention without its weights: the projections before and after are ordinary dense layers and the
 * dropout between the two halves an ordinary dropout layer, so that any method can find, replace or seed them.
 *
 * Source: Vaswani et al. 2017, "Attention is all you need", equation 1 and section 3.2.2; q, k, v and d_k are the
 * paper's Q, K, V and d_k.
 * Deviations: none; written with products of two matrices only, as no engine but the native one has `einsum`.
 */
import {
  add,
  matMul,
  mul,
  reshape,
  serialization,
  softmax,
  tidy,
  transpose,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../../errors.ts';
import { checkInteger } from '../model-options.ts';

type Shape = (number | null)[];

/** Configuration of {@link AttentionProbabilities} and {@link AttentionContext}. */
export interface AttentionArgs {
  /** Number of heads, a divisor of the width. */
  readonly heads: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * Who attends to whom: queries and keys `[batch, length, width]` and a mask that broadcasts against the result, to
 * softmax(q kᵀ / √d_k + mask), `[batch, heads, length, length]`.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class AttentionProbabilities extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'AttentionProbabilities';
  /** See {@link AttentionArgs.heads}. */
  readonly heads: number;

  constructor(args: AttentionArgs) {
    super({ ...args });
    checkInteger('AttentionProbabilities', 'heads', args.heads, 1);
    this.heads = args.heads;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [queries, keys] = inputShape as [Shape, Shape];
    checkWidth('AttentionProbabilities', queries.at(-1)!, this.heads);
    return [queries[0]!, this.heads, queries[1]!, keys[1]!];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const [queries, keys, mask] = inputs as [Tensor, Tensor, Tensor];
    return tidy(() => {
      const scale = 1 / Math.sqrt(queries.shape[2]! / this.heads);
      const q = splitHeads(mul(queries, scale), this.heads); // [batch, heads, length, d_k]
      const k = splitHeads(keys, this.heads);
      return softmax(add(matMul(q, k, false, true), mask));
    });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), heads: this.heads };
  }
}

/**
 * What is attended to: probabilities `[batch, heads, length, length]` and values `[batch, length, width]` to the
 * heads' weighted means side by side, `[batch, length, width]`.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class AttentionContext extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'AttentionContext';
  /** See {@link AttentionArgs.heads}. */
  readonly heads: number;

  constructor(args: AttentionArgs) {
    super({ ...args });
    checkInteger('AttentionContext', 'heads', args.heads, 1);
    this.heads = args.heads;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [probabilities, values] = inputShape as [Shape, Shape];
    checkWidth('AttentionContext', values.at(-1)!, this.heads);
    return [values[0]!, probabilities[2]!, values.at(-1)!];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const [probabilities, values] = inputs as [Tensor, Tensor];
    const [batch, , width] = values.shape as [number, number, number];
    return tidy(() => {
      const context = matMul(probabilities, splitHeads(values, this.heads)); // [batch, heads, length, d_k]
      return reshape(transpose(context, [0, 2, 1, 3]), [batch, probabilities.shape[2]!, width]);
    });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), heads: this.heads };
  }
}

function checkWidth(who: string, width: number | null, heads: number): void {
  if (width !== null && width % heads === 0) return;
  throw new ArgumentError(
    `${who}: the width must be fixed and a multiple of heads = ${heads}, got ${width}. Choose a divisor of the width.`,
  );
}

/** `[batch, length, width]` to `[batch, heads, length, width / heads]`. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  return transpose(reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

serialization.registerClass(AttentionProbabilities);
serialization.registerClass(AttentionContext);
