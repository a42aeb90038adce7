import '@tensorflow/tfjs';
import { selectExamples, throwIfAborted, type Split } from '@ockham/core';
import { self, simulate, type Communicator } from '@ockham/core/comm';
import { toRandom } from '@ockham/core/random';
import { initialize, plan, type EngineConfig, type ZeroStage } from '@ockham/deepspeed-lite';
import { claim, experiment, inEveryRow, lineOverSeeds, where, type Row } from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkConfig } from '../src/engine/config.ts';
import { trainInSequence } from '../src/engine/sequence.ts';
import { characterGpt, LOSS, shakespeare, type CharacterSizes } from './characters.ts';
import { relativeDistance, weightsByName, type NamedWeights } from './weights-by-name.ts';

interface Config extends CharacterSizes {
  readonly globalBatch: number;
  readonly accumulation: number;
  readonly steps: number;
  readonly ranks: readonly number[];
  readonly controls: number;
  readonly learningRates: Readonly<Record<string, number>>;
}

interface ParityRow extends Row {
  readonly optimizer: string;
  readonly zero: ZeroStage;
  readonly ranks: number;
  /** max |Δθ| and max |Δloss| from one rank that does the same arithmetic, after the last update and over all. */
  readonly fromSequence: number;
  readonly lossFromSequence: number;
  /** |Δloss| / loss, at most, over the first 5 updates, from one rank that takes each batch at once. */
  readonly relativeLoss: number;
  /** Updates after which parameters are looked at. */
  readonly looks: readonly number[];
  /** ‖Δθ‖ / ‖θ‖ from that rank at each look. */
  readonly apart: readonly number[];
  /** Of the same rank with the examples of every batch in another order: root mean square over the orders. */
  readonly drift: readonly number[];
  readonly lossBefore: number;
  readonly lossAfter: number;
  /** Bytes that a rank holds from update to update, measured and by formula. */
  readonly bytes: number;
  readonly bytesByFormula: number;
  /** Bytes that all ranks send in an update. */
  readonly sent: number;
  readonly sentByFormula: number;
  readonly peak: number;
  readonly plannedPeak: number;
}

interface Run {
  readonly losses: readonly number[];
  readonly weights: readonly NamedWeights[];
}

const OPTIMIZERS = ['sgd', 'adam', 'lamb'] as const;
const STAGES = [0, 1, 2, 3] as const;
const LOOKS = [1, 2, 5, 10, 20, 50, 100, 200];

const scale = (config: Partial<Config>): Config => ({
  layers: 1,
  hidden: 16,
  heads: 2,
  length: 16,
  globalBatch: 8,
  accumulation: 1,
  steps: 6,
  ranks: [2],
  controls: 2,
  learningRates: { sgd: 0.1, adam: 0.001, lamb: 0.01 },
  ...config,
});

