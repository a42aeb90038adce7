import '@tensorflow/tfjs';
import { classCurves, curveScales } from './class-curves.ts';

export default classCurves({
  id: 'cssl/figures-3-5-mnist',
  dataset: 'mnist',
  title: 'MNIST',
  pretrainOn: 'fashion-mnist',
  augment: [{ name: 'crop-flip', padding: 2, flip: 0 }],
  differences: [
    'MNIST; pretraining on Fashion-MNIST instead of ImageNet; random crops only, since digits have a hand.',
  ],
  scales: curveScales('grey', {
    classes: 10,
    perClass: 500,
    testPerClass: 1_200,
    baseClasses: 2,
    bytes: 800_000,
  }),
});
