import '@tensorflow/tfjs';
import { takeExamples, throwIfAborted } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { lenet5 } from '@ockham/core/models';
import { initialize, plan, verify, type EngineConfig, type ZeroStage } from '@ockham/deepspeed-lite';
import { claim, experiment, inEveryRow, lineOverSeeds, where, type Row } from '@ockham/reproduce';

interface Config {
  readonly examples: number;
  readonly globalBatch: number;
  readonly accumulation: number;
  readonly steps: number;
  readonly ranks: number;
  readonly learningRate: number;
  readonly optimizers: readonly ('sgd' | 'adam' | 'lamb')[];
}

interface ParityRow extends Row {
  readonly zero: ZeroStage;
  readonly optimizer: string;
  readonly ranks: number;
  readonly steps: number;
  /** max |Δθ| from one rank that does the same arithmetic. */
  readonly fromSequence: number;
  /** |Δloss| relative to the loss, at most, over the first 5 updates, from one rank that takes each batch at once. */
  readonly relativeLoss: number;
  /** max |Δθ| in the end from that rank, and of a rank whose sums are reordered. */
  readonly apart: number;
  readonly drift: number;
  /** max over the updates of |Δloss|, of both. */
  readonly lossApart: number;
  readonly lossDrift: number;
  readonly lossBefore: number;
  readonly lossAfter: number;
  /** Bytes that a rank holds from update to update, measured and by formula, and sends in an update. */
  readonly bytes: number;
  readonly bytesByFormula: number;
  readonly sent: number;
  readonly sentByFormula: number;
  readonly peak: number;
  readonly plannedPeak: number;
  /** On the virtual clock at 1 Gbit/s, communication alone, ms for an update. */
  readonly milliseconds: number;
}

const scale = (config: Partial<Config>): Config => ({
  examples: 512,
  globalBatch: 16,
  accumulation: 1,
  steps: 2,
  ranks: 2,
  learningRate: 0.002,
  optimizers: ['adam'],
  ...config,
});

