import '@tensorflow/tfjs';
import { selectExamples, takeExamples, throwIfAborted, type Split } from '@ockham/core';
import { self, simulate, type Communicator } from '@ockham/core/comm';
import { toRandom } from '@ockham/core/random';
import { plan, type ZeroStage } from '@ockham/deepspeed-lite';
import { claim, experiment, inEveryRow, lineOverSeeds, type Row } from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { characterGpt, LOSS, shakespeare, type CharacterSizes } from './characters.ts';
import {
  inSequence,
  largestDifference,
  looksBefore,
  relativeDistance,
  reorder,
  trainAndLook,
  type LookedAt,
} from './parity-runs.ts';

interface Config extends CharacterSizes {
  readonly globalBatch: number;
  readonly accumulation: number;
  readonly steps: number;
  readonly shortSteps: number;
  readonly ranks: readonly number[];
  readonly controls: number;
  readonly learningRates: Readonly<Record<string, number>>;
}

interface ParityRow extends Row {
  readonly optimizer: string;
  readonly zero: ZeroStage;
  readonly ranks: number;
  /** Updates. */
  readonly steps: number;
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

const OPTIMIZERS = ['sgd', 'adam', 'lamb'] as const;
const STAGES = [0, 1, 2, 3] as const;

const scale = (config: Partial<Config>): Config => ({
  layers: 1,
  hidden: 16,
  heads: 2,
  length: 16,
  globalBatch: 8,
  accumulation: 1,
  steps: 6,
  shortSteps: 3,
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
    standard: { seeds: 2, config: scale({ hidden: 32, steps: 30, shortSteps: 10, ranks: [2, 4] }) },
    extended: { seeds: 2, config: scale({ hidden: 32, steps: 200, shortSteps: 20, ranks: [2, 4] }) },
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
        shortSteps: 200,
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
    steps: '200: our bar on drift; of ZeRO-3 on the most ranks',
    shortSteps:
      'of all other stages and numbers of ranks: without accumulation the stages have the same bits, so that more say nothing more',
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
    const { accumulation, globalBatch, learningRates, shortSteps, steps } = config;
    const characters = shakespeare(data.texts, config.length);
    const random = toRandom(seed).stream('parity');
    const first = random.stream('examples').permutation(characters.train.size);
    const examples = first.slice(0, steps * globalBatch);
    const split = selectExamples(characters.train, examples);
    const fresh = (): LayersModel => characterGpt(characters, config, seed);

    const rows: ParityRow[] = [];
    const total = OPTIMIZERS.length * config.ranks.length * STAGES.length;
    for (const optimizer of OPTIMIZERS) {
      const settings = { optimizer, globalBatch, learningRate: learningRates[optimizer]!, loss: LOSS, seed, shuffle: false } as const; // prettier-ignore
      const run = async (examplesOf: Split, zero: ZeroStage = 0, comm: Communicator = self()) =>
        trainAndLook(fresh(), { ...settings, zero, accumulation: comm.size > 1 ? accumulation : 1 }, examplesOf, [shortSteps, steps], comm); // prettier-ignore
      const found = await once(optimizer, async () => {
        const of: Omit<ParityRow, 'seed' | 'optimizer'>[] = [];
        const ordinary = await run(split);
        const squares = new Map<number, number>();
        for (let k = 0; k < config.controls; k++) {
          throwIfAborted(signal, 'parity');
          progress({ stage: `${optimizer}, another order`, done: rows.length, total });
          const { weights } = await run(reorder(split, globalBatch, random.stream('orders').stream(k)));
          for (const [step, each] of weights)
            squares.set(step, (squares.get(step) ?? 0) + relativeDistance(each, ordinary.weights.get(step)!) ** 2); // prettier-ignore
        }
        for (const ranks of config.ranks) {
          const sequences = new Map<string, LookedAt>();
          for (const zero of STAGES) {
            throwIfAborted(signal, 'parity');
            progress({ stage: `${optimizer}, ZeRO-${zero}, ${ranks} ranks`, done: rows.length + of.length, total }); // prettier-ignore
            const long = zero === 3 && ranks === Math.max(...config.ranks);
            const updates = long ? steps : shortSteps;
            const part = takeExamples(split, updates * globalBatch);
            const { results } = await simulate(ranks, ({ comm }) => run(part, zero, comm));
            const [{ losses, weights, report }] = results as [(typeof results)[0]];
            // without accumulation all stages add in one order
            const order = `${updates} ${zero < 2 || accumulation === 1 ? 'sum first' : 'reduce first'}`;
            const sequence = sequences.get(order) ?? (await inSequence(fresh(), { ...settings, zero, accumulation }, part, ranks)); // prettier-ignore
            sequences.set(order, sequence);
            const ends = results.map((result) => result.weights.get(updates)!);
            const looks = looksBefore(updates);
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
              steps: updates,
              fromSequence: Math.max(
                ...ends.map((end) => largestDifference(end, sequence.weights.get(updates)!)),
              ),
              lossFromSequence: Math.max(...losses.map((loss, i) => Math.abs(loss - sequence.losses[i]!))),
              relativeLoss: Math.max(...losses.slice(0, 5).map((loss, i) => Math.abs(loss / ordinary.losses[i]! - 1))), // prettier-ignore
              looks,
              apart: looks.map((step) => relativeDistance(weights.get(step)!, ordinary.weights.get(step)!)),
              drift: looks.map((step) => Math.sqrt(squares.get(step)! / config.controls)),
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
          ...inEveryRow(longest(rows), ({ apart, drift }) => apart.at(-1)! <= 3 * drift.at(-1)!),
          ...most(longest(rows), ({ apart, drift }) => apart.at(-1)! / drift.at(-1)!, ' ×'),
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
      longest(rows).flatMap(({ seed, optimizer, looks, apart, drift }) =>
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

/** The largest figure of all rows, to show. */
function most(rows: readonly ParityRow[], value: (row: ParityRow) => number, unit = '') {
  const [largest, fine] = [
    Math.max(...rows.map(value)),
    (x: number) => (x < 0.01 ? x.toExponential(1) : x.toFixed(2)),
  ];
  return { ours: `at most ${fine(largest)}${unit} in ${rows.length} rows`, values: { largest } };
}

/** Those of the most updates, and of these without the stages and numbers of ranks that were cut short. */
function longest(rows: readonly ParityRow[]): ParityRow[] {
  const steps = Math.max(...rows.map((row) => row.steps));
  return rows.filter((row) => row.steps === steps);
}
