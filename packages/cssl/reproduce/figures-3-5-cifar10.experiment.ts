import '@tensorflow/tfjs';
import { classCurves, curveScales } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-cifar10',
  dataset: 'cifar10',
  title: 'CIFAR-10',
  pretrainOn: 'tin100-32',
  augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  differences: ['CIFAR-10 as far as the user has it; pretraining on tin100-32 instead of ImageNet.'],
  scales: curveScales('colour', {
    classes: 10,
    perClass: 1_000,
    testPerClass: 1_000,
    baseClasses: 2,
    bytes: 8_000_000,
  }),
});
