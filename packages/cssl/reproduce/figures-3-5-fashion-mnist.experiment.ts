import '@tensorflow/tfjs';
import { classCurves } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-fashion-mnist',
  dataset: 'fashion-mnist',
  title: 'Fashion-MNIST',
  pretrainOn: 'mnist',
  augment: ['crop-flip'],
  differences: ['Fashion-MNIST; pretraining on MNIST instead of ImageNet; random crops and flips only.'],
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
        pretrainEpochs: 0.004,
        bytes: 60_000,
        replay: 7,
        learningRate: 0.05,
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
        baseEpochs: 10,
        pretrainEpochs: 0.1,
        bytes: 400_000,
        replay: 31,
        learningRate: 0.05,
      },
    },
    paper: {
      seeds: 5,
      config: {
        classes: 10,
        perClass: 1_000,
        testPerClass: 1_200,
        network: 'small-cnn',
        baseClasses: 2,
        baseEpochs: 10,
        pretrainEpochs: 2,
        bytes: 800_000,
        replay: 31,
        learningRate: 0.05,
      },
    },
  },
});
