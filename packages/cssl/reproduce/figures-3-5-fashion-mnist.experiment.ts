import '@tensorflow/tfjs';
import { classCurves, curveScales } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-fashion-mnist',
  dataset: 'fashion-mnist',
  title: 'Fashion-MNIST',
  pretrainOn: 'mnist',
  augment: ['crop-flip'],
  differences: ['Fashion-MNIST; pretraining on MNIST instead of ImageNet; random crops and flips only.'],
  scales: curveScales('grey', {
    classes: 10,
    perClass: 500,
    testPerClass: 1_200,
    baseClasses: 2,
    bytes: 800_000,
  }),
});
