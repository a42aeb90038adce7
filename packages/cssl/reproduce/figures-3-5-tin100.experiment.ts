import '@tensorflow/tfjs';
import { classCurves } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-tin100',
  dataset: 'tin100-32',
  title: 'tin100-32',
  pretrainOn: 'rest',
  augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  differences: [
    'tin100-32, 120 images of a class at 32×32, in place of CIFAR-100; pretraining on the classes that the stream leaves out instead of ImageNet.',
  ],
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
        classes: 20,
        perClass: 120,
        testPerClass: 30,
        network: 'resnet-8',
        baseClasses: 4,
        baseEpochs: 30,
        pretrainEpochs: 15,
        bytes: 8_000_000,
        replay: 31,
        learningRate: 0.02,
      },
    },
  },
});
