import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend/node';

await useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto');
