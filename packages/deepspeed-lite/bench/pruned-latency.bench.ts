import '@tensorflow/tfjs';
import { bench } from '@ockham/bench';
import { compareLatency, countFlops, median } from '@ockham/core/metrics';
import { bert, resnet, resnet20, vgg } from '@ockham/core/models';
import { pruneChannels, pruneHeads, pruneRows } from '@ockham/deepspeed-lite/compress';
import type { LayersModel } from '@tensorflow/tfjs-layers';

const BATCHES = [1, 32] as const;
/** Parts that stay. */
const PARTS = [0.5, 0.25] as const;

export default bench({
  id: 'deepspeed-lite/pruned-latency',
  question:
    'How much of the speed that fewer operations promise do models without half, and three quarters, of their heads, rows and channels have (0.80 wanted)? `part of the ideal` is the speed-up ÷ that of the FLOPs, `part of the fall` the time saved ÷ the FLOPs saved.',
  rounds: 1,
  against: {},
  async prepare({ smoke }) {
    const figures: Record<string, number> = {};
    for (const { name, dense, prune } of subjects(smoke)) {
      const pruned: Record<string, LayersModel> = {};
      for (const keep of smoke ? [0.5] : PARTS) pruned[`${100 * keep} %`] = await prune(dense, keep);
      const flops = (await countFlops(dense)).flops;
      const ideal: Record<string, number> = {};
      for (const [part, model] of Object.entries(pruned))
        ideal[part] = flops / (await countFlops(model)).flops;
      const turns = smoke ? 1 : 3;
      const found: Record<string, number[]> = {};
      for (let turn = 0; turn < turns; turn++) {
        const rows = await compareLatency(
          { dense, ...pruned },
          { batch: BATCHES, repeats: smoke ? 5 : 8, warmup: smoke ? 1 : 2, budget: 20_000 },
        );
        for (const { batch, speedup } of rows)
          for (const part of Object.keys(pruned))
            (found[`${part}, batch ${batch}`] ??= []).push(speedup[part]!);
      }
      for (const [key, speedups] of Object.entries(found)) {
        const [part] = key.split(',') as [string];
        const speedup = median(speedups);
        const label = `${name}, ${key}`;
        figures[`${label}: times as fast`] = speedup;
        figures[`${label}: ideal`] = ideal[part]!;
        figures[`${label}: part of the ideal`] = speedup / ideal[part]!;
        figures[`${label}: part of the fall`] = (1 - 1 / speedup) / (1 - 1 / ideal[part]!);
      }
      for (const model of [dense, ...Object.values(pruned)]) model.dispose();
    }
    return { variants: {}, figures };
  },
});

interface Subject {
  readonly name: string;
  readonly dense: LayersModel;
  readonly prune: (model: LayersModel, keep: number) => Promise<LayersModel>;
}

/** The time of a network does not depend on what it learned: weights are drawn. */
function* subjects(smoke: boolean): Generator<Subject> {
  const encoder = () => bert({ preset: smoke ? 'tiny' : 'mini', vocabulary: 1_000, length: smoke ? 8 : 32, seed: 7 }); // prettier-ignore
  const [heads, rows] = [/attention/, /intermediate/];
  const withoutHeads: Subject['prune'] = async (model, keep) => (await pruneHeads(model, { keep, only: heads })).model; // prettier-ignore
  const withoutRows: Subject['prune'] = async (model, keep) => (await pruneRows(model, { keep, only: rows })).model; // prettier-ignore
  yield { name: 'BERT-mini, heads kept', dense: encoder(), prune: withoutHeads };
  yield { name: 'BERT-mini, rows kept', dense: encoder(), prune: withoutRows };
  yield {
    name: 'BERT-mini, heads and rows kept',
    dense: encoder(),
    async prune(model, keep) {
      const first = await withoutHeads(model, keep);
      const both = await withoutRows(first, keep);
      first.dispose();
      return both;
    },
  };
  const channels: Subject['prune'] = async (model, keep) => (await pruneChannels(model, { keep })).model;
  if (smoke) {
    yield { name: 'ResNet-8, channels kept', dense: resnet({ depth: 8, inputShape: [8, 8, 3], seed: 7 }), prune: channels }; // prettier-ignore
    return;
  }
  yield { name: 'ResNet-20, channels kept', dense: resnet20({ seed: 7 }), prune: channels };
  yield { name: 'VGG-11, channels kept', dense: vgg({ depth: 11, seed: 7 }), prune: channels };
}
