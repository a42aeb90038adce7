import '@tensorflow/tfjs';
import { throwIfAborted } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { launch, launchProcesses } from '@ockham/core/comm/node';
import { quantile } from '@ockham/core/metrics';
import {
  claim,
  experiment,
  inEveryRow,
  lineOverSeeds,
  meanAtLeast,
  where,
  type Row,
} from '@ockham/reproduce';
import { getBackend } from '@tensorflow/tfjs-core';
import { costOf, MODELS, type ModelCost, type ModelName, type ModelSizes } from './scaling-models.ts';
import type { ScalingTimes, ScalingWork } from './scaling.script.ts';

interface Config extends ModelSizes {
  /** Examples of one rank alone: measured. */
  readonly batch: number;
  readonly turns: number;
  /** Examples of each rank, and of all: simulated. */
  readonly weakBatch: number;
  readonly strongBatch: number;
  readonly ranks: readonly number[];
}

interface ScalingRow extends Row {
  readonly model: ModelName;
  /** `strong`: the same batch for all ranks together; `weak`: the same for each; `apart`: that, by ranks that do not talk. */
  readonly kind: 'strong' | 'weak' | 'apart';
  /** `measured` on this machine, or a simulated network. */
  readonly on: string;
  readonly ranks: number;
  readonly examples: number;
  /** Examples a second of all ranks ÷ of one. */
  readonly speedUp: number;
  /** That ÷ ranks. */
  readonly efficiency: number;
}

/** Operations a second of a simulated rank: a core. */
const FLOPS = 20e9;
const NETWORKS = {
  '1 Gbit/s': { alpha: 5e-5, beta: 8e-9 },
  '100 Gbit/s': { alpha: 5e-6, beta: 8e-11 },
} as const;
const MEASURED = 'measured';
/** Bytes sent stand for so many: a clock moves the same, and less is copied. */
const SCALE = 2 ** 14;

const scale = (config: Partial<Config>): Config => ({
  depth: 20,
  preset: 'tiny',
  vocabulary: 1000,
  length: 32,
  batch: 16,
  turns: 5,
  weakBatch: 32,
  strongBatch: 1024,
  ranks: [1, 2, 4, 16, 64, 256, 1024],
  ...config,
});