export default experiment<Config, ParityRow, 'mnist'>({
  id: 'deepspeed-lite/parity',
  paper: 'Sections on data parallelism and ZeRO: the same training with 1/N of the states',
  datasets: ['mnist'],
  scales: {
    smoke: { seeds: 1, config: scale({}) },
    standard: {
      seeds: 1,
      config: scale({
        examples: 2_000,
        globalBatch: 32,
        steps: 20,
        ranks: 4,
        optimizers: ['sgd', 'adam', 'lamb'],
      }),
    },
    paper: {
      seeds: 5,
      config: scale({
        examples: 60_000,
        globalBatch: 64,
        accumulation: 2,
        steps: 200,
        ranks: 4,
        optimizers: ['sgd', 'adam', 'lamb'],
      }),
    },
  },
  why: {
    examples: 'of the training set, in a seeded order',
    globalBatch: 'divides by the ranks and the accumulation',
    accumulation: 'micro-batches of a rank in an update',
    steps: '200: our bar on drift',
    ranks: 'as many as the mesh 2×2×1 has',
    learningRate: 'of all optimizers',
    optimizers: 'our bar names them',
  },
  differences: [
    'The survey trains large language models on GPUs; here LeNet-5 on MNIST, whose 61,706 parameters are enough to count bytes and compare bits.',
    'Ranks run on a virtual clock in one process and carry real data; bytes are those of the communicator’s ledger.',
    'Everything is float32: 16P, 8P + 8P/N, 4P + 12P/N and 16P/N bytes with Adam, not the 16, 4 + 12/N, 2 + 14/N and 16/N of mixed precision.',
  ],
  async run({ config, seed, data, signal, progress }) {
    const { optimizers, ranks, steps, globalBatch, accumulation, learningRate } = config;
    const split = takeExamples(data.mnist.train, config.examples);
    const rows: ParityRow[] = [];
    const cells = optimizers.flatMap((optimizer) =>
      ([0, 1, 2, 3] as const).map((zero) => ({ optimizer, zero })),
    );
    for (const [done, { optimizer, zero }] of cells.entries()) {
      throwIfAborted(signal, 'parity');
      progress({ stage: `ZeRO-${zero}, ${optimizer}`, done, total: cells.length });
      const settings: EngineConfig = { optimizer, zero, globalBatch, accumulation, learningRate, seed };
      const model = lenet5({ seed });
      const found = await verify(model, settings, split, { steps, ranks });
      const planned = plan(model, settings, { ranks });
      const { results } = await simulate(ranks, async ({ comm, now }) => {
        const own = lenet5({ seed });
        const engine = await initialize(own, settings, { comm });
        const [before, start] = [engine.report().sent, now()];
        await engine.fit(split, { epochs: globalBatch / split.size });
        const [report, end] = [engine.report(), now()];
        await engine.close();
        own.dispose();
        return { ...report, sent: report.sent - before, seconds: end - start };
      });
      model.dispose();
      const { parameters, padding, bytes, sent, peak } = results[0]!;
      const padded = parameters + padding;
      const states = { sgd: 0, adam: 8, lamb: 8 }[optimizer];
      const shared = (from: number): number => (zero >= from ? padded / ranks : padded);
      const half = (4 * padded * (ranks - 1)) / ranks;
      rows.push({
        seed,
        zero,
        optimizer,
        ranks,
        steps,
        fromSequence: found.fromSequence.parameters,
        relativeLoss: found.fromOrdinary.relativeLossAtFirst,
        apart: found.fromOrdinary.parameters,
        drift: found.drift.parameters,
        lossApart: found.fromOrdinary.loss,
        lossDrift: found.drift.loss,
        lossBefore: found.losses[0]!,
        lossAfter: found.losses.at(-1)!,
        bytes: bytes.total,
        bytesByFormula: 4 * (zero === 3 ? padded / ranks : parameters) + 4 * shared(2) + states * shared(1),
        sent,
        sentByFormula: half * [2, 2, 1 + accumulation, 3 * accumulation][zero]!,
        peak,
        plannedPeak: planned.peak,
        milliseconds: results[0]!.seconds * 1000,
      });
    }
    return rows;
  },
  claims: [
    claim(
      'every stage of ZeRO with SGD, Adam and LAMB has the bits of one rank that does the same sharded arithmetic',
      {
        paper: 'our bar: 0',
        measure: (rows) => inEveryRow(rows, ({ fromSequence }) => fromSequence === 0),
      },
    ),
    claim('the losses of the first 5 updates differ by at most 1e-6 from those of ordinary training', {
      paper: 'our bar: 1e-6',
      measure: (rows) => inEveryRow(rows, ({ relativeLoss }) => relativeLoss <= 1e-6),
    }),
    claim('after the last update parameters differ by no more than 3 × what reordered sums make', {
      paper: 'our bar: 3 × at update 200',
      measure: (rows) => inEveryRow(rows, ({ apart, drift }) => apart <= 3 * drift),
    }),
    claim('persistent bytes of a rank are those of the formula, to the byte', {
      paper: '16P, 8P + 8P/N, 4P + 12P/N, 16P/N',
      measure: (rows) => inEveryRow(rows, ({ bytes, bytesByFormula }) => bytes === bytesByFormula),
    }),
    claim(
      'bytes on the wire are those of the formula, to the byte; without accumulation ZeRO-3 moves 1.5 × of data parallelism',
      {
        paper: '8P(N − 1)/N, ZeRO-3 12P(N − 1)/N',
        measure: (rows) => inEveryRow(rows, ({ sent, sentByFormula }) => sent === sentByFormula),
      },
    ),
    claim('the plan is within 2 % of the measured peak', {
      paper: 'our bar: 2 %',
      measure: (rows) =>
        inEveryRow(rows, ({ peak, plannedPeak }) => Math.abs(plannedPeak / peak - 1) <= 0.02),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(where(rows, { optimizer: 'adam' }), {
      title: 'Bytes that a rank holds with Adam',
      x: { field: 'zero', title: 'stage of ZeRO' },
      y: { field: 'bytes', title: 'bytes' },
      series: 'optimizer',
    }),
});
