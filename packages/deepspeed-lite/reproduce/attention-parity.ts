import { Random } from '@ockham/core/random';
import { grads, tensor, tidy, type Tensor } from '@tensorflow/tfjs';
import {
  attentionPath,
  blockLayout,
  sparseAttention,
  type BlockLayout,
  type BlockPattern,
} from '../src/attention/index.ts';
import { HEADS, WIDTH } from './attention-arms.ts';
import type { Measured } from './attention-cost.ts';

const PATTERNS: readonly BlockPattern[] = [
  { kind: 'dense', block: 32 },
  { kind: 'fixed', attention: 'unidirectional' },
  { kind: 'fixed', patterns: 4 },
  { kind: 'variable', windows: [1, 2, 4], random: 1, perHead: true },
  { kind: 'big-bird' },
  { kind: 'longformer' },
];

/** The largest differences between attention by blocks and masked dense attention, of queries, keys and values that are normal. */
export function measureParity(lengths: readonly number[], seed: number): Measured[] {
  const random = new Random(seed).stream('parity');
  return lengths.flatMap((length) => {
    const normal = (): Tensor =>
        tensor(Float32Array.from({ length: length * WIDTH }, () => random.normal()), [1, length, WIDTH]); // prettier-ignore
    const given = [normal(), normal(), normal(), normal()];
    const rows = PATTERNS.flatMap((pattern): Measured[] => {
      const layout = blockLayout(pattern, { length, heads: HEADS });
      const path = attentionPath(layout).path === 'kernel' ? 'kernel' : 'blocks';
      const [sparse, dense] = [valuesOf(given, layout, path), valuesOf(given, layout, 'dense')];
      const [output, ...gradients] = sparse.map((values, i) => apart(values, dense[i]!));
      return [
        { measure: 'output difference', arm: pattern.kind, length, value: output! },
        { measure: 'gradient difference', arm: pattern.kind, length, value: Math.max(...gradients) },
      ];
    });
    for (const x of given) x.dispose();
    return rows;
  });
}

/** Outputs and gradients. */
function valuesOf(
  given: readonly Tensor[],
  layout: BlockLayout,
  path: 'kernel' | 'blocks' | 'dense',
): Float32Array[] {
  return tidy(() => {
    const [q, k, v, dy] = given as [Tensor, Tensor, Tensor, Tensor];
    const attend = (a: Tensor, b: Tensor, c: Tensor): Tensor => sparseAttention(a, b, c, layout, { path });
    return [attend(q, k, v), ...grads(attend)([q, k, v], dy)].map((x) => x.dataSync<'float32'>().slice());
  });
}

function apart(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
