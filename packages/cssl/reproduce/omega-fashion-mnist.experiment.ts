import '@tensorflow/tfjs';
import { omega, omegaScales } from './omega.ts';

export default omega({
  dataset: 'fashion-mnist',
  title: 'Fashion-MNIST',
  bar: 0.88,
  augment: [{ name: 'crop-flip', padding: 2 }],
  scales: omegaScales,
});
