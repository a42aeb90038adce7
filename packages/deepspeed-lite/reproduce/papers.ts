import type { PackagePapers } from '@ockham/reproduce';
import { paper } from '@ockham/reproduce';

const survey = 'deepspeed-lite/survey-claims#survey-claims';

const declared: PackagePapers = {
  effect: 'trains it on many ranks; then weights of few bits, long sequences, fast inference',
  headline: {
    figure: 'deepspeed-lite/compressed#compressed',
    claim: '0/1 Adam sends at least 26 times fewer bytes from end to end',
    say: 'bytes that 0/1 Adam sends, times fewer than Adam: {ours}',
  },
  papers: [
    paper({
      title: 'DeepSpeed for Large-Scale Model Training and Inference (a survey)',
      // it prints no figure and no table: the claims of its sections stand in their place
      prints: {
        'Section 3.1.1': 'data parallelism and ZeRO: the same training without redundant states',
        'Section 3.1.2': 'model parallelism: a rank stores the part of a layer that is its own',
        'Section 3.1.3': 'pipeline parallelism: memory and balance of stages',
        'Section 3.1.4': '3D parallelism without excess communication',
        'Section 3.2.1': 'layer reduction',
        'Section 3.2.2': 'weight quantization',
        'Section 3.2.3': 'activation quantization',
        'Section 3.2.4': 'pruning of entries, rows, heads and channels',
        'Section 3.2.5': 'ZeroQuant',
        'Section 3.2.6': 'XTC: binary and ternary weights',
        'Section 3.3': 'sparse attention for long sequences',
        'Section 3.4': 'LAMB and tuning: fewer samples at large batches',
        'Section 3.5': 'ZeRO against 3D parallelism by batch size',
        'Section 3.6.1': 'inference by adaptive parallelism',
        'Section 3.6.2': 'inference kernels for small batches',
        'Section 3.6.3': 'MoQ: bits chosen while training',
        'Section 4.1': 'speed on clusters of GPUs',
        'Section 4.2': 'scalability',
        'Section 4.3.1': 'memory efficiency',
        'Section 4.3.2': 'data efficiency: curriculum learning and random layerwise token dropping',
        'Section 4.3.3': 'compute efficiency: compressed optimizers and slow networks',
        'Section 4.4': 'minimal changes of code',
      },
      answers: {
        'Section 3.1.1': { figures: ['deepspeed-lite/parity#parity'] },
        'Section 3.1.2': {
          figures: ['deepspeed-lite/models#models', 'deepspeed-lite/mesh-parity#mesh-parity'],
        },
        'Section 3.1.3': { figures: ['deepspeed-lite/pipeline#pipeline'] },
        'Section 3.1.4': {
          figures: [
            'deepspeed-lite/models#models',
            'deepspeed-lite/mesh-parity#mesh-parity',
            'deepspeed-lite/scaling#scaling',
          ],
        },
        'Section 3.2.1': { figures: ['deepspeed-lite/extreme#extreme'] },
        'Section 3.2.2': {
          figures: [
            'deepspeed-lite/compression#compression-accuracy',
            'deepspeed-lite/compression#compression-size',
          ],
        },
        'Section 3.2.3': { figures: ['deepspeed-lite/compression#compression-accuracy'] },
        'Section 3.2.4': {
          notTestable:
            'It prints no figure. What is built is held by tests; the benchmark `pruned-latency` times it.',
          tests: ['packages/deepspeed-lite/test/compression.test.ts'],
        },
        'Section 3.2.5': {
          figures: [
            'deepspeed-lite/compression#compression-accuracy',
            'deepspeed-lite/compression#compression-size',
          ],
        },
        'Section 3.2.6': { figures: ['deepspeed-lite/extreme#extreme'] },
        'Section 3.3': { figures: ['deepspeed-lite/long-attention#long-attention'] },
        'Section 3.4': {
          notTestable:
            'It needs batches of tens of thousands for BERT on GPUs. LAMB and the tuner are built and held by tests.',
          tests: [
            'packages/deepspeed-lite/test/optimizers.test.ts',
            'packages/deepspeed-lite/test/tuning.test.ts',
          ],
        },
        'Section 3.5': { figures: ['deepspeed-lite/zero-against-3d#zero-against-3d'] },
        'Section 3.6.1': { figures: ['deepspeed-lite/inference#inference'] },
        'Section 3.6.2': { figures: ['deepspeed-lite/inference#inference'] },
        'Section 3.6.3': { figures: ['deepspeed-lite/moq#moq'] },
        'Section 4.1': {
          notTestable: 'It needs clusters of up to 1,024 GPUs, and Megatron to compare with.',
        },
        'Section 4.2': {
          figures: ['deepspeed-lite/scaling#scaling'],
          note: 'simulated; rates of GPUs are not testable here',
        },
        'Section 4.3.1': { figures: [survey], note: 'among the claims of all sections' },
        'Section 4.3.2': { figures: ['deepspeed-lite/data-efficiency#data-efficiency'] },
        'Section 4.3.3': {
          figures: ['deepspeed-lite/compressed#compressed', survey],
          note: 'slow networks among the claims of all sections',
        },
        'Section 4.4': {
          notTestable:
            'Nothing to measure: `initialize`, `fit` and `save` take the place of a training loop.',
          tests: ['packages/deepspeed-lite/test/engine.test.ts'],
        },
      },
    }),
  ],
};

export default declared;
