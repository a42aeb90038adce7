export {
  bench,
  runBench,
  type Against,
  type Bench,
  type BenchResult,
  type Comparison,
  type Prepared,
} from './bench.ts';
export { startChild, type Child } from './child.ts';
export { figure } from './figure.ts';
export { interleave, type InterleaveOptions, type Variant } from './interleave.ts';
export { machine, type Machine } from './machine.ts';
export { benchReadme, type BenchReadme } from './readme.ts';
export { judge, Soak, type Verdict } from './soak.ts';
export { ratio, timing, type Ratio, type Timing } from './summary.ts';
export { table } from './table.ts';
export { makeTools, noPython, type Tools } from './tools.ts';
export type { Work } from './work.ts';
