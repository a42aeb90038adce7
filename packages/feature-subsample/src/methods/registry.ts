/** The methods by name. */
import { conjugateGradients } from './conjugate-gradients.ts';
import { consensus } from './consensus.ts';
import { controlVariate } from './control-variate.ts';
import { deregularisedDropout } from './deregularised-dropout.ts';
import { fedAvg, fedProx } from './fedavg.ts';
import { feddr } from './feddr.ts';
import { fedPD } from './fedpd.ts';
import { fedSplit } from './fedsplit.ts';
import { gradientDescent } from './gradient-descent.ts';
import { maskedFeatures } from './masked-features.ts';
import type { Method } from './method.ts';
import { scaffold } from './scaffold.ts';
import { stochasticGradientDescent } from './stochastic-gradient-descent.ts';

/**
 * - `gd`, `sgd`, `masked`, `deregularised`, `consensus`: Algorithms 1 to 5 of the paper
 * - `control-variate`, `feddr`: beyond it
 * - `fedavg`, `fedprox`, `fedpd`, `fedsplit`, `scaffold`: baselines, workers split by rows
 * - `cg`: conjugate gradients, the reference
 */
export type MethodName =
  | 'gd'
  | 'sgd'
  | 'masked'
  | 'deregularised'
  | 'consensus'
  | 'control-variate'
  | 'feddr'
  | 'fedavg'
  | 'fedprox'
  | 'fedpd'
  | 'fedsplit'
  | 'scaffold'
  | 'cg';

export const methods: Readonly<Record<MethodName, Method>> = {
  gd: gradientDescent,
  sgd: stochasticGradientDescent,
  masked: maskedFeatures,
  deregularised: deregularisedDropout,
  consensus,
  'control-variate': controlVariate,
  feddr,
  fedavg: fedAvg,
  fedprox: fedProx,
  fedpd: fedPD,
  fedsplit: fedSplit,
  scaffold,
  cg: conjugateGradients,
};