export default experiment<Config, ScalingRow, never>({
  id: 'deepspeed-lite/scaling',
  paper: 'Section 3.1.4: scale to any number of GPUs without excess communication overhead',
  datasets: [],
  alone: true,
  scales: {
    smoke: { seeds: 1, config: scale({ depth: 8, length: 8, vocabulary: 100, batch: 2, turns: 1, ranks: [1, 2, 8], strongBatch: 8 }) }, // prettier-ignore
    standard: { seeds: 2, config: scale({}) },
    paper: { seeds: 3, config: scale({ preset: 'mini', vocabulary: 30_522, length: 64, batch: 32, turns: 15 }) }, // prettier-ignore
  },
  why: {
    depth: 'of the residual network for CIFAR-10',
    preset: 'of the encoder; mini at paper scale',
    vocabulary: 'all English word pieces at paper scale; its table is most of what is sent',
    length: 'tokens of an example',
    batch: 'examples of an update of one rank, measured',
    turns: 'of one rank and of two',
    weakBatch: 'examples of an update on each rank',
    strongBatch: 'of all ranks together: one example for each of 1,024',
    ranks: 'our bar',
  },
  differences: [
    'Data parallelism; measured with ranks of this machine, of one thread each: threads on wasm, processes on the native engine. Both cores have to be idle for these figures to mean anything.',
    'Simulated: cores of 20 Gflop/s on a virtual clock, which compute what the layers’ multiplications take, a backward pass as two forward ones; gradients go in the engine’s buckets of 1 MiB, each by a ring, behind the rest of the backward pass. The optimizer takes no time.',
    'Over 1 Gbit/s a ring of 1,024 ranks takes 2 · 1,023 messages of 50 µs for each bucket, a tenth of a second, and behind the last bucket there is nothing left to compute.',
    'Ranks that do not talk are what the machine leaves to two: memory and clock are shared.',
    'Made-up examples: time does not depend on them.',
  ],
  async run({ config, seed, progress, signal, once }) {
    const { batch, turns, ranks, weakBatch, strongBatch, ...sizes } = config;
    const rows: ScalingRow[] = [];
    const total = 2 * (1 + 2 * ranks.length * Object.keys(NETWORKS).length);
    for (const model of Object.keys(MODELS) as ModelName[]) {
      progress({ stage: `${model}, two ranks`, done: rows.length, total });
      rows.push(...(await once(`measured-${model}`, () => measure({ engine: getBackend(), model, sizes, batch, turns }, seed)))); // prettier-ignore
      const made = MODELS[model](sizes, seed);
      const cost = await costOf(made);
      made.dispose();
      for (const on of Object.keys(NETWORKS) as (keyof typeof NETWORKS)[])
        for (const kind of ['strong', 'weak'] as const)
          for (const n of ranks) {
            throwIfAborted(signal, 'scaling');
            progress({ stage: `${model}, ${on}, ${n} ranks`, done: rows.length, total });
            const each = kind === 'weak' ? weakBatch : strongBatch / n;
            const time = async (count: number, examples: number): Promise<number> =>
              (await simulate(count, (rank) => update(rank, cost, examples), { alpha: NETWORKS[on].alpha, beta: NETWORKS[on].beta * SCALE })).seconds; // prettier-ignore
            const examples = each * n;
            const speedUp = (examples / (await time(n, each))) * ((await time(1, each)) / each);
            rows.push({ seed, model, kind, on, ranks: n, examples, speedUp, efficiency: speedUp / n });
          }
    }
    return rows;
  },
  claims: [
    claim('two ranks are at least 1.7 times as fast as one with the same batch, on this machine', {
      paper: 'our bar: 1.7 × on two idle cores',
      measure: (rows) => meanAtLeast(measured(rows, 'strong'), ({ speedUp }) => speedUp, 1.7, { unit: '×' }),
    }),
    claim('two ranks are at least 90 % as fast as two that do not talk, on this machine', {
      paper: 'our bar: 0.90 of the same run with communication switched off',
      measure: (rows) =>
        meanAtLeast(measured(rows, 'weak'), (row) => row.efficiency / sameApart(rows, row), 0.9, {
          scale: 100,
          unit: '%',
        }),
    }),
    claim('with as many examples on each, the most ranks are at least 90 % as fast each as one over 100 Gbit/s', {
      paper: 'without excess communication overhead',
      minSeeds: 1,
      measure: (rows) => inEveryRow(farthest(rows, 'weak', '100 Gbit/s'), ({ efficiency }) => efficiency >= 0.9),
    }), // prettier-ignore
    claim('and over 1 Gbit/s', {
      paper: 'without excess communication overhead',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(farthest(rows, 'weak', '1 Gbit/s'), ({ efficiency }) => efficiency >= 0.9),
    }),
    claim('with one batch for all, more ranks are less of one each', {
      paper: '3.5: as the batch size decreases, the gap increases',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(simulated(rows, 'strong'), ({ model, on, ranks, efficiency }) =>
          simulated(rows, 'strong').every((row) => row.model !== model || row.on !== on || row.ranks >= ranks || row.efficiency >= efficiency)), // prettier-ignore
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(
      rows.filter(({ on }) => on !== MEASURED).map((row) => ({ ...row, series: `${row.model}, ${row.on}` })),
      {
        title: 'Efficiency of data parallelism, simulated',
        x: { field: 'ranks', title: 'ranks', scale: 'log' },
        y: { field: 'efficiency', title: 'speed of a rank ÷ of one alone', format: '.0%' },
        series: 'series',
        facet: 'kind',
      },
    ),
});

const simulated = (rows: readonly ScalingRow[], kind: ScalingRow['kind']): ScalingRow[] =>
  where(rows, { kind }).filter(({ on }) => on !== MEASURED);
const measured = (rows: readonly ScalingRow[], kind: ScalingRow['kind']): ScalingRow[] =>
  where(rows, { kind, on: MEASURED });

/** Efficiency of the ranks that do not talk, beside a row of those that do. */
const sameApart = (rows: readonly ScalingRow[], { seed, model }: ScalingRow): number =>
  where(measured(rows, 'apart'), { seed, model })[0]!.efficiency;

function farthest(rows: readonly ScalingRow[], kind: ScalingRow['kind'], on: string): ScalingRow[] {
  const most = Math.max(...rows.map(({ ranks }) => ranks));
  return where(rows, { kind, on, ranks: most });
}

/** One update of one rank: buckets are reduced while the rest of the backward pass is computed. */
async function update(
  { comm, compute }: Parameters<Parameters<typeof simulate>[1]>[0],
  { forward, buckets }: ModelCost,
  examples: number,
): Promise<void> {
  await compute((forward * examples) / FLOPS);
  const reductions: Promise<unknown>[] = [];
  for (const { flops, bytes } of buckets) {
    await compute((flops * examples) / FLOPS);
    reductions.push(comm.allReduce(new Uint8Array(Math.max(1, Math.round(bytes / SCALE)))));
  }
  await Promise.all(reductions);
}

/** Two ranks of this machine beside one, in turns. */
async function measure(work: ScalingWork, seed: number): Promise<ScalingRow[]> {
  const start = work.engine === 'tensorflow' ? launchProcesses : launch;
  const script = new URL('scaling.script.ts', import.meta.url);
  const times = await start<ScalingTimes>(2, script, { data: work });
  const slower = (kind: keyof ScalingTimes): number =>
    quantile(
      times[0]![kind].map((_, turn) => Math.max(...times.map((each) => each[kind][turn]!))),
      0.5,
    );
  const alone = quantile(times[0]!.alone, 0.5);
  const { model, batch } = work;
  return (['strong', 'weak', 'apart'] as const).map((kind) => {
    const examples = kind === 'strong' ? batch : 2 * batch;
    const speedUp = ((examples / batch) * alone) / slower(kind);
    return { seed, model, kind, on: MEASURED, ranks: 2, examples, speedUp, efficiency: speedUp / 2 };
  });
}
