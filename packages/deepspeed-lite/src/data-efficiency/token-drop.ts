/**
 * Random layer-token dropping: in training each of the middle layers sees a random part of the tokens, in their order; the others go
 * past it, and all are put together behind it.
 *
 * Source: Yao et al. 2022, Random-LTD: random and layerwise token dropping, sections 3.1 and 3.2.
 *
 * Deviations: none in the method. The tokens are taken and put back by layers of their own around ordinary ones, so that a model with
 * them is an ordinary `LayersModel`; outside of training they take all tokens.
 */
import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { flatLayers } from '@ockham/core/training';
import {
  cast,
  concat,
  gather,
  reshape,
  serialization,
  tensor,
  tidy,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import { layers, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];

/** Configuration of {@link ChooseTokens}. */
export interface ChooseTokensArgs {
  /** Tokens that are kept in training; as many as there are, or none given: all. */
  readonly kept?: number;
  /** Default 0. `train` and the engine give every step a seed of its own. */
  readonly seed?: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * `[batch, length, width]` to which rows of `[batch · length, width]` are kept, `[batch, kept]`, each sequence with a choice of its own,
 * ascending; and where each token is afterwards in those that were kept and, behind them, all, `[batch, length]`.
 */
export class ChooseTokens extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'ChooseTokens';
  /** May be set between steps: {@link setKeptTokens}. */
  kept: number | undefined;
  /** Of the step's draw; set by `train` and the engine. */
  seed: number;
  /** Tells `train` to set {@link seed} for each step. */
  readonly seededNoise = true;

  constructor(args: ChooseTokensArgs = {}) {
    super({ ...(args.name !== undefined && { name: args.name }) });
    checkKept(args.kept);
    this.kept = args.kept;
    this.seed = args.seed ?? 0;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape[] {
    const [batch, length] = inputShape as Shape;
    return [
      [batch!, null],
      [batch!, length!],
    ];
  }

  override call(inputs: Tensor | Tensor[], kwargs: Record<string, unknown>): Tensor[] {
    const [batch, length] = (Array.isArray(inputs) ? inputs[0]! : inputs).shape as [number, number];
    const kept = kwargs['training'] === true ? Math.min(this.kept ?? length, length) : length;
    const rows = new Int32Array(batch * kept);
    const places = Int32Array.from({ length: batch * length }, (_, row) => batch * kept + row);
    const random = new Random(this.seed);
    for (let b = 0; b < batch; b++) {
      const chosen = kept < length ? random.stream(b).sample(length, kept).sort() : undefined;
      for (let k = 0; k < kept; k++) {
        const row = b * length + (chosen ? chosen[k]! : k);
        rows[b * kept + k] = row;
        places[row] = b * kept + k;
      }
    }
    return [tensor(rows, [batch, kept], 'int32'), tensor(places, [batch, length], 'int32')];
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), ...(this.kept !== undefined && { kept: this.kept }), seed: this.seed };
  }
}

/** `[batch, length, width]`, or a mask `[batch, 1, 1, length]`, and the rows of {@link ChooseTokens} to the tokens of these rows. */
export class TakeTokens extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'TakeTokens';

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [x, rows] = inputShape as [Shape, Shape];
    return x.length === 4 ? [x[0]!, 1, 1, rows[1]!] : [x[0]!, rows[1]!, x[2]!];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const [x, rows] = inputs as [Tensor, Tensor];
    return tidy(() => {
      const [batch, kept] = rows.shape as [number, number];
      const width = x.rank === 4 ? 1 : x.shape[2]!;
      const taken = gather(reshape(x, [-1, width]), indexesOf(rows));
      return reshape(taken, x.rank === 4 ? [batch, 1, 1, kept] : [batch, kept, width]);
    });
  }
}

