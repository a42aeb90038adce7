import type { PackagePapers } from '@ockham/reproduce';
import { paper } from '@ockham/reproduce';

const declared: PackagePapers = {
  effect: 'puts a table of far fewer numbers in place of its embedding',
  headline: {
    figure: 'count-sketch-embed/word-level#word-level',
    claim: '64 times smaller, at most 3 points below the full table',
    say: 'a word table 64 times smaller, accuracy on SST-2: {ours}',
  },
  papers: [
    paper({
      title: 'Probabilistically Compressed Embedding Tables',
      prints: {
        'Figure 1': 'the share of the embedding table in BERT-base, BERT-mini and BERT-tiny',
        'Figure 2': 'how EELBERT computes an embedding',
        'Figure 3': 'how ROBE-D computes an embedding',
        'Figure 4': 'the architecture of NanoBERT',
        'Figure 5': 'how a count-sketch computes an embedding',
        'Table 1': 'size and GLUE accuracy of BERT-mini and Count-BERT',
      },
      answers: {
        'Figure 1': {
          notTestable:
            'Reprinted from EELBERT, counts of published networks and no measurement. The sizes of BERT-mini are in Table 1.',
          tests: ['packages/core/test/bert.test.ts'],
        },
        'Figure 2': {
          notTestable: 'A drawing, reprinted; nothing is measured. The method is built and held by tests.',
          tests: ['packages/count-sketch-embed/test/eelbert-embedding.test.ts'],
        },
        'Figure 3': {
          notTestable: 'A drawing, reprinted; nothing is measured. The method is built and held by tests.',
          tests: ['packages/count-sketch-embed/test/embedding-layers.test.ts'],
        },
        'Figure 4': {
          notTestable:
            'A drawing, reprinted; nothing is measured. The table and LoRA on it are held by tests.',
          tests: ['packages/count-sketch-embed/test/embedding-layers.test.ts'],
        },
        'Figure 5': {
          notTestable: 'A drawing; nothing is measured. The median of the rows is held by tests.',
          tests: ['packages/count-sketch-embed/test/count-sketch-embedding.test.ts'],
        },
        'Table 1': {
          figures: [
            'count-sketch-embed/size#size',
            'count-sketch-embed/printed-form#printed-form',
            'count-sketch-embed/bert#bert',
          ],
          note: 'pre-training on the English Wikipedia is out of reach here; QNLI, RTE, QQP and MNLI are not trained',
        },
      },
    }),
  ],
};

export default declared;
