import type { PackagePapers } from '@ockham/reproduce';
import { paper } from '@ockham/reproduce';

/** The paper's figure on CIFAR-100, then on the data sets that stand beside it. */
function onEveryStream(figure: string): [string, ...string[]] {
  const of = (data: string) => `cssl/figures-3-5-${data}#${figure}`;
  return [of('cifar100'), of('cifar10'), of('fashion-mnist'), of('mnist'), of('tin100')];
}

const note = 'on other data too, each with a figure of its own';

const declared: PackagePapers = {
  effect: 'lets it learn from a stream, each example once, from a cold start, without forgetting',
  headline: {
    figure: 'cssl/figures-3-5-mnist#figure-3',
    claim: 'a cold start ends above REMIND',
    say: 'MNIST in a stream, one class after the other, each example once: {ours}',
  },
  papers: [
    paper({
      title: 'Continual learning',
      prints: {
        'Figure 1': 'the parts of a streaming learner and how an example passes through them',
        'Figure 2':
          'accuracy of ResNet-18 on CIFAR-10 and CIFAR-100 against the fraction of frozen parameters',
        'Figure 3': 'accuracy on CIFAR-100 after each class, against other methods',
        'Figure 4': 'the cold start and the pre-trained start of Figure 3',
        'Figure 5': 'the same in top-5 accuracy',
      },
      answers: {
        'Figure 1': {
          notTestable: 'A drawing; nothing is measured. Its parts and their order are held by tests.',
          tests: ['packages/cssl/test/learner.test.ts', 'packages/cssl/test/replay-buffer.test.ts'],
        },
        'Figure 2': {
          figures: ['cssl/figure-2#figure-2'],
          note: 'on tin100-32 with a small network: weights of ResNet-18 from ImageNet are not at hand',
        },
        'Figure 3': { figures: onEveryStream('figure-3'), note },
        'Figure 4': { figures: onEveryStream('figure-4'), note },
        'Figure 5': { figures: onEveryStream('figure-5'), note },
      },
    }),
  ],
};

export default declared;
