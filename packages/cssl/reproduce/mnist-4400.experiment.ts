import '@tensorflow/tfjs';
import { mnistBuffer } from './mnist-buffer.ts';

export default mnistBuffer({
  id: 'cssl/mnist-4400',
  network: 'mlp-400',
  capacity: 4_400,
  bar: 0.97,
  published: 'GDumb 97.8',
  rivals: ['replay', 'DER++', 'iCaRL', 'GDumb'],
});
