import type { PipelineSchedule, PipelineStep } from './schedule.ts';

/** Seconds that things take on the virtual clock. */
export interface PassTimes {
  /** A forward pass of one piece of one stage, by stage. Default 1. */
  readonly forward?: (stage: number) => number;
  /** A backward pass. Default 2. */
  readonly backward?: (stage: number) => number;
  /** From one stage to another. Default 0. */
  readonly transfer?: number;
}

/** How a schedule went on the virtual clock. */
export interface ScheduleRun {
  /** When the last stage was done. */
  readonly seconds: number;
  /** For each stage the part of that time in which it computed nothing, in [0, 1). */
  readonly bubble: readonly number[];
  /** For each stage the most micro-batches, piece by piece, whose activations it kept at once. */
  readonly liveActivations: readonly number[];
}

/** Runs a schedule on a virtual clock; `undefined` where stages wait for one another for ever. */
export function runSchedule(schedule: PipelineSchedule, times: PassTimes = {}): ScheduleRun | undefined {
  const { forward = () => 1, backward = () => 2, transfer = 0 } = times;
  const stages = schedule.length;
  const pieces = stages * (1 + Math.max(0, ...schedule.flat().map(({ chunk }) => chunk)));
  const done = new Map<string, number>(); // when a pass of a piece ended
  const key = (kind: PipelineStep['kind'], piece: number, microBatch: number): string =>
    `${kind} ${piece} ${microBatch}`;
  const next = schedule.map(() => 0);
  const clock = schedule.map(() => 0);
  const busy = schedule.map(() => 0);
  const live = schedule.map(() => 0);
  const peak = schedule.map(() => 0);

  /** When what a step waits for is there; `undefined` as long as it is not known. */
  const ready = (stage: number, { kind, microBatch, chunk }: PipelineStep): number | undefined => {
    const piece = chunk * stages + stage;
    const from = kind === 'forward' ? piece - 1 : piece + 1;
    if (kind === 'forward' && from < 0) return 0;
    if (kind === 'backward' && from === pieces) return done.get(key('forward', piece, microBatch));
    const sent = done.get(key(kind, from, microBatch));
    return sent === undefined ? undefined : sent + (stages > 1 ? transfer : 0);
  };

  for (let moved = true; moved;) {
    moved = false;
    for (const [stage, steps] of schedule.entries())
      for (let step = steps[next[stage]!]; step; step = steps[next[stage]!]) {
        const at = ready(stage, step);
        if (at === undefined) break;
        const seconds = step.kind === 'forward' ? forward(stage) : backward(stage);
        clock[stage] = Math.max(clock[stage]!, at) + seconds;
        busy[stage]! += seconds;
        live[stage]! += step.kind === 'forward' ? 1 : -1;
        peak[stage] = Math.max(peak[stage]!, live[stage]!);
        done.set(key(step.kind, step.chunk * stages + stage, step.microBatch), clock[stage]);
        next[stage]! += 1;
        moved = true;
      }
  }
  if (schedule.some((steps, stage) => next[stage]! < steps.length)) return undefined;
  const seconds = Math.max(...clock);
  return { seconds, bubble: busy.map((time) => 1 - time / seconds), liveActivations: peak };
}
