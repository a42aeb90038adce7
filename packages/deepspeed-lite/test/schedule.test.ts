import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runSchedule } from '../src/pipeline/run-schedule.ts';
import { pipelineSchedule, type PipelineSchedule, type ScheduleName } from '../src/pipeline/schedule.ts';

const text = (schedule: PipelineSchedule): string[] =>
  schedule.map((steps) =>
    steps
      .map(({ kind, microBatch, chunk }) => `${kind === 'forward' ? 'F' : 'B'}${microBatch}${'abc'[chunk]}`)
      .join(' '),
  );

describe('the steps of a pipeline', () => {
  it('are those of the figure of 1F1B for 3 stages and 4 micro-batches', () => {
    expect(text(pipelineSchedule('1f1b', { stages: 3, microBatches: 4 }))).toEqual([
      'F0a F1a F2a B0a F3a B1a B2a B3a',
      'F0a F1a B0a F2a B1a F3a B2a B3a',
      'F0a B0a F1a B1a F2a B2a F3a B3a',
    ]);
  });

  it('are those of the figure of interleaving for 2 stages of 2 pieces and 4 micro-batches', () => {
    expect(text(pipelineSchedule('interleaved', { stages: 2, microBatches: 4 }))).toEqual([
      'F0a F1a F0b F1b F2a B0b F3a B1b F2b B0a F3b B1a B2b B3b B2a B3a',
      'F0a F1a F0b B0b F1b B1b F2a B0a F3a B1a F2b B2b F3b B3b B2a B3a',
    ]);
  });

  const sizes = fc.record({
    stages: fc.integer({ min: 1, max: 8 }),
    microBatches: fc.integer({ min: 1, max: 20 }),
    pieces: fc.integer({ min: 2, max: 4 }),
    name: fc.constantFrom<ScheduleName>('gpipe', '1f1b', 'interleaved'),
    forward: fc.integer({ min: 1, max: 5 }),
    backward: fc.integer({ min: 1, max: 9 }),
  });

  it('never lock, pass every micro-batch once each way, and sum gradients in the order of the micro-batches', () => {
    fc.assert(
      fc.property(sizes, ({ stages, microBatches, pieces, name }) => {
        const chunks = name === 'interleaved' ? pieces : 1;
        const schedule = pipelineSchedule(name, { stages, microBatches, chunks });
        expect(runSchedule(schedule)).toBeDefined();
        for (const steps of schedule)
          for (let chunk = 0; chunk < chunks; chunk++)
            for (const kind of ['forward', 'backward'] as const)
              expect(
                steps.filter((s) => s.kind === kind && s.chunk === chunk).map((s) => s.microBatch),
              ).toEqual(Array.from({ length: microBatches }, (_, i) => i));
      }),
    );
  });

  it('leave (p − 1)/(m + p − 1) of the time idle, and keep m or min(p − s, m) activations', () => {
    fc.assert(
      fc.property(sizes, ({ stages: p, microBatches: m, forward, backward }) => {
        for (const name of ['gpipe', '1f1b'] as const) {
          const run = runSchedule(pipelineSchedule(name, { stages: p, microBatches: m }), {
            forward: () => forward,
            backward: () => backward,
          })!;
          expect(run.seconds).toBe((m + p - 1) * (forward + backward));
          for (const bubble of run.bubble) expect(bubble).toBeCloseTo((p - 1) / (m + p - 1), 12);
          expect(run.liveActivations).toEqual(
            Array.from({ length: p }, (_, s) => (name === 'gpipe' ? m : Math.min(p - s, m))),
          );
        }
      }),
    );
  });

  it('leave (p − 1)/(v·m + p − 1) idle when interleaved in whole groups', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 4 }),
        ({ stages: p, pieces: v, forward, backward }, groups) => {
          const m = p * groups;
          const run = runSchedule(
            pipelineSchedule('interleaved', { stages: p, microBatches: m, chunks: v }),
            {
              forward: () => forward,
              backward: () => backward,
            },
          )!;
          for (const bubble of run.bubble) expect(bubble).toBeCloseTo((p - 1) / (v * m + p - 1), 12);
        },
      ),
    );
  });

  it.each([
    ['1f1b', { stages: 0, microBatches: 1 }, /stages must be an integer ≥ 1, got 0/],
    ['1f1b', { stages: 2, microBatches: 1.5 }, /microBatches must be an integer ≥ 1, got 1.5/],
    ['1f1b', { stages: 2, microBatches: 4, chunks: 2 }, /1f1b has 1 piece a stage, got chunks = 2/],
    [
      'interleaved',
      { stages: 2, microBatches: 4, chunks: 1 },
      /needs at least 2 pieces a stage, got chunks = 1/,
    ],
    ['zigzag' as '1f1b', { stages: 2, microBatches: 4 }, /must be gpipe, 1f1b or interleaved, got "zigzag"/],
  ] as const)('are refused for %s %o', (name, shape, message) => {
    expect(() => pipelineSchedule(name, shape)).toThrow(message);
  });

  it('that wait for one another are known for it', () => {
    const [first, second] = pipelineSchedule('1f1b', { stages: 2, microBatches: 2 }) as [never, never];
    expect(runSchedule([first, [...(second as [])].reverse()])).toBeUndefined();
  });
});
