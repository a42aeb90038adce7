import type { PackagePapers } from '@ockham/reproduce';

// every figure and table of the paper: declare them with `paper({ … })` of @ockham/reproduce
const declared: PackagePapers = {
  effect: 'rounds its kernels to few levels',
  headline: {
    figure: '__name__/rounding-error#rounding-error',
    claim: 'the error is within 5 % of that of a uniform fraction of a step',
    say: 'the error of rounding is {ours} off its formula',
  },
  papers: [],
};

export default declared;
