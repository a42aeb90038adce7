import '@tensorflow/tfjs';
import { classCurves } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-mnist',
  dataset: 'mnist',
  title: 'MNIST',
  pretrainOn: 'fashion-mnist',
  augment: [{ name: 'crop-flip', padding: 2, flip: 0 }],
  differences: [
    'MNIST; pretraining on Fashion-MNIST instead of ImageNet; random crops only, since digits have a hand.',
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
