import '@tensorflow/tfjs';
import { selectExamples, throwIfAborted, type Split } from '@ockham/core';
import { encodeTexts } from '@ockham/core/datasets';
import { bert, resnet } from '@ockham/core/models';
import { toRandom } from '@ockham/core/random';
import { barsOverSeeds, claim, experiment, inEveryRow, where, type Row, type Texts } from '@ockham/reproduce';
import { LAYOUTS, ranksOf, runLayout, type LayoutName } from './model-layouts.ts';
import { inSequence, largestDifference, type LookedAt } from './parity-runs.ts';

interface Config {
  readonly bert: { readonly layers: number; readonly hidden: number; readonly heads: number };
  readonly length: number;
  readonly depth: number;
  readonly globalBatch: number;
  readonly steps: number;
  readonly timed: number;
}

interface ModelRow extends Row {
  readonly model: 'BERT on SST-2' | 'ResNet on CIFAR-10';
  readonly layout: LayoutName;
  readonly ranks: number;
  readonly steps: number;
  /** P of the whole model. */
  readonly parameters: number;
  /** max |Δθ| and max |Δloss| from one rank that does the same sharded arithmetic. */
  readonly fromSequence: number;
  readonly lossFromSequence: number;
  /** |Δloss| / loss, at most, over the first 5 updates, from one rank that takes each batch at once. */
  readonly relativeLoss: number;
  readonly lossBefore: number;
  readonly lossAfter: number;
  /** Of the rank that has most. */
  readonly bytes: number;
  readonly plannedBytes: number;
  readonly ranksAsPlanned: number;
  readonly peak: number;
  readonly planError: number;
  /** Bytes that all ranks send in an update. */
  readonly sentAlongData: number;
  readonly sentAlongTensor: number;
  readonly sentAlongPipeline: number;
  /** Time of an update by all ranks, in turns in one thread, ÷ by one rank. */
  readonly work: number;
}

const BERT = 'BERT on SST-2';
const RESNET = 'ResNet on CIFAR-10';
/** Layouts whose persistent bytes are those of another. */
const SAME_BYTES: readonly LayoutName[] = ['tensor 2, checkpoints in parts', 'pipeline 2'];

