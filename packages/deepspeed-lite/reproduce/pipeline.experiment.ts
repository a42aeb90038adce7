import { simulate } from '@ockham/core/comm';
import { claim, experiment, inEveryRow, lineOverSeeds, where, type Row } from '@ockham/reproduce';
import { pipelineSchedule, runSchedule, type PipelineStep, type ScheduleName } from '@ockham/deepspeed-lite';

interface Config {
  readonly stages: readonly number[];
  readonly microBatches: readonly number[];
}

interface PipelineRow extends Row {
  readonly schedule: string;
  readonly stages: number;
  readonly microBatches: number;
  /** Pieces of the model on a stage. */
  readonly chunks: number;
  /** Idle part of the ranks' time, in ranks that wait for one another's messages. */
  readonly bubble: number;
  /** (p − 1)/(v·m + p − 1). */
  readonly formula: number;
  /** Micro-batches, piece by piece, whose activations stage s keeps at most. */
  readonly live: readonly number[];
}

const FORWARD = 1;
const BACKWARD = 2;

/** Runs a schedule with ranks that send one another a number for each tensor, on a clock that only computing moves. */
async function idlePart(schedule: readonly (readonly PipelineStep[])[], chunks: number): Promise<number> {
  const stages = schedule.length;
  const { seconds } = await simulate(
    stages,
    async ({ comm, compute }) => {
      for (const { kind, chunk } of schedule[comm.rank]!) {
        const piece = chunk * stages + comm.rank;
        const [from, to] = kind === 'forward' ? [piece - 1, piece + 1] : [piece + 1, piece - 1];
        const [first, last] = [from < 0 || from === stages * chunks, to < 0 || to === stages * chunks];
        const tag = (at: number): { tag: number } => ({ tag: 2 * at + (kind === 'forward' ? 0 : 1) });
        if (!first) await comm.recv(new Int32Array(1), from % stages, tag(piece));
        // a piece of v is a v-th of the stage
        await compute((kind === 'forward' ? FORWARD : BACKWARD) / chunks);
        if (!last) void comm.send(new Int32Array(1), to % stages, tag(to));
      }
    },
    { alpha: 0, beta: 0 },
  );
  const busy = (schedule[0]!.length / 2) * ((FORWARD + BACKWARD) / chunks);
  return 1 - busy / seconds;
}

const interleavedInGroups = (row: PipelineRow): boolean => row.microBatches % row.stages === 0;

export default experiment<Config, PipelineRow, never>({
  id: 'deepspeed-lite/pipeline',
  paper: 'Section 3.1.3: pipeline parallelism has mixed memory and compute efficiency',
  datasets: [],
  scales: {
    smoke: { seeds: 1, config: { stages: [2, 4], microBatches: [1, 2, 4, 8] } },
    standard: { seeds: 1, config: { stages: [2, 4, 8], microBatches: [1, 2, 3, 4, 6, 8, 16, 32] } },
    paper: { seeds: 1, config: { stages: [2, 4, 8, 16], microBatches: [1, 2, 3, 4, 6, 8, 16, 32, 64, 128] } },
  },
  why: {
    stages: 'ranks of the pipeline',
    microBatches: 'fewer than the stages, as many and more',
  },
  differences: [
    'The survey says that the efficiency is mixed and prints no figure; the bubble is that of Huang et al. 2019 and Narayanan et al. 2021.',
    'Ranks on a virtual clock: a backward pass takes twice as long as a forward pass, messages take no time.',
  ],
  async run({ config, seed, progress }) {
    const rows: PipelineRow[] = [];
    const names: ScheduleName[] = ['gpipe', '1f1b', 'interleaved'];
    const total = names.length * config.stages.length * config.microBatches.length;
    for (const schedule of names)
      for (const stages of config.stages)
        for (const microBatches of config.microBatches) {
          progress({ stage: `${schedule}, ${stages} stages`, done: rows.length, total });
          const chunks = schedule === 'interleaved' ? 2 : 1;
          const steps = pipelineSchedule(schedule, { stages, microBatches, chunks });
          rows.push({
            seed,
            schedule,
            stages,
            microBatches,
            chunks,
            bubble: await idlePart(steps, chunks),
            formula: (stages - 1) / (chunks * microBatches + stages - 1),
            live: runSchedule(steps)!.liveActivations,
          });
        }
    return rows;
  },
  claims: [
    claim<PipelineRow>('the bubble of GPipe and 1F1B is (p − 1)/(m + p − 1)', {
      paper: 'our bar',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(
          rows.filter(({ schedule }) => schedule !== 'interleaved'),
          ({ bubble, formula }) => Math.abs(bubble - formula) < 1e-12,
        ),
    }),
    claim<PipelineRow>('1F1B keeps the activations of min(p − s, m) micro-batches on stage s', {
      paper: 'our bar',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(where(rows, { schedule: '1f1b' }), ({ live, stages, microBatches }) =>
          live.every((count, s) => count === Math.min(stages - s, microBatches)),
        ),
    }),
    claim<PipelineRow>('GPipe keeps those of all micro-batches', {
      paper: 'activation memory for all micro-batches currently being processed',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(where(rows, { schedule: 'gpipe' }), ({ live, microBatches }) => live.every((count) => count === microBatches)), // prettier-ignore
    }),
    claim<PipelineRow>('two pieces a stage halve the bubble time: (p − 1)/(2m + p − 1), where p divides m', {
      paper: 'Narayanan et al. 2021',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(
          where(rows, { schedule: 'interleaved' }).filter(interleavedInGroups),
          ({ bubble, formula }) => Math.abs(bubble - formula) < 1e-12,
        ),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(
      rows.filter((row) => row.schedule !== 'interleaved' || interleavedInGroups(row)),
      {
        title: 'Idle part of a pipeline’s time',
        x: { field: 'microBatches', title: 'micro-batches', scale: 'log' },
        y: { field: 'bubble', title: 'idle', format: '.0%' },
        series: 'schedule',
        names: { gpipe: 'GPipe', '1f1b': '1F1B (the same)', interleaved: 'two pieces a stage' },
        facet: 'stages',
        facetLabel: 'stages = ',
      },
    ),
});
