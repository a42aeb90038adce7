export { claim } from './claim.ts';
export type { Claim, ClaimOptions, Finding, Verdict } from './claim.ts';
export { evaluateClaims } from './evaluate.ts';
export type { Circumstances, ClaimResult, FigureVerdicts } from './evaluate.ts';
export { experiment } from './experiment.ts';
export type {
  DatasetName,
  Experiment,
  ExperimentOptions,
  Figure,
  Row,
  RunContext,
  Scale,
  ScaleName,
  Scales,
} from './experiment.ts';
export { compareOverSeeds } from './compare.ts';
export type { CompareOptions } from './compare.ts';
export { formatStatistics } from './format-figures.ts';
export type { FigureFormat } from './format-figures.ts';
export { differenceAtLeast, inEveryRow, meanAtLeast, meanAtMost } from './measures.ts';
export { paper } from './papers.ts';
export type { Answer, Headline, PackagePapers, Paper } from './papers.ts';
export { barsOverSeeds, lineOverSeeds, pointsOfRows } from './plot.ts';
export type { Axis, PlotSpec, SeedPlotOptions } from './plot.ts';
export { groupBy, overSeeds, where } from './rows.ts';
export type { SeedStatistics } from './rows.ts';
export { renderSvg } from './svg.ts';
export { trainOnce } from './train-once.ts';
export type { TrainingRun } from './train-once.ts';
export type { Texts } from './load-texts.ts';
export { whileLocked } from './while-locked.ts';
