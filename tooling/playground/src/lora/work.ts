import { ArgumentError, type Split } from '@ockham/core';
import { evaluate, measureLatency } from '@ockham/core/metrics';
import { Random } from '@ockham/core/random';
import { train } from '@ockham/core/training';
import { applyLora, loraReport, mergeLora, unmergeLora } from '@ockham/lowrank';
import { tensor, zeros, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { startEngine } from '../work/engine.ts';
import { pause } from '../work/pause.ts';
import type { OpenWork } from '../work/protocol.ts';
import { ADAPTED, classifier } from './classifier.ts';
import type { Accuracies, LoraCommand, LoraReport } from './messages.ts';
import { drawSentences, encode, LENGTH, toSplit, type Speech } from './sentences.ts';

const BASE_PASSES = 4;
const ADAPTER_PASSES = 10;
/** Between two passes, so that an eye can follow. */
const PAUSE = 60;

interface Trained {
  readonly base: LayersModel;
  readonly adapted: LayersModel;
  /** What the base said of the plain test sentences before there were adapters. */
  readonly before: Float32Array;
  readonly plainTest: Split;
  readonly slangTest: Split;
  merged: boolean;
}

/** A classifier that knows plain speech, and adapters that teach it a slang beside it. */
export const openLora: OpenWork<LoraCommand, LoraReport> = (report) => {
  let base: LayersModel | undefined;
  let trained: Trained | undefined;

  const learn = async (seed: number, rank: number, signal: AbortSignal): Promise<void> => {
    await startEngine();
    const random = new Random(seed).stream('sentences');
    const draw = (count: number, speech: Speech, name: string): Split =>
      toSplit(drawSentences(count, speech, random.stream(name)));
    const [plain, plainTest] = [draw(1200, 'plain', 'plain'), draw(400, 'plain', 'plain test')];
    const [slang, slangTest] = [draw(600, 'slang', 'slang'), draw(400, 'slang', 'slang test')];
    const common = { batchSize: 32, seed, signal };

    const model = (base = classifier(seed));
    await train(model, plain, {
      ...{ ...common, epochs: BASE_PASSES, optimizer: { name: 'adam', learningRate: 3e-3 } },
      onEpoch: async ({ epoch }) => {
        const accuracies = await accuraciesOf(model, plainTest, slangTest);
        report({ kind: 'base', pass: epoch, of: BASE_PASSES, base: accuracies });
        await pause(PAUSE);
      },
    });
    const before = await outputsOf(model, plainTest);

    const adapted = applyLora(model, { rank, alpha: rank, targets: ADAPTED, seed });
    report({ kind: 'cost', cost: loraReport(adapted) });
    await train(adapted, slang, {
      ...{ ...common, epochs: ADAPTER_PASSES, optimizer: { name: 'adam', learningRate: 5e-3 } },
      onEpoch: async ({ epoch }) => {
        const accuracies = await accuraciesOf(adapted, plainTest, slangTest);
        report({ kind: 'adapter', pass: epoch, of: ADAPTER_PASSES, adapted: accuracies });
        await pause(PAUSE);
      },
    });
    trained = { base: model, adapted, before, plainTest, slangTest, merged: false };
    await tellMerged(trained);
  };

  const tellMerged = async ({ base, adapted, before, plainTest, slangTest, merged }: Trained) => {
    const [latency] = await measureLatency(adapted, {
      ...{ batch: [32], repeats: 60 },
      inputs: (batch) => zeros([batch, LENGTH], 'int32'),
    });
    const now = await outputsOf(base, plainTest);
    report({
      ...{ kind: 'merged', merged, latency: latency!.median },
      adapted: await accuraciesOf(adapted, plainTest, slangTest),
      baseUnchanged: now.every((value, i) => value === before[i]),
    });
  };

  return async (command, signal) => {
    if (command.do === 'train') return learn(command.seed, command.rank, signal);
    if (!base) throw new ArgumentError('There is nothing that could read yet. Press Start first.');
    if (command.do === 'merge') {
      if (!trained)
        throw new ArgumentError('There are no trained adapters yet. Press Start and let it finish.');
      if (command.merged !== trained.merged) {
        if (command.merged) mergeLora(trained.adapted);
        else unmergeLora(trained.adapted);
        trained.merged = command.merged;
      }
      return tellMerged(trained);
    }
    const { ids, unknown } = encode(command.text);
    const split = { size: 1, x: { values: ids, shape: [LENGTH] } };
    report({
      ...{ kind: 'verdict', text: command.text, unknown },
      base: (await outputsOf(base, split))[1]!,
      adapted: trained && (await outputsOf(trained.adapted, split))[1]!,
    });
  };
};

async function accuraciesOf(model: LayersModel, plain: Split, slang: Split): Promise<Accuracies> {
  return {
    plain: (await evaluate(model, plain)).accuracy,
    slang: (await evaluate(model, slang)).accuracy,
  };
}

/** `[size, 2]`, chances of blame and of praise. */
async function outputsOf(model: LayersModel, { size, x }: Pick<Split, 'size' | 'x'>): Promise<Float32Array> {
  const input = tensor(x.values, [size, LENGTH], 'int32');
  const output = model.predict(input) as Tensor;
  try {
    return await output.data<'float32'>();
  } finally {
    input.dispose();
    output.dispose();
  }
}
