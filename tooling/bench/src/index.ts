export { bench, runBench, type Bench, type BenchResult, type Prepared } from './bench.ts';
export { interleave, type InterleaveOptions, type Variant } from './interleave.ts';
export { machine, type Machine } from './machine.ts';
export { ratio, timing, type Ratio, type Timing } from './summary.ts';
export { table } from './table.ts';
