import { takeExamples, type Split } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { quantile } from '@ockham/core/metrics';
import { initialize, plan, type EngineConfig, type EngineReport } from '@ockham/deepspeed-lite';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { weightsByName, type NamedWeights } from './parity-runs.ts';

/** Ways to train on many ranks, by name. */
export const LAYOUTS = {
  'data 2': { mesh: { data: 2 } },
  'data 2, ZeRO-1': { mesh: { data: 2 }, zero: 1 },
  'data 2, ZeRO-2': { mesh: { data: 2 }, zero: 2 },
  'data 2, ZeRO-3': { mesh: { data: 2 }, zero: 3 },
  'tensor 2': { mesh: { data: 1, tensor: 2 } },
  'tensor 2, checkpoints in parts': { mesh: { data: 1, tensor: 2 }, activationCheckpointing: 'split' },
  'pipeline 2': { mesh: { data: 1, pipeline: 2 }, accumulation: 2 },
  'data 2 × pipeline 2': { mesh: { data: 2, pipeline: 2 }, accumulation: 2 },
  'data 2 × tensor 2 × pipeline 2, ZeRO-1': {
    mesh: { data: 2, tensor: 2, pipeline: 2 },
    accumulation: 2,
    zero: 1,
  },
} as const satisfies Record<string, EngineConfig>;

/** One of {@link LAYOUTS}. */
export type LayoutName = keyof typeof LAYOUTS;

/** Ranks of a layout. */
export function ranksOf({ mesh: { data = 1, tensor = 1, pipeline = 1 } = {} }: EngineConfig): number {
  return data * tensor * pipeline;
}

/** What ranks did, and what had been planned. */
export interface LayoutRun {
  readonly losses: readonly number[];
  readonly weights: NamedWeights;
  /** Persistent bytes of the rank that has most, measured and planned. */
  readonly bytes: number;
  readonly plannedBytes: number;
  /** Ranks whose persistent bytes, buffers and bytes sent along every axis are as planned. */
  readonly ranksAsPlanned: number;
  /** Peak of the rank whose peak is largest. */
  readonly peak: number;
  /** |measured ÷ planned − 1| of peaks, of the rank where it is largest. */
  readonly planError: number;
  /** Bytes that all ranks send in an update, by axis. */
  readonly sent: { readonly data: number; readonly tensor: number; readonly pipeline: number };
  /** Time of an update by all ranks, which take turns in one thread, ÷ by one rank with the same batch: medians of turns. */
  readonly work: number;
}

/** Options of {@link runLayout}. */
export interface LayoutOptions {
  readonly settings: EngineConfig & { readonly globalBatch: number };
  /** Updates that are timed; none for 0. */
  readonly timed: number;
}

/** Trains once through the examples in a layout, compares with the plan, and times some more updates. */
export async function runLayout(
  fresh: () => LayersModel,
  data: Split,
  layout: EngineConfig,
  { settings, timed }: LayoutOptions,
): Promise<LayoutRun> {
  const config = { ...settings, ...layout };
  const ranks = ranksOf(layout);
  const model = fresh();
  const planned = plan(model, config, { ranks, example: data });
  model.dispose();
  const batch = takeExamples(data, settings.globalBatch);
  const { results } = await simulate(ranks, async ({ comm }) => {
    const own = fresh();
    const engine = await initialize(own, config, { comm });
    const before = engine.report();
    const { losses } = await engine.fit(data, { epochs: 1 });
    const report = engine.report();
    const weights = weightsByName(await engine.model());
    const times: number[] = [];
    const alone: number[] = [];
    const other = comm.rank === 0 && timed > 0 ? fresh() : undefined;
    const single = other && (await initialize(other, { ...settings, accumulation: 1 }));
    for (let k = -1; k < timed; k++) {
      await comm.barrier();
      const start = performance.now();
      await engine.trainBatch(batch);
      await comm.barrier();
      const between = performance.now();
      await single?.trainBatch(batch);
      const end = performance.now();
      if (k < 0) continue; // the first one compiles
      times.push(between - start);
      alone.push(end - between);
    }
    await engine.close();
    await single?.close();
    for (const each of [own, other]) each?.dispose();
    return { losses, weights, report, sent: sentIn(before, report), times, alone };
  });
  const [first] = results as [(typeof results)[0]];
  const asPlanned = ({ report, sent }: (typeof results)[0], rank: number): boolean => {
    const { bytes, buffers, sent: along, sentAlong } = planned.each[rank]!;
    const same = (a: object, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);
    return same(report.bytes, bytes) && same(report.buffers, buffers) && same(sent, { data: along, ...sentAlong }); // prettier-ignore
  };
  const sum = (axis: 'data' | 'tensor' | 'pipeline'): number =>
    results.reduce((total, { sent }) => total + sent[axis], 0);
  return {
    losses: first.losses,
    weights: first.weights,
    bytes: Math.max(...results.map(({ report }) => report.bytes.total)),
    plannedBytes: Math.max(...planned.each.map(({ bytes }) => bytes.total)),
    ranksAsPlanned: results.filter(asPlanned).length,
    peak: Math.max(...results.map(({ report }) => report.peak)),
    planError: Math.max(...results.map(({ report }, rank) => Math.abs(report.peak / planned.each[rank]!.peak - 1))), // prettier-ignore
    sent: { data: sum('data'), tensor: sum('tensor'), pipeline: sum('pipeline') },
    work: timed > 0 ? quantile(first.times, 0.5) / quantile(first.alone, 0.5) : 0,
  };
}

/** Bytes that a rank sent in each update, by axis. */
function sentIn(before: EngineReport, after: EngineReport): LayoutRun['sent'] {
  const each = (of: (report: EngineReport) => number): number => (of(after) - of(before)) / after.updates;
  return {
    data: each(({ sent }) => sent),
    tensor: each(({ sentAlong }) => sentAlong?.tensor ?? 0),
    pipeline: each(({ sentAlong }) => sentAlong?.pipeline ?? 0),
  };
}
