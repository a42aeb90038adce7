import { input, model as makeModel, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs';
import { countFlops } from '@ockham/core/metrics';
import { bert } from '@ockham/core/models';
import { describe, expect, it } from 'vitest';
import {
  blockLayout,
  layoutText,
  SparseAttention,
  sparseAttentionFlopRules as rules,
  withSparseAttention,
  type BlockPattern,
} from '../../src/attention/index.ts';

const WIDTH = 6;
const HEADS = 2;
const attending = (pattern: BlockPattern, length: number | null): LayersModel => {
  const x = input({ shape: [length, WIDTH] });
  const y = new SparseAttention({ heads: HEADS, pattern }).apply([x, x, x]) as SymbolicTensor;
  return makeModel({ inputs: x, outputs: y });
};

describe('FLOPs of attention by blocks', () => {
  it('are those of dense attention where all blocks are present', async () => {
    const sizes = { vocabulary: 11, positions: 20, layers: 2, hidden: 16, heads: 2, intermediate: 32 };
    const dense = bert({ ...sizes, length: 20, dropout: 0, attentionDropout: 0, head: 'sequence' });
    const sparse = await withSparseAttention(dense, { kind: 'dense', block: 8 });
    const { flops, unknown } = await countFlops(sparse, { rules });
    expect(unknown).toEqual([]);
    expect(flops).toBe((await countFlops(dense)).flops);
    const thin = await withSparseAttention(dense, { kind: 'longformer', block: 4 });
    expect((await countFlops(thin, { rules })).flops).toBeLessThan(flops);
    for (const model of [dense, sparse, thin]) model.dispose();
  });

  it.each<BlockPattern>([
    { kind: 'longformer', block: 4 },
    { kind: 'big-bird', block: 4, perHead: true, seed: 3 },
    { kind: 'fixed', block: 4, local: 2, attention: 'unidirectional' },
  ])('are those of every pair of tokens in a present block, the last block short: $kind', async (pattern) => {
    const length = 26;
    const rows = layoutText(blockLayout(pattern, { length, heads: HEADS })).split('\n').filter((row) => /^[#.]+$/.test(row)); // prettier-ignore
    const blocks = Math.ceil(length / 4);
    let pairs = 0;
    for (let head = 0; head < HEADS; head++) {
      const own = rows.slice((head * blocks) % rows.length);
      for (let query = 0; query < length; query++)
        for (let key = 0; key < length; key++) if (own[query >> 2]![key >> 2] === '#') pairs += 1;
    }
    const model = attending(pattern, length);
    // a product of depth 3 for each of q kᵀ and p v; mask and softmax; the scale of queries
    expect((await countFlops(model, { rules })).flops).toBe(pairs * (2 * 2 * 3 + 4) + length * WIDTH);
    model.dispose();
  });

  it('are not known for any length', async () => {
    const model = attending({ kind: 'longformer' }, null);
    const { layers } = await countFlops(model, { rules });
    expect(layers.find(({ className }) => className === 'SparseAttention')!.unknown).toBe('its shape is not fixed'); // prettier-ignore
    model.dispose();
  });
});
