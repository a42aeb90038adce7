import '@tensorflow/tfjs';
import { classCurves } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-cifar10',
  dataset: 'cifar10',
  title: 'CIFAR-10',
  pretrainOn: 'tin100-32',
  augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  differences: ['CIFAR-10 as far as the user has it; pretraining on tin100-32 instead of ImageNet.'],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        classes: 3,
        perClass: 8,
        testPerClass: 10,
        network: 'small-cnn',
        baseClasses: 2,
        baseEpochs: 1,
        pretrainEpochs: 0.02,
        bytes: 100_000,
        replay: 7,
        learningRate: 0.02,
      },
    },
    standard: {
      seeds: 2,
      config: {
        classes: 10,
        perClass: 40,
        testPerClass: 30,
        network: 'small-cnn',
        baseClasses: 2,
        baseEpochs: 20,
        pretrainEpochs: 2,
        bytes: 1_000_000,
        replay: 31,
        learningRate: 0.02,
      },
    },
    paper: {
      seeds: 5,
      config: {
        classes: 10,
        perClass: 5_000,
        testPerClass: 1_000,
        network: 'resnet-8',
        baseClasses: 2,
        baseEpochs: 30,
        pretrainEpochs: 15,
        bytes: 8_000_000,
        replay: 31,
        learningRate: 0.02,
      },
    },
  },
});