/** All tokens `[batch, length, width]`, those that a layer saw, and their places from {@link ChooseTokens}, to all again. */
export class PutBackTokens extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'PutBackTokens';

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return (inputShape as Shape[])[0]!;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const [all, seen, places] = inputs as [Tensor, Tensor, Tensor];
    return tidy(() => {
      const width = all.shape[2]!;
      const rows = concat([reshape(seen, [-1, width]), reshape(all, [-1, width])]);
      return reshape(gather(rows, indexesOf(places)), all.shape);
    });
  }
}

/** A model passes everything between its layers as float32, in which indexes are exact below 2²⁴. */
function indexesOf(x: Tensor): Tensor1D {
  return cast(reshape(x, [-1]), 'int32');
}

serialization.registerClass(ChooseTokens);
serialization.registerClass(TakeTokens);
serialization.registerClass(PutBackTokens);

/**
 * Puts token dropping around one block of a model that is being built. The block must take any length.
 *
 * @param x `[batch, length, width]`.
 * @param block Builds the layers that see the tokens that are kept, with their part of `mask`, `[batch, 1, 1, length]`, if one is given.
 *
 * @example
 * for (let i = 0; i < 12; i++)
 *   x = i === 0 || i === 11 ? layer(i, x, mask) : dropTokens({ name: `drop_${i}` }, x, (y, m) => layer(i, y, m!), mask);
 */
export function dropTokens(
  args: ChooseTokensArgs & { readonly name: string },
  x: SymbolicTensor,
  block: (x: SymbolicTensor, mask: SymbolicTensor | undefined) => SymbolicTensor,
  mask?: SymbolicTensor,
): SymbolicTensor {
  const { name } = args;
  const [rows, places] = new ChooseTokens(args).apply(x) as SymbolicTensor[];
  const taken = new TakeTokens({ name: `${name}/take` }).apply([x, rows!]) as SymbolicTensor;
  const seen = mask && (new TakeTokens({ name: `${name}/mask` }).apply([mask, rows!]) as SymbolicTensor);
  return new PutBackTokens({ name: `${name}/put_back` }).apply([
    x,
    block(taken, seen),
    places!,
  ]) as SymbolicTensor;
}

/**
 * Sets how many tokens all dropping layers of a model keep from the next step on.
 *
 * @throws ArgumentError if the model has none, or `kept` is no integer ≥ 1.
 */
export function setKeptTokens(model: LayersModel, kept: number): void {
  checkKept(kept);
  const found = flatLayers(model).filter((layer) => layer instanceof ChooseTokens);
  if (found.length === 0)
    throw new ArgumentError(
      'setKeptTokens: the model must have token dropping, got none. Build it with dropTokens.',
    );
  for (const layer of found) layer.kept = kept;
}

/** Options of {@link keptTokens}. */
export interface KeptTokensOptions {
  /** Tokens of a sequence. */
  readonly length: number;
  /** Tokens kept at the first step, in [1, length]. */
  readonly start: number;
  /** The step from which all are kept, ≥ 1. The paper keeps dropping for about two thirds of a run. */
  readonly steps: number;
  /** The number kept is a multiple of this, but for the whole length. Default 16, the paper's. */
  readonly multiple?: number;
}

/**
 * Tokens kept at a step, from 0: rises in a line, as the paper's MSLG schedule.
 *
 * @throws ArgumentError for options out of range.
 */
export function keptTokens({
  length,
  start,
  steps,
  multiple = 16,
}: KeptTokensOptions): (step: number) => number {
  if (!(start >= 1 && start <= length && steps >= 1 && multiple >= 1))
    throw new ArgumentError(
      `keptTokens: start must be in [1, length], steps and multiple ≥ 1, got ${start}, ${steps} and ${multiple} for a length of ${length}.`,
    );
  return (step) => {
    if (step >= steps) return length;
    const kept = start + ((length - start) * step) / steps;
    return Math.min(length, Math.max(start, Math.floor(kept / multiple) * multiple));
  };
}

function checkKept(kept: number | undefined): void {
  if (kept === undefined || (Number.isInteger(kept) && kept >= 1)) return;
  throw new ArgumentError(`ChooseTokens: kept must be an integer ≥ 1, got ${kept}.`);
}
