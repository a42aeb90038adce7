import type { PackagePapers } from '@ockham/reproduce';
import { paper } from '@ockham/reproduce';

const declared: PackagePapers = {
  effect: 'trains, adapts, compresses or recovers it in factors of low rank',
  headline: {
    figure: 'lowrank/lenet-5-post-hoc#lenet-5-post-hoc',
    claim: '98.9 % with at most 13,091 weights',
    say: 'LeNet-5 on MNIST with 13,091 weights or fewer: {ours} right',
  },
  papers: [
    paper({
      title: 'Sequential Low-Rank Recovery',
      prints: {
        'Figure 1': 'the two factors that LoRA trains beside a frozen kernel',
        'Figure 2': 'the steps of LoRA-the-Explorer: train, merge, reset',
        'Figure 3': 'error of the sum of the first k rank-1 estimates',
      },
      answers: {
        'Figure 1': {
          notTestable: 'A drawing; nothing is measured. The factors and the frozen kernel are held by tests.',
          tests: ['packages/lowrank/test/lora.test.ts'],
        },
        'Figure 2': {
          notTestable:
            'A drawing; nothing is measured. The three steps are held by tests; `lte` measures the method.',
          tests: ['packages/lowrank/test/lte.test.ts'],
        },
        'Figure 3': { figures: ['lowrank/figure-3#figure-3', 'lowrank/figure-3#figure-3-components'] },
      },
    }),
    paper({
      title: 'Efficient training of low-rank neural networks (talk on DLRT)',
      prints: {
        'Slide "Memory and computation footprints", list': 'parameters of AlexNet, VGG16, DALL-E and M-BERT',
        'Slides "Model compression" and "Pruning methods", pictures': 'quantised and factorised weights',
        'Slide "The lottery ticket hypothesis", figure':
          'full against pruned network as more of LeNet-5 is pruned, reprinted',
        'Slide "Train and (then) compress", picture': 'the usual order of training and compression',
        'Slide "Project the whole vector field", picture': 'the tangent space of the low-rank manifold',
        'Slide "Fully-connected on MNIST: Rank evolution", figure': 'ranks over training for several ϑ',
        'Slide "Fully-connected on MNIST: Time and accuracy", figures':
          'time of a batch and test accuracy for several ranks and ϑ',
        'Slide "Convolutional NN (LeNet5) on MNIST", table':
          'accuracy, ranks and parameters for eight ϑ, and other methods',
        'Slide "Results of adaptive DLRT on Imagenet1K", table': 'ResNet-50 and VGG16 with ϑ = 0.1',
        'Slide "DLRT vs vanilla low-rank", figure': 'training by KLS and as UVᵀ from small singular values',
      },
      answers: {
        'Slide "Memory and computation footprints", list': {
          notTestable: 'Sizes of published networks, nothing is measured.',
        },
        'Slides "Model compression" and "Pruning methods", pictures': {
          notTestable: 'Drawings; nothing is measured.',
        },
        'Slide "The lottery ticket hypothesis", figure': {
          figures: ['fw-prune/lottery-ticket#lottery-ticket'],
          note: 'a figure of Frankle and Carbin 2019; the network here is LeNet-300-100',
        },
        'Slide "Train and (then) compress", picture': {
          notTestable: 'A drawing; nothing is measured. `lenet-5-post-hoc` does what it shows.',
        },
        'Slide "Project the whole vector field", picture': {
          notTestable: 'A drawing; nothing is measured. The projected step is held by tests.',
          tests: ['packages/lowrank/test/dlrt-step.test.ts'],
        },
        'Slide "Fully-connected on MNIST: Rank evolution", figure': {
          figures: ['lowrank/dlrt-rank-evolution#dlrt-rank-evolution'],
        },
        'Slide "Fully-connected on MNIST: Time and accuracy", figures': {
          figures: ['lowrank/dlrt-rank-evolution#dlrt-rank-evolution'],
        },
        'Slide "Convolutional NN (LeNet5) on MNIST", table': {
          figures: [
            'lowrank/dlrt-lenet-5#dlrt-lenet-5',
            'lowrank/dlrt-lenet-5-table#dlrt-lenet-5-table',
            'lowrank/lenet-5-post-hoc#lenet-5-post-hoc',
          ],
        },
        'Slide "Results of adaptive DLRT on Imagenet1K", table': {
          figures: ['lowrank/dlrt-imagenet#dlrt-imagenet'],
          note: 'by a proxy on CIFAR-10: ImageNet and networks of that size are out of reach here',
        },
        'Slide "DLRT vs vanilla low-rank", figure': { figures: ['lowrank/dlrt-robustness#dlrt-robustness'] },
      },
    }),
  ],
};

export default declared;