export default experiment<Config, ModelRow, 'texts' | 'cifar10'>({
  id: 'deepspeed-lite/models',
  paper: 'Section 3.1: data, model, pipeline and 3D parallelism, of real models on real data',
  datasets: ['texts', 'cifar10'],
  scales: {
    smoke: {
      seeds: 1,
      config: { bert: { layers: 1, hidden: 8, heads: 2 }, length: 8, depth: 8, globalBatch: 4, steps: 1, timed: 0 }, // prettier-ignore
    },
    standard: {
      seeds: 1,
      config: { bert: { layers: 2, hidden: 32, heads: 2 }, length: 16, depth: 8, globalBatch: 8, steps: 5, timed: 1 }, // prettier-ignore
    },
    extended: {
      seeds: 1,
      config: { bert: { layers: 2, hidden: 32, heads: 2 }, length: 16, depth: 20, globalBatch: 8, steps: 5, timed: 3 }, // prettier-ignore
    },
    paper: {
      seeds: 5,
      config: { bert: { layers: 4, hidden: 256, heads: 4 }, length: 64, depth: 20, globalBatch: 32, steps: 50, timed: 9 }, // prettier-ignore
    },
  },
  why: {
    bert: 'BERT-mini at paper scale, with the English vocabulary of 30,522 at all',
    length: 'tokens of an example',
    depth: 'of the residual network; 20 but for smoke',
    globalBatch: 'divides by all data ranks and micro-batches',
    steps: 'updates with Adam; our bar on ordinary training is about the first 5',
    timed: 'more updates, in turns with one rank',
  },
  differences: [
    'The survey’s models have billions of parameters; these are a BERT classifier on SST-2 and ResNet-20 on CIFAR-10, in the first updates from random weights.',
    'Ranks run on a virtual clock in one thread and carry real data: time is that of all ranks’ work together, which ideally is that of one rank. The benches time two ranks on two cores.',
    'A residual network has nothing that tensor ranks can split, which is refused by name; its third mesh is data × pipeline. Its batch normalisation sees parts of a batch, so that the loss is that of ordinary training only with one part.',
    'At these sizes one block, the table of word pieces, is nearly all of BERT: the buffers of ZeRO, which hold two of the largest block, take more than it saves. Peaks, which count them, are in the rows.',
    'No dropout, which tensor ranks draw for themselves.',
  ],
  async run({ config, seed, data, progress, signal, once }) {
    const { globalBatch, steps, timed } = config;
    const texts = await sentences(data.texts, config, seed);
    const images = shuffled(data.cifar10.train, steps * globalBatch, seed);
    const vocabulary = data.texts.tokenizer.vocabulary.length;
    const jobs = [
      {
        model: BERT,
        fresh: () => bert({ ...config.bert, vocabulary, length: config.length, positions: config.length, dropout: 0, attentionDropout: 0, seed }), // prettier-ignore
        split: texts,
        layouts: Object.keys(LAYOUTS) as LayoutName[],
      },
      {
        model: RESNET,
        fresh: () => resnet({ depth: config.depth, seed }),
        split: images,
        layouts: (Object.keys(LAYOUTS) as LayoutName[]).filter((name) => !name.includes('tensor')),
      },
    ] as const;
    const rows: ModelRow[] = [];
    const total = jobs.reduce((sum, { layouts }) => sum + layouts.length, 0);
    for (const { model, fresh, split, layouts } of jobs) {
      const settings = { optimizer: 'adam', learningRate: 0.001, globalBatch, seed, shuffle: false } as const;
      const sequences = new Map<string, Promise<LookedAt>>();
      for (const layout of layouts) {
        throwIfAborted(signal, 'models');
        progress({ stage: `${model}, ${layout}`, done: rows.length, total });
        const of: Parameters<typeof runLayout>[2] = LAYOUTS[layout];
        rows.push(
          await once(`${model} ${layout}`.replace(/[^a-zA-Z0-9]+/g, '-'), async (): Promise<ModelRow> => {
            const shared = (key: string, make: () => Promise<LookedAt>): Promise<LookedAt> => {
              const made = sequences.get(key) ?? make();
              sequences.set(key, made);
              return made;
            };
            const { mesh: { data: parts = 1, tensor = 1 } = {}, accumulation = 1 } = of;
            const ranks = ranksOf(of);
            const run = await runLayout(fresh, split, of, { settings, timed });
            // without accumulation all stages of ZeRO add in one order
            const sequence = await shared(`${parts} ${tensor} ${accumulation} ${accumulation > 1 && (of.zero ?? 0) > 1}`, () => inSequence(fresh(), { ...settings, ...of }, split, ranks)); // prettier-ignore
            const { losses } = await shared('ordinary', () => inSequence(fresh(), settings, split, 1));
            const counted = fresh();
            const parameters = counted.trainableWeights.reduce((sum, { shape }) => sum + (shape as number[]).reduce((a, b) => a * b, 1), 0); // prettier-ignore
            counted.dispose();
            const { bytes, plannedBytes, ranksAsPlanned, peak, planError, sent, work } = run;
            return {
              seed,
              model,
              layout,
              ranks,
              steps,
              parameters,
              fromSequence: largestDifference(run.weights, sequence.weights.get(steps)!),
              lossFromSequence: Math.max(...run.losses.map((loss, i) => Math.abs(loss - sequence.losses[i]!))), // prettier-ignore
              relativeLoss: Math.max(...run.losses.slice(0, 5).map((loss, i) => Math.abs(loss / losses[i]! - 1))), // prettier-ignore
              lossBefore: run.losses[0]!,
              lossAfter: run.losses.at(-1)!,
              bytes,
              plannedBytes,
              ranksAsPlanned,
              peak,
              planError,
              sentAlongData: sent.data,
              sentAlongTensor: sent.tensor,
              sentAlongPipeline: sent.pipeline,
              work,
            };
          }),
        );
      }
    }
    return rows;
  },
  claims: [
    claim('every layout of both models has the bits of one rank that does the same sharded arithmetic', {
      paper: 'our bar: 0',
      minSeeds: 1,
      measure: (rows) => inEveryRow(rows, (row) => row.fromSequence === 0 && row.lossFromSequence === 0),
    }),
    claim(
      'of BERT the losses of the first 5 updates differ by at most 1e-6 from those of ordinary training',
      {
        paper: 'our bar: 1e-6',
        minSeeds: 1,
        measure: (rows) =>
          inEveryRow(where(rows, { model: BERT }), ({ relativeLoss }) => relativeLoss <= 1e-6),
      },
    ),
    claim('persistent bytes, buffers and bytes on the wire along every axis are as planned, to the byte, on all ranks', {
      paper: 'our bar',
      minSeeds: 1,
      measure: (rows) => inEveryRow(rows, (row) => row.ranksAsPlanned === row.ranks),
    }), // prettier-ignore
    claim('the plan is within 2 % of the measured peak of every rank', {
      paper: 'our bar: 2 %',
      minSeeds: 1,
      measure: (rows) => inEveryRow(rows, ({ planError }) => planError <= 0.02),
    }),
    claim('every other layout holds fewer bytes on a rank than data parallelism does', {
      paper: '3.1: memory efficiency is low with data parallelism, high with the others',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(rows.filter(({ layout }) => !layout.startsWith('data 2') || layout.includes('ZeRO')), (row) =>
          where(rows, { seed: row.seed, model: row.model, layout: 'data 2' }).every(({ bytes }) => row.bytes < bytes)),
    }), // prettier-ignore
  ],
  plot: (rows) =>
    barsOverSeeds(
      rows.filter(({ layout }) => !SAME_BYTES.includes(layout)),
      {
        title: 'Persistent bytes of the rank that holds most',
        x: { field: 'model', title: 'model' },
        y: { field: 'bytes', title: 'bytes', format: '.2s' },
        series: 'layout',
        names: { 'data 2 × tensor 2 × pipeline 2, ZeRO-1': '2 × 2 × 2, ZeRO-1' },
      },
    ),
});

/** SST-2's training sentences in a seeded order. */
async function sentences(
  { tasks, tokenizer }: Texts,
  { length, steps, globalBatch }: Config,
  seed: number,
): Promise<Split> {
  // prettier-ignore
  const { train } = tasks['SST-2'];
  const order = toRandom(seed).stream('examples').permutation(train.size).slice(0, steps * globalBatch); // prettier-ignore
  const x = await encodeTexts(tokenizer, Array.from(order, (i) => train.first[i]!), undefined, { length }); // prettier-ignore
  return { size: order.length, x, y: { values: Int32Array.from(order, (i) => train.labels[i]!), shape: [] } }; // prettier-ignore
}

function shuffled(split: Split, size: number, seed: number): Split {
  return selectExamples(split, toRandom(seed).stream('images').permutation(split.size).slice(0, size));
}
