import '@tensorflow/tfjs';
import { classCurves } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-cifar100',
  dataset: 'cifar100',
  title: 'CIFAR-100',
  pretrainOn: 'rest',
  augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  differences: ['Pretraining on the classes that the stream leaves out instead of ImageNet.'],
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
        classes: 50,
        perClass: 500,
        testPerClass: 100,
        network: 'resnet-8',
        baseClasses: 10,
        baseEpochs: 30,
        pretrainEpochs: 15,
        bytes: 20_000_000,
        replay: 31,
        learningRate: 0.02,
      },
    },
  },
});
