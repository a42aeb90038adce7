/**
 * Least squares by workers that each see a part of the features: {@link solve}.
 *
 * @module
 */
export { solve, type RoundRecord, type Solution } from './solve.ts';
export type { SolveOptions } from './options.ts';
export { guard, type GuardOptions, type GuardReport } from './guard.ts';
export { certify, type Certificate } from './certificate.ts';
export type { ByteLedger, RoundBytes } from './byte-ledger.ts';
export {
  linearSystem,
  spectrum,
  type DenseMatrix,
  type LinearSystem,
  type Samples,
  type Spectrum,
} from './system.ts';
export { maskFamily, type Mask, type MaskFamily, type MaskKind } from './masks/mask.ts';
export { maskedGradient, maskedLoss, type MaskedForm } from './masked-operator.ts';
export { complexRoots, polynomialRoots, type Complex, type StepScheme } from './step-schemes.ts';
export type { MethodName } from './methods/registry.ts';
export { randomProblem, type RandomProblem, type RandomProblemOptions } from './random-problem.ts';
export { logistic, type LogisticOptions, type LogisticSolution } from './logistic.ts';
export { readCsv, type CsvOptions, type Table } from './readers/csv.ts';
export { readLibsvm, type LibsvmOptions } from './readers/libsvm.ts';
export { standardise } from './readers/standardise.ts';
