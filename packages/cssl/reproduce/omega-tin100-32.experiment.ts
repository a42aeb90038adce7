import '@tensorflow/tfjs';
import { omega } from './omega.ts';

export default omega({
  dataset: 'tin100-32',
  title: '20 classes of tin100-32',
  bar: 0.7,
  augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        classes: 2,
        perClass: 8,
        testPerClass: 10,
        network: 'small-cnn',
        capacity: 16,
        replay: 7,
        optimizer: 'momentum',
        learningRate: 0.02,
        epochs: 1,
        batchSize: 32,
      },
    },
    standard: {
      seeds: 2,
      config: {
        classes: 10,
        perClass: 40,
        testPerClass: 30,
        network: 'small-cnn',
        capacity: 400,
        replay: 31,
        optimizer: 'momentum',
        learningRate: 0.02,
        epochs: 15,
        batchSize: 32,
      },
    },
    paper: {
      seeds: 5,
      config: {
        classes: 20,
        perClass: 120,
        testPerClass: 30,
        network: 'resnet-8',
        capacity: 2_400,
        replay: 31,
        optimizer: 'momentum',
        learningRate: 0.02,
        epochs: 30,
        batchSize: 32,
      },
    },
  },
});
