/**
 * Who computes what and when in a pipeline: GPipe (Huang et al. 2019), 1F1B (Narayanan et al. 2019) and interleaved 1F1B (Narayanan
 * et al. 2021), which gives each stage several pieces of the model.
 *
 * Deviations: all schedules run the backward passes in the order of the micro-batches, GPipe too, so that gradients are summed in the
 * same order and have the same bits whatever the schedule. Interleaving takes any number of micro-batches, not just multiples of the
 * stages: the last group is a smaller one, and stages run as many forward passes ahead as that needs.
 */
import { ArgumentError } from '@ockham/core';
import { runSchedule } from './run-schedule.ts';

/** A schedule by name. */
export type ScheduleName = 'gpipe' | '1f1b' | 'interleaved';

/** One pass of one micro-batch through one piece of the model. */
export interface PipelineStep {
  /** Which way. */
  readonly kind: 'forward' | 'backward';
  /** In [0, microBatches). */
  readonly microBatch: number;
  /** Which of the stage's pieces, in [0, chunks): piece c of stage s is number c · stages + s of the model. */
  readonly chunk: number;
}

/** What each stage does, in order. */
export type PipelineSchedule = readonly (readonly PipelineStep[])[];

/** Sizes of a pipeline. */
export interface PipelineShape {
  /** p, the ranks of the pipeline, ≥ 1. */
  readonly stages: number;
  /** m, ≥ 1; also fewer than stages. */
  readonly microBatches: number;
  /** v, the pieces of the model on each stage: ≥ 2 for `interleaved`, whose default is 2, and 1 for the others. */
  readonly chunks?: number;
}

/**
 * The steps of every stage. What a stage waits for follows from them: a forward pass needs that of the piece before, a backward
 * pass that of the piece after.
 *
 * With passes of one length and nothing else, the idle part of every stage is (p − 1) / (m + p − 1) for `gpipe` and `1f1b`, and
 * (p − 1) / (v·m + p − 1) for `interleaved` where p divides m. Stage s keeps the activations of m micro-batches under `gpipe`, of
 * min(p − s, m) under `1f1b`.
 *
 * @throws ArgumentError for a size that is not a positive integer, or chunks that the schedule cannot have.
 */
export function pipelineSchedule(name: ScheduleName, shape: PipelineShape): PipelineSchedule {
  const { stages, microBatches, chunks = name === 'interleaved' ? 2 : 1 } = shape;
  for (const [what, value] of Object.entries({ stages, microBatches, chunks }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new ArgumentError(`pipelineSchedule: ${what} must be an integer ≥ 1, got ${value}.`);
  if (!['gpipe', '1f1b', 'interleaved'].includes(name))
    throw new ArgumentError(
      `pipelineSchedule: the schedule must be gpipe, 1f1b or interleaved, got ${JSON.stringify(name)}.`,
    );
  if ((name === 'interleaved') !== chunks > 1)
    throw new ArgumentError(
      `pipelineSchedule: ${name} ${name === 'interleaved' ? 'needs at least 2 pieces' : 'has 1 piece'} a stage, got chunks = ${chunks}.`,
    );
  if (name === 'gpipe') return stagesOf(shape, chunks, () => microBatches);
  if (name === '1f1b') return stagesOf(shape, chunks, (stage) => stages - 1 - stage);
  // a smaller last group may need more forward passes ahead; with all of them ahead nothing can lock
  for (let more = 0; ; more++) {
    const ahead = (stage: number): number => 2 * (stages - 1 - stage) + (chunks - 1) * stages + more;
    const schedule = stagesOf(shape, chunks, ahead);
    if (more >= chunks * microBatches || runSchedule(schedule)) return schedule;
  }
}

/** Forward and backward passes in turn, after `ahead(stage)` forward passes. */
function stagesOf(
  { stages, microBatches }: PipelineShape,
  chunks: number,
  ahead: (stage: number) => number,
): PipelineSchedule {
  const pass = (kind: PipelineStep['kind']): PipelineStep[] => {
    const steps: PipelineStep[] = [];
    for (let group = 0; group < microBatches; group += stages)
      for (let c = 0; c < chunks; c++)
        for (let microBatch = group; microBatch < Math.min(group + stages, microBatches); microBatch++)
          steps.push({ kind, microBatch, chunk: kind === 'forward' ? c : chunks - 1 - c });
    return steps;
  };
  const [forward, backward] = [pass('forward'), pass('backward')];
  return Array.from({ length: stages }, (_, stage) => {
    const first = Math.min(ahead(stage), forward.length);
    const steps = forward.slice(0, first);
    for (const [i, step] of backward.entries()) steps.push(...forward.slice(first + i, first + i + 1), step);
    return steps;
  });
}
