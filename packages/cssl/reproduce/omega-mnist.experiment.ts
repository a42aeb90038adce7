import '@tensorflow/tfjs';
import { omega, omegaScales } from './omega.ts';

export default omega({
  dataset: 'mnist',
  title: 'MNIST',
  bar: 0.97,
  augment: ['warp'],
  scales: omegaScales,
});
