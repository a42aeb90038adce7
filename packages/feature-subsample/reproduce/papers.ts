import type { PackagePapers } from '@ockham/reproduce';
import { paper } from '@ockham/reproduce';

const declared: PackagePapers = {
  effect: 'fits linear models by workers that each see a part of the features',
  headline: {
    figure: 'feature-subsample/baselines#baselines',
    claim: 'the control variate ends below FedAvg with the same bytes',
    say: 'least squares by workers that see a part of the features, digits right for the same bytes: {ours}',
  },
  papers: [
    paper({
      title: 'Solving Large-Scale Linear Regression with Distributed Feature Subsampling',
      prints: {
        'Figure 1': 'Algorithm 5 against κ, α and the number of local steps, n = 200, d = 500',
        'Figure 2': 'the same with n = 500, d = 200',
      },
      answers: {
        'Figure 1': { figures: ['feature-subsample/figures-1-2#figure-1'] },
        'Figure 2': { figures: ['feature-subsample/figures-1-2#figure-2'] },
      },
    }),
  ],
};

export default declared;
