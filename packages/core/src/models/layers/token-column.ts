import { reshape, serialization, slice, zerosLike, type Tensor } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../../errors.ts';

type Shape = (number | null)[];

/** Configuration of a {@link TokenColumn} layer. */
export interface TokenColumnArgs {
  /** `ids` for token ids, `types` for token types (0 first text, 1 second). */
  readonly column: 'ids' | 'types';
  /** `ids` refuses packed tokens, of which other layers of the model know nothing. Default `ids-and-types`, which takes both. */
  readonly tokens?: 'ids' | 'ids-and-types';
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * Takes one column of packed tokens: `[batch, length, 2]`, an id and a type for each position, to
 * `[batch, length]`. Of ids alone, `[batch, length]`, the types are all 0.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class TokenColumn extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'TokenColumn';
  /** See {@link TokenColumnArgs.column}. */
  readonly column: 'ids' | 'types';
  /** See {@link TokenColumnArgs.tokens}. */
  readonly tokens: 'ids' | 'ids-and-types';

  constructor(args: TokenColumnArgs) {
    super({ ...args });
    if (args.column !== 'ids' && args.column !== 'types') {
      throw new ArgumentError(`TokenColumn: column must be 'ids' or 'types', got '${String(args.column)}'.`);
    }
    this.column = args.column;
    this.tokens = args.tokens ?? 'ids-and-types';
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = inputShape as Shape;
    this.checkTokens(shape);
    return shape.slice(0, 2);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const tokens = Array.isArray(inputs) ? inputs[0]! : inputs;
    this.checkTokens(tokens.shape);
    if (tokens.rank === 2) return this.column === 'ids' ? tokens.clone() : zerosLike(tokens);
    const [batch, length] = tokens.shape as [number, number, number];
    const column = slice(tokens, [0, 0, this.column === 'ids' ? 0 : 1], [batch, length, 1]);
    return reshape(column, [batch, length]);
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), column: this.column, tokens: this.tokens };
  }

  private checkTokens(shape: Shape): void {
    if (this.tokens === 'ids-and-types' || shape.length === 2) return;
    throw new ArgumentError(
      `${this.name}: tokens must be ids, [batch, length], got [${shape.join(', ')}]. Make the model with input: 'ids-and-types' for ids and types.`,
    );
  }
}

serialization.registerClass(TokenColumn);
