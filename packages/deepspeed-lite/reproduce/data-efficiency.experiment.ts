import '@tensorflow/tfjs';
import { selectExamples, takeExamples, throwIfAborted, type Dataset, type Split } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import { gpt } from '@ockham/core/models';
import { toRandom } from '@ockham/core/random';
import {
  curriculum,
  dropTokens,
  efficiencyLedger,
  initialize,
  keptTokens,
  pacing,
  setKeptTokens,
} from '@ockham/deepspeed-lite';
import { claim, experiment, groupBy, lineOverSeeds, meanAtLeast, where, type Row } from '@ockham/reproduce';
import { LOSS, lossOf, shakespeare, type CharacterSizes } from './characters.ts';

interface Config extends CharacterSizes {
  readonly batchSize: number;
  readonly updates: number;
  readonly testExamples: number;
  readonly looks: number;
  readonly learningRate: number;
  readonly start: number;
  readonly multiple: number;
  readonly part: number;
}

const METHODS = ['ordinary', 'random-LTD', 'rarity', 'length'] as const;
type Method = (typeof METHODS)[number];

interface EfficiencyRow extends Row {
  readonly method: Method;
  /** Cost of the run so far, by the ledger; the first row is that of a model that has read nothing. */
  readonly tokens: number;
  readonly flops: number;
  /** Of tokens × layers, those that the layers saw. */
  readonly seen: number;
  /** On text that was not trained on, in nats a character. */
  readonly loss: number;
  readonly updates: number;
}

const scale = (config: Partial<Config>): Config => ({
  layers: 3,
  hidden: 16,
  heads: 2,
  length: 16,
  batchSize: 4,
  updates: 6,
  testExamples: 16,
  looks: 3,
  learningRate: 0.002,
  start: 4,
  multiple: 4,
  part: 0.67,
  ...config,
});

