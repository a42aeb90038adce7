import '@tensorflow/tfjs';
import { mnistBuffer } from './mnist-buffer.ts';

export default mnistBuffer({
  id: 'cssl/mnist-500',
  network: 'mlp-400',
  capacity: 500,
  bar: 0.93,
  published: 'GDumb 91.9',
  rivals: ['replay', 'DER++', 'iCaRL', 'GDumb', 'fine-tuning'],
});
