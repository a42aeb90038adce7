import type { PackagePapers } from '@ockham/reproduce';
import { paper } from '@ockham/reproduce';

const declared: PackagePapers = {
  effect: 'takes weights, filters and neurons out of it, by Frank-Wolfe or by magnitude',
  headline: {
    figure: 'fw-prune/lenet-300-100#lenet-300-100',
    claim: '20× smaller, error at most 2.18 %',
    say: 'LeNet-300-100 on MNIST with 5 % of its weights: test error {ours}',
  },
  papers: [
    paper({
      title: 'Algorithmic Variants of Frank-Wolfe for Convolutional Neural Network Pruning',
      prints: {
        'Table 1': 'the convolutional network for MNIST',
        'Figure 1': 'accuracy and loss of pruned networks against pre-training epochs',
        'Figure 2': 'normalised inference time against pre-training epochs',
        'Figure 3': 'non-zero parameters against pre-training epochs',
      },
      answers: {
        'Table 1': {
          notTestable:
            'It describes the network and measures nothing. Its layers and 34,826 parameters are held by tests.',
          tests: ['packages/core/test/models.test.ts'],
        },
        'Figure 1': {
          figures: ['fw-prune/figures-1-3#figure-1-accuracy', 'fw-prune/figures-1-3#figure-1-loss'],
        },
        'Figure 2': { figures: ['fw-prune/figures-1-3#figure-2'] },
        'Figure 3': { figures: ['fw-prune/figures-1-3#figure-3'] },
      },
    }),
  ],
};

export default declared;
