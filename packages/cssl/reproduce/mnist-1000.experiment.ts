import '@tensorflow/tfjs';
import { mnistBuffer } from './mnist-buffer.ts';

export default mnistBuffer({
  id: 'cssl/mnist-1000',
  network: 'mlp-400',
  capacity: 1_000,
  bar: 0.955,
  published: 'replay 92, CoPE 93',
  rivals: ['replay', 'DER++', 'iCaRL', 'GDumb'],
});
