/** One way to make learning cheaper: what it is for, and the claims of committed results that speak for and against it. */
export interface DecisionRow {
  readonly want: string;
  readonly call: string;
  /** `[package/experiment, how the claim begins]`; the figure, its scale and its verdict are read from the result. */
  readonly measured: readonly (readonly [experiment: string, claim: string])[];
  readonly limit: string;
}

/** The table of `docs/choose-a-method.md`. It holds no figure: those come from the results. */
export const decisionRows: readonly DecisionRow[] = [
  {
    want: 'a smaller file, the same layers',
    call: '[`prune`](../packages/fw-prune/README.md)',
    measured: [
      ['fw-prune/lenet-300-100', '20× smaller, error'],
      ['fw-prune/lenet-5', '50× smaller within'],
    ],
    limit: 'needs data and retraining; zeros alone make no dense engine faster',
  },
  {
    want: 'a faster model on every engine',
    call: '[`pruneStructured`](../packages/fw-prune/README.md)',
    measured: [
      ['fw-prune/structured', 'half the FLOPs within'],
      ['fw-prune/structured', 'the measured median latency'],
    ],
    limit: 'needs data and retraining; channels that residual sums couple go together or stay',
  },
  {
    want: 'a small file and little memory, no training',
    call: '[`compress`](../packages/deepspeed-lite/README.md#compression)',
    measured: [
      ['deepspeed-lite/compression', 'BERT-mini, int8: the file'],
      ['deepspeed-lite/compression', 'int8: at most 0.2 points'],
      ['deepspeed-lite/compression', '4-bit, distilled: at most'],
    ],
    limit: 'the result is read by this package alone, and its packed weights do not train on',
  },
  {
    want: 'a trained model in fewer parameters, as ordinary layers',
    call: '[`compressLowRank`](../packages/lowrank/README.md)',
    measured: [['lowrank/lenet-5-post-hoc', '98.9 % with at most']],
    limit: 'a layer whose factors would be larger than itself stays whole: small convolutions gain little',
  },
  {
    want: 'to train small from the first step',
    call: '[`dlrt`](../packages/lowrank/README.md#dynamical-low-rank-training)',
    measured: [
      ['lowrank/dlrt-lenet-5', 'KLS from scratch'],
      ['lowrank/dlrt-lenet-5', 'with at most 29,260'],
    ],
    limit: 'dense layers and 2-d convolutions; a tolerance has to be chosen',
  },
  {
    want: 'small embedding tables',
    call: '[`compressEmbeddings`](../packages/count-sketch-embed/README.md)',
    measured: [
      ['count-sketch-embed/word-level', '16 times smaller'],
      ['count-sketch-embed/word-level', '64 times smaller'],
    ],
    limit: 'pays off where tables are most of the model; tokens that training never saw have to be left out',
  },
  {
    want: 'to learn from a stream, each example once',
    call: '[`coldStart`](../packages/cssl/README.md)',
    measured: [
      ['cssl/mnist-500', 'MLP-400, buffer 500'],
      ['cssl/mnist-500', 'plain fine-tuning forgets'],
      ['cssl/mnist-500', 'above replay'],
    ],
    limit: 'classifiers of images; that it beats plain replay is not shown at this scale',
  },
  {
    want: 'to train on several machines with few bytes',
    call: '[`initialize`](../packages/deepspeed-lite/README.md#on-many-ranks) with `zeroOneAdam`',
    measured: [
      ['deepspeed-lite/compressed', '0/1 Adam sends at least'],
      ['deepspeed-lite/compressed', '0/1 Adam is at most 1 point'],
    ],
    limit: 'needs a whole copy of the model on each rank (`zero: 0`)',
  },
  {
    want: 'the same, talking now and then only',
    call: '[`lte`](../packages/lowrank/README.md#lora-the-explorer-lte)',
    measured: [
      ['lowrank/lte', 'and moves at least 10'],
      ['lowrank/lte', 'LTE with 4 heads is at most'],
    ],
    limit: 'no batch normalisation that trains',
  },
  {
    want: 'a model that does not fit one rank',
    call: '[`initialize`](../packages/deepspeed-lite/README.md#on-many-ranks) with `zero` or `mesh`',
    measured: [
      ['deepspeed-lite/survey-claims', 'ZeRO-2 holds up to 8 times fewer bytes, in float32'],
      ['deepspeed-lite/survey-claims', 'ZeRO-3 sends no more'],
    ],
    limit: 'ask `plan` first what each rank would hold and send',
  },
  {
    want: 'least squares whose features lie apart',
    call: '[`solve`](../packages/feature-subsample/README.md)',
    measured: [['feature-subsample/baselines', 'the control variate ends below FedAvg']],
    limit: 'linear models; where every worker may see every feature, `cg` needs fewer rounds',
  },
  {
    want: 'excited states of a molecule or spin chain',
    call: '[`quantumGame`](../packages/quantum-game/README.md)',
    measured: [
      ['quantum-game/accuracy', 'every molecule up to the limit'],
      ['quantum-game/noise', 'QuantumGame errs less than VQD under the same depolarisation'],
    ],
    limit: 'simulated, up to 26 qubits; under noise VQD errs less',
  },
];