export default experiment<Config, EfficiencyRow, 'texts'>({
  id: 'deepspeed-lite/data-efficiency',
  paper:
    'Section 4.3.2: curriculum learning and random layerwise token dropping save up to 2 times data and time',
  datasets: ['texts'],
  scales: {
    smoke: { seeds: 1, config: scale({}) },
    standard: {
      seeds: 2,
      config: scale({
        layers: 4,
        hidden: 48,
        heads: 4,
        length: 48,
        batchSize: 16,
        updates: 40,
        testExamples: 64,
        looks: 4,
        start: 16,
      }),
    },
    extended: {
      seeds: 2,
      config: scale({
        layers: 4,
        hidden: 48,
        heads: 4,
        length: 48,
        batchSize: 16,
        updates: 160,
        testExamples: 128,
        looks: 8,
        start: 16,
      }),
    },
    paper: {
      seeds: 5,
      config: scale({
        layers: 4,
        hidden: 128,
        heads: 4,
        length: 128,
        batchSize: 16,
        updates: 1_000,
        testExamples: 512,
        looks: 20,
        start: 32,
        multiple: 16,
      }),
    },
  },
  why: {
    layers: 'tokens are dropped in all but the first and the last, as the paper of random-LTD does',
    hidden: 'a GPT of characters',
    heads: 'as above',
    length: 'characters of an example',
    batchSize: 'examples of an update, the same for all',
    updates: 'of all but short examples, which make more updates of as many characters',
    testExamples: 'of the last tenth of the text',
    looks: 'at the loss',
    learningRate: 'of Adam, falling to 0 in a line with the characters read, after a warm-up of 5 %',
    start: 'characters that are kept, or the length, at the first update',
    multiple: 'of which that number is, as it grows',
    part: 'of the run before all characters, all examples or the whole length are taken; two thirds as in the paper of random-LTD',
  },
  differences: [
    'The survey speaks of GPT-3, BERT and ViT; here a GPT of the characters of tinyshakespeare, of which a run reads less than one epoch.',
    'Costs are those of the ledger: characters read, and operations of the decoder layers, forward and backward. Time is not measured.',
    'A saving is the cost of ordinary training ÷ that of the method, at the higher of their two last losses: both have reached that one. Between two looks the loss is a straight line.',
    'The learning rate is the same for all. Short examples make more updates of as many characters, and a run that ends before it has learnt much gains by that. At three times the rate some runs, with and without a curriculum, never leave the entropy of single characters: runs as short as those of the standard scale compare how soon that is left.',
    'Rarity is the mean of −log frequency over the characters of an example, one of the difficulties of Li et al. 2022; `length` cuts off the end of every example, as they do.',
  ],
  async run({ config, seed, data, signal, progress, once }) {
    const characters = shakespeare(data.texts, config.length);
    const test = takeExamples(characters.test, config.testExamples);
    const rows: EfficiencyRow[] = [];
    for (const method of METHODS) {
      const found = await once(method, () =>
        trainOne(method, characters, test, config, seed, (done, total) => {
          throwIfAborted(signal, 'data-efficiency');
          progress({ stage: method, done, total });
        }),
      );
      rows.push(...found.map((row) => ({ seed, method, ...row })));
    }
    return rows;
  },
  claims: [
    claim('random-LTD reaches the loss of ordinary training with fewer operations', {
      paper: 'data and time savings',
      decidedFrom: 'paper',
      measure: (rows) => meanAtLeast(savings(rows, 'random-LTD', 'flops'), ({ saving }) => saving, 1, { digits: 2, unit: '×' }), // prettier-ignore
    }),
    claim('the curriculum by rarity reaches the loss of ordinary training with fewer characters', {
      paper: 'data and time savings',
      decidedFrom: 'paper',
      measure: (rows) => meanAtLeast(savings(rows, 'rarity', 'tokens'), ({ saving }) => saving, 1, { digits: 2, unit: '×' }), // prettier-ignore
    }),
    claim('the curriculum by length reaches the loss of ordinary training with fewer characters', {
      paper: 'data and time savings',
      decidedFrom: 'paper',
      measure: (rows) => meanAtLeast(savings(rows, 'length', 'tokens'), ({ saving }) => saving, 1, { digits: 2, unit: '×' }), // prettier-ignore
    }),
    claim('the best of them saves 2 times', {
      paper: 'up to 2 times data and time savings',
      decidedFrom: 'paper',
      measure: (rows) => meanAtLeast(best(rows), ({ saving }) => saving, 2, { digits: 2, unit: '×' }),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(
      rows
        .filter(({ tokens }) => tokens > 0)
        .flatMap(({ seed, method, tokens, flops, loss }) => [
          { seed, method, loss, cost: tokens / 1e3, of: 'thousand characters read' },
          { seed, method, loss, cost: flops / 1e9, of: 'billion operations' },
        ]),
      {
        title: 'Test loss against what training costs',
        x: { field: 'cost', title: 'cost', scale: 'log' },
        y: { field: 'loss', title: 'test loss, nats a character' },
        series: 'method',
        names: { ordinary: 'ordinary', 'random-LTD': 'random-LTD', rarity: 'curriculum by rarity', length: 'curriculum by length' }, // prettier-ignore
        facet: 'of',
      },
    ),
});

async function trainOne(
  method: Method,
  characters: Dataset,
  test: Split,
  config: Config,
  seed: number,
  onUpdate: (done: number, total: number) => void,
): Promise<Omit<EfficiencyRow, 'seed' | 'method'>[]> {
  const { batchSize, heads, hidden, layers, length, learningRate, looks, multiple, start, updates } = config;
  const total = updates * batchSize * length;
  const opens = Math.round(config.part * updates);
  const kept = keptTokens({ length, start, steps: opens, multiple });
  const model = gpt({
    layers,
    hidden,
    heads,
    vocabulary: characters.classes.length,
    positions: length,
    length: method === 'length' ? null : length,
    dropout: 0,
    seed,
    ...(method === 'random-LTD' && {
      around: (i, x, layer) =>
        i === 0 || i === layers - 1 ? layer(x) : dropTokens({ name: `drop_${i}` }, x, layer),
    }),
  });
  const sampler = curriculum(
    method === 'rarity' ? rarity(characters) : new Float64Array(characters.train.size),
    {
      batchSize,
      pacing: method === 'rarity' ? pacing({ kind: 'root', steps: opens }) : () => 1,
      seed: toRandom(seed).stream('examples'),
    },
  );
  const ledger = efficiencyLedger({ layers, hidden });
  const rate = (): number => {
    const done = ledger.counts().tokens / total;
    return learningRate * Math.min(1, (done + 1 / updates) / 0.05, (1 - done) / 0.95);
  };
  const engine = await initialize(model, { globalBatch: batchSize, learningRate: rate, loss: LOSS, seed });
  const rows: Omit<EfficiencyRow, 'seed' | 'method'>[] = [];
  const look = async (made: number): Promise<void> => {
    const { tokens, flops, layerTokens, fullLayerTokens } = ledger.counts();
    const { loss } = await evaluate(model, test, { loss: lossOf, batchSize: 64 });
    rows.push({ tokens, flops, seen: tokens > 0 ? layerTokens / fullLayerTokens : 1, loss, updates: made });
  };
  await look(0);
  for (let step = 0; ledger.counts().tokens < total; step++) {
    onUpdate(ledger.counts().tokens, total);
    const batch = selectExamples(characters.train, sampler.batch(step));
    const { tokens } = ledger.counts();
    // the length grows with the characters read, so that all methods open at the same part of the run
    const long = method === 'length' ? kept(tokens / (batchSize * length)) : length;
    const seen = new Float64Array(layers).fill(long);
    if (method === 'random-LTD') {
      setKeptTokens(model, kept(step));
      seen.fill(kept(step), 1, layers - 1);
    }
    await engine.trainBatch(cut(batch, long));
    ledger.count({ sequences: batchSize, length: long, seen });
    if (ledger.counts().tokens >= (total * rows.length) / looks) await look(step + 1);
  }
  await engine.close();
  model.dispose();
  return rows;
}

/** Mean of −log of the part that a character has of the training text, for each example. */
function rarity({ train, classes }: Dataset): Float64Array {
  const length = train.x.shape[0]!;
  const counts = new Float64Array(classes.length);
  for (const token of train.x.values) counts[token] = counts[token]! + 1;
  const sums = new Float64Array(train.size);
  for (const [i, token] of train.x.values.entries())
    sums[Math.floor(i / length)]! -= Math.log(counts[token]! / train.x.values.length) / length;
  return sums;
}

/** The first characters of each example. */
function cut({ size, x, y }: Split, length: number): Split {
  const [all] = x.shape as [number];
  if (length === all) return { size, x, y };
  const take = (values: Split['x']['values']) => ({ values: values.filter((_, i) => i % all < length), shape: [length] }); // prettier-ignore
  return { size, x: take(x.values), y: take(y.values) };
}

interface Saving extends Row {
  readonly saving: number;
}

/** What ordinary training costs ÷ what a method does, at the higher of their last losses. */
function savings(rows: readonly EfficiencyRow[], method: Method, cost: 'tokens' | 'flops'): Saving[] {
  return [...groupBy(rows, ({ seed }) => seed)].map(([seed, all]) => {
    const [one, other] = [where(all, { method: 'ordinary' }), where(all, { method })];
    const loss = Math.max(one.at(-1)!.loss, other.at(-1)!.loss);
    return { seed, saving: costAt(one, loss, cost) / costAt(other, loss, cost) };
  });
}

/** Of all methods and both costs, seed by seed, that with the highest mean. */
function best(rows: readonly EfficiencyRow[]): Saving[] {
  const found = METHODS.slice(1).flatMap((method) =>
    (['tokens', 'flops'] as const).map((cost) => savings(rows, method, cost)),
  );
  const sum = (of: Saving[]): number => of.reduce((all, { saving }) => all + saving, 0);
  return found.reduce((most, each) => (sum(each) > sum(most) ? each : most));
}

/** Where a run first has a loss, on straight lines between the looks. */
function costAt(rows: readonly EfficiencyRow[], loss: number, cost: 'tokens' | 'flops'): number {
  const i = rows.findIndex((row, at) => at > 0 && row.loss <= loss);
  const [before, after] = [rows[i - 1]!, rows[i]!];
  return before[cost] + ((before.loss - loss) / (before.loss - after.loss)) * (after[cost] - before[cost]);
}
