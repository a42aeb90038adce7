/** Whether a fused program computes what the model does. */
import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { dispose, tensor, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { isPacked } from './packed-kernel.ts';
import type { TransformerWeights } from './read-weights.ts';

/** Tokens of the text of the check where the model takes any number. */
const LENGTH = 16;

/** What outputs may differ by where activations are rounded to 8 bits: one that is on the edge of two steps may go either way. */
export const ROUNDED = 0.1;

/** The tolerance for a model, at least {@link ROUNDED} where it rounds activations itself. */
export function toleranceFor({ layers, head }: TransformerWeights, tolerance: number): number {
  const dense = [
    ...layers.flatMap((layer) => [
      layer.query,
      layer.key,
      layer.value,
      layer.attentionOutput,
      layer.expand,
      layer.project,
    ]),
    ...head.flatMap((each) => (each.dense === 'words' ? [] : [each.dense])),
  ];
  const rounds = dense.some(({ kernel }) => isPacked(kernel) && kernel.activations !== null);
  return rounds ? Math.max(ROUNDED, tolerance) : tolerance;
}

/** What the outputs may differ by. */
interface Against {
  readonly name: string;
  /** Of the largest difference, relative to the largest output or 1. */
  readonly tolerance: number;
}

/**
 * Compares the outputs of two on an example.
 *
 * @throws UnsupportedModelError where they differ by more, or one is NaN.
 */
export async function selfCheck(
  x: Tensor,
  usual: (x: Tensor) => Tensor,
  fused: (x: Tensor) => Tensor | Promise<Tensor>,
  { name, tolerance }: Against,
): Promise<void> {
  const wanted = usual(x);
  const found = await fused(x);
  try {
    const [a, b] = await Promise.all([wanted.data<'float32'>(), found.data<'float32'>()]);
    let [most, apart, at] = [1, 0, 0];
    for (const [i, value] of a.entries()) {
      most = Math.max(most, Math.abs(value));
      const gap = Math.abs(value - b[i]!);
      if (!(gap <= apart)) [apart, at] = [gap, i];
      if (Number.isNaN(gap)) break;
    }
    if (a.length === b.length && apart <= tolerance * most) return;
    throw new UnsupportedModelError(
      `accelerate: the fused program must answer as ${name} does, to ${tolerance} of its largest output, got ${b[at]} for ${a[at]} (${b.length} and ${a.length} outputs). Correct the policy: a role, the normalisation, an activation or the padding differs from the model; or give check: { tolerance }.`,
    );
  } finally {
    dispose([wanted, found]);
  }
}

/** Options of the check: false for none. */
export type Check = { readonly tolerance: number } | false;

/** @throws ArgumentError naming `who`. */
export function checkTolerance(who: string, check: Check): void {
  if (check === false || (check.tolerance > 0 && check.tolerance < Infinity)) return;
  throw new ArgumentError(
    `${who}: check.tolerance must be positive and finite, got ${check.tolerance}. Give check: false to skip the check.`,
  );
}

/** One text of random tokens for the model, none of them padding but for the last quarter if `padded`. */
export function exampleFor(
  model: LayersModel,
  { policy, words, positions, types }: TransformerWeights,
  padded: boolean,
): Tensor {
  const random = new Random(0);
  const length = model.inputs[0]!.shape[1] ?? Math.min(LENGTH, positions?.rows ?? LENGTH);
  const { padding, input } = policy;
  const ids = Array.from({ length }, (_, i) => {
    if (padded && padding !== undefined && i > 0 && i >= Math.ceil((3 * length) / 4)) return padding;
    const id = random.integer(words.rows);
    return id === padding ? (id + 1) % words.rows : id;
  });
  if (input === 'ids') return tensor(ids, [1, length], 'int32');
  const pairs = ids.flatMap((id, i) => [id, i < length / 2 ? 0 : (types?.rows ?? 1) - 1]);
  return tensor(pairs, [1, length, 2], 'int32');
}
