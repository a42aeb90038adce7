import '@tensorflow/tfjs';
import { classCurves, curveScales } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-tin100',
  dataset: 'tin100-32',
  title: 'tin100-32',
  pretrainOn: 'rest',
  augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  differences: [
    'tin100-32, 120 images of a class at 32×32, in place of CIFAR-100; pretraining on the classes that the stream leaves out instead of ImageNet.',
  ],
  scales: curveScales('colour', {
    classes: 20,
    perClass: 120,
    testPerClass: 30,
    baseClasses: 4,
    bytes: 8_000_000,
  }),
});
