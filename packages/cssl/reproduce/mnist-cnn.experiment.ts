import '@tensorflow/tfjs';
import { mnistBuffer } from './mnist-buffer.ts';

export default mnistBuffer({
  id: 'cssl/mnist-cnn',
  network: 'small-cnn',
  capacity: 1_000,
  bar: 0.975,
  published: 'none',
  rivals: ['replay', 'GDumb'],
});