export default experiment<Config, ParityRow, 'texts'>({
  id: 'deepspeed-lite/parity',
  paper: 'Section 3.1.1: ZeRO is data parallelism without the redundant states: the same training',
  datasets: ['texts'],
  scales: {
    smoke: { seeds: 1, config: scale({}) },
    standard: { seeds: 2, config: scale({ hidden: 32, steps: 200, ranks: [2, 4], controls: 3 }) },
    paper: {
      seeds: 5,
      config: scale({
        layers: 2,
        hidden: 64,
        heads: 4,
        length: 64,
        globalBatch: 16,
        accumulation: 2,
        steps: 200,
        ranks: [2, 4],
        controls: 5,
      }),
    },
  },
  why: {
    layers: 'decoder layers of a GPT of characters',
    hidden: 'as above',
    heads: 'as above',
    length: 'characters of an example',
    globalBatch: 'divides by the ranks and the accumulation',
    accumulation:
      'micro-batches of a rank in an update; 2 tell the order of stages 2 and 3 from that of 0 and 1',
    steps: '200: our bar on drift',
    ranks: 'on a virtual clock',
    controls: 'orders of the examples in every batch, of which the drift is a root mean square',
    learningRates: 'of each optimizer; the loss falls with all',
  },
  differences: [
    'The survey trains large language models on GPUs; here a GPT of the characters of tinyshakespeare, small enough to compare bits.',
    'Ranks run on a virtual clock in one process and carry real data; bytes are those of the communicator’s ledger.',
    'Everything is float32: 16P, 8P + 8P/N, 4P + 12P/N and 16P/N bytes with Adam, not the 16, 4 + 12/N, 2 + 14/N and 16/N of mixed precision.',
    'Distances between parameters are ‖θ − θ′‖ / ‖θ′‖ over all of them but the biases of the keys: softmax takes no notice of those, their gradient is rounding alone, and Adam makes whole steps of it in any two runs. One norm over all parameters, since the largest single difference is that of the unluckiest one.',
    'The control is one rank that takes each batch at once, its examples in another order: every sum over examples is made anew, and the ranks have no part in it.',
    'The table of characters is used at both ends of the model, so that ZeRO-3 gathers it twice: 8T(N − 1)/N bytes beside the 12P(N − 1)/N of the formula.',
  ],
  async run({ config, seed, data, signal, progress, once }) {
    const { accumulation, globalBatch, learningRates, steps } = config;
    const characters = shakespeare(data.texts, config.length);
    const random = toRandom(seed).stream('parity');
    const first = random.stream('examples').permutation(characters.train.size);
    const examples = first.slice(0, steps * globalBatch);
    const split = selectExamples(characters.train, examples);
    const looks = LOOKS.filter((step) => step < steps).concat(steps);
    const fresh = (): LayersModel => characterGpt(characters, config, seed);

    const rows: ParityRow[] = [];
    const total = OPTIMIZERS.length * config.ranks.length * STAGES.length;
    for (const optimizer of OPTIMIZERS) {
      const settings = { optimizer, globalBatch, learningRate: learningRates[optimizer]!, loss: LOSS, seed, shuffle: false } as const; // prettier-ignore
      const run = async (examplesOf: Split, zero: ZeroStage = 0, comm: Communicator = self()) =>
        trainAndLook(fresh(), { ...settings, zero, accumulation: comm.size > 1 ? accumulation : 1 }, examplesOf, looks, comm); // prettier-ignore
      const found = await once(optimizer, async () => {
        const of: Omit<ParityRow, 'seed' | 'optimizer'>[] = [];
        const ordinary = await run(split);
        const squares = looks.map(() => 0);
        for (let k = 0; k < config.controls; k++) {
          throwIfAborted(signal, 'parity');
          progress({ stage: `${optimizer}, another order`, done: rows.length, total });
          const { weights } = await run(reorder(split, globalBatch, random.stream('orders').stream(k)));
          for (const [i, each] of weights.entries())
            squares[i] = squares[i]! + relativeDistance(each, ordinary.weights[i]!) ** 2;
        }
        const drift = squares.map((sum) => Math.sqrt(sum / config.controls));
        for (const ranks of config.ranks) {
          const sequences = new Map<string, Run>();
          for (const zero of STAGES) {
            throwIfAborted(signal, 'parity');
            progress({ stage: `${optimizer}, ZeRO-${zero}, ${ranks} ranks`, done: rows.length + of.length, total }); // prettier-ignore
            const { results } = await simulate(ranks, ({ comm }) => run(split, zero, comm));
            const [{ losses, weights, report }] = results as [(typeof results)[0]];
            // without accumulation all stages add in one order
            const order = zero < 2 || accumulation === 1 ? 'sum first' : 'reduce first';
            const sequence = sequences.get(order) ?? (await inSequence(fresh(), { ...settings, zero, accumulation }, split, ranks, steps)); // prettier-ignore
            sequences.set(order, sequence);
            const ends = results.map((result) => result.weights.at(-1)!);
            const { parameters, padding, bytes, peak, table } = report;
            const padded = parameters + padding;
            const shared = (from: ZeroStage): number => (zero >= from ? padded / ranks : padded);
            const half = 4 * padded * (ranks - 1);
            const model = fresh();
            const planned = plan(model, { ...settings, zero, accumulation }, { ranks });
            model.dispose();
            of.push({
              zero,
              ranks,
              fromSequence: Math.max(...ends.map((end) => largestDifference(end, sequence.weights[0]!))),
              lossFromSequence: Math.max(...losses.map((loss, i) => Math.abs(loss - sequence.losses[i]!))),
              relativeLoss: Math.max(...losses.slice(0, 5).map((loss, i) => Math.abs(loss / ordinary.losses[i]! - 1))), // prettier-ignore
              looks,
              apart: weights.map((each, i) => relativeDistance(each, ordinary.weights[i]!)),
              drift,
              lossBefore: losses[0]!,
              lossAfter: losses.at(-1)!,
              bytes: bytes.total,
              bytesByFormula: 4 * (zero === 3 ? padded / ranks : parameters) + 4 * shared(2) + (optimizer === 'sgd' ? 0 : 8) * shared(1), // prettier-ignore
              sent: results.reduce((sum, result) => sum + result.sent, 0),
              sentByFormula:
                half * [2, 2, 1 + accumulation, 3 * accumulation][zero]! +
                (zero === 3 ? 8 * accumulation * table * (ranks - 1) : 0),
              peak,
              plannedPeak: planned.peak,
            });
          }
        }
        return of;
      });
      rows.push(...found.map((row) => ({ seed, optimizer, ...row })));
    }
    return rows;
  },
  claims: [
    claim(
      'every stage of ZeRO with SGD, Adam and LAMB has the bits of one rank that does the same sharded arithmetic, after the last update too',
      {
        paper: 'our bar: 0',
        measure: (rows) =>
          inEveryRow(rows, ({ fromSequence, lossFromSequence }) => fromSequence === 0 && lossFromSequence === 0), // prettier-ignore
      },
    ),
    claim('the losses of the first 5 updates differ by at most 1e-6 from those of ordinary training', {
      paper: 'our bar: 1e-6',
      measure: (rows) => ({
        ...inEveryRow(rows, ({ relativeLoss }) => relativeLoss <= 1e-6),
        ...most(rows, ({ relativeLoss }) => relativeLoss),
      }),
    }),
    claim(
      'after update 200 the parameters are at most 3 × as far from those of ordinary training as another order of examples takes them',
      {
        paper: 'our bar: 3 × at update 200',
        measure: (rows) => ({
          ...inEveryRow(rows, ({ apart, drift }) => apart.at(-1)! <= 3 * drift.at(-1)!),
          ...most(rows, ({ apart, drift }) => apart.at(-1)! / drift.at(-1)!, ' ×'),
        }),
      },
    ),
    claim('persistent bytes of a rank are those of the formula, to the byte', {
      paper: '16P, 8P + 8P/N, 4P + 12P/N, 16P/N',
      measure: (rows) => inEveryRow(rows, ({ bytes, bytesByFormula }) => bytes === bytesByFormula),
    }),
    claim('bytes on the wire are those of the formula, to the byte', {
      paper: '8P(N − 1)/N, ZeRO-3 12P(N − 1)/N',
      measure: (rows) => inEveryRow(rows, ({ sent, sentByFormula }) => sent === sentByFormula),
    }),
    claim('the plan is within 2 % of the measured peak', {
      paper: 'our bar: 2 %',
      measure: (rows) =>
        inEveryRow(rows, ({ peak, plannedPeak }) => Math.abs(plannedPeak / peak - 1) <= 0.02),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(
      where(rows, { zero: 3, ranks: Math.max(...rows.map(({ ranks }) => ranks)) }).flatMap(
        ({ seed, optimizer, looks, apart, drift }) =>
          looks.flatMap((step, i) => [
            { seed, optimizer, step, distance: apart[i]!, series: 'ZeRO-3' },
            { seed, optimizer, step, distance: drift[i]!, series: 'one rank, other order' },
          ]),
      ),
      {
        title: 'How far rounding takes parameters from ordinary training',
        x: { field: 'step', title: 'updates', scale: 'log' },
        y: { field: 'distance', title: '‖Δθ‖ / ‖θ‖', scale: 'log', format: '.0e' },
        series: 'series',
        facet: 'optimizer',
      },
    ),
});

async function trainAndLook(
  model: LayersModel,
  settings: EngineConfig,
  split: Split,
  looks: readonly number[],
  comm: Communicator,
) {
  const engine = await initialize(model, settings, { comm });
  const weights: NamedWeights[] = [];
  const before = engine.report().sent;
  let sent = 0;
  const { losses } = await engine.fit(split, {
    epochs: 1,
    async onUpdate({ step }) {
      if (step === 1) sent = engine.report().sent - before;
      if (looks.includes(step)) weights.push(weightsByName(await engine.model()));
    },
  });
  const report = { ...engine.report(), table: model.getLayer('wte').countParams() };
  await engine.close();
  model.dispose();
  return { losses, weights, report, sent };
}

async function inSequence(
  model: LayersModel,
  settings: EngineConfig,
  split: Split,
  ranks: number,
  steps: number,
): Promise<Run> {
  const { losses } = await trainInSequence(model, checkConfig('parity', settings, { size: ranks }), split, { steps }); // prettier-ignore
  const weights = [weightsByName(model)];
  model.dispose();
  return { losses, weights };
}

/** The same batches, the examples of each in another order. */
function reorder(split: Split, batch: number, random: ReturnType<typeof toRandom>): Split {
  const indexes = new Int32Array(split.size);
  for (let at = 0; at < split.size; at += batch)
    indexes.set(random.stream(at).permutation(batch).map((i) => at + i), at); // prettier-ignore
  return selectExamples(split, indexes);
}

function largestDifference(a: NamedWeights, b: NamedWeights): number {
  let most_ = 0;
  for (const [name, values] of a)
    for (const [i, x] of values.entries()) most_ = Math.max(most_, Math.abs(x - b.get(name)![i]!));
  return most_;
}

/** The largest figure of all rows, to show. */
function most(rows: readonly ParityRow[], value: (row: ParityRow) => number, unit = '') {
  const [largest, fine] = [
    Math.max(...rows.map(value)),
    (x: number) => (x < 0.01 ? x.toExponential(1) : x.toFixed(2)),
  ];
  return { ours: `at most ${fine(largest)}${unit} in ${rows.length} rows`, values: { largest } };
}
