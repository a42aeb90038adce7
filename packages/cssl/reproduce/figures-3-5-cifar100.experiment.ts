import '@tensorflow/tfjs';
import { classCurves, curveScales } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-cifar100',
  dataset: 'cifar100',
  title: 'CIFAR-100',
  pretrainOn: 'rest',
  augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  differences: ['Pretraining on the classes that the stream leaves out instead of ImageNet.'],
  scales: curveScales('colour', {
    classes: 50,
    perClass: 500,
    testPerClass: 100,
    baseClasses: 10,
    bytes: 20_000_000,
  }),
});
