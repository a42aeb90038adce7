/** A small BERT fine-tuned on a GLUE task: what is compressed, and what teaches the compressed. */
import type { Split } from '@ockham/core';
import { encodeDataset, type TextExamples } from '@ockham/core/datasets';
import { evaluate } from '@ockham/core/metrics';
import { bert } from '@ockham/core/models';
import { trainOnce, type RunContext, type Texts } from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';
// the one that LoRA is measured on too, made once and kept in the cache
import { copyEncoder, warmThenLinear, type Recipe } from '../../lowrank/reproduce/pretrained-bert.ts';

export { pretrained, type Recipe } from '../../lowrank/reproduce/pretrained-bert.ts';

/** Classes as numbers from 0, logits as outputs. */
export const LOSS = 'crossEntropyFromLogits' as const;

/** The tasks of the issue. */
export const TASKS = ['SST-2', 'RTE', 'MRPC'] as const;
/** One of {@link TASKS}. */
export type Task = (typeof TASKS)[number];

/** How a task is learned. */
export interface TaskPlan {
  /** Tokens of an example; longer ones are cut off. */
  readonly length: number;
  /** Training examples, at most. */
  readonly examples: number;
  /** Passes of the float model, and as many of every compressed one after it. */
  readonly epochs: number;
}

/** What is common to the arms of an experiment. */
export interface TeacherConfig {
  readonly base: Recipe;
  readonly tasks: Readonly<Partial<Record<Task, TaskPlan>>>;
  readonly testExamples: number;
  readonly batchSize: number;
  /** Of the float model's fine-tuning. */
  readonly learningRate: number;
}

/** Examples of one task and the model that learned them. */
export interface Taught {
  readonly task: Task;
  readonly plan: TaskPlan;
  readonly train: Split;
  readonly test: Split;
  readonly teacher: LayersModel;
  /** On the development set, in [0, 1]. */
  readonly accuracy: number;
  /** Of its most frequent class. */
  readonly majority: number;
}

/** Fine-tunes `base` on a task, once for a seed: a run that was killed finds it again. */
export async function taught(
  run: Pick<RunContext<TeacherConfig>, 'config' | 'seed' | 'progress' | 'signal' | 'checkpoint'>,
  base: LayersModel,
  texts: Texts,
  task: Task,
): Promise<Taught> {
  const { config, seed, signal } = run;
  const plan = config.tasks[task]!;
  const given = texts.tasks[task];
  const { train, test } = await encodeDataset(
    {
      ...given,
      train: firstTexts(given.train, plan.examples),
      test: firstTexts(given.test, config.testExamples),
    },
    texts.tokenizer,
    { length: plan.length, input: 'ids-and-types', signal },
  );
  const teacher = bert({
    preset: config.base.preset,
    length: plan.length,
    positions: 128,
    head: 'classifier',
    classes: 2,
    output: 'logits',
    input: 'ids-and-types',
    name: `bert-${task}`,
    seed,
  });
  copyEncoder(base, teacher);
  await trainOnce(run, `${task}-float`, teacher, train, {
    ...schedule(config, plan, config.learningRate),
    snapshotEvery: 500,
  });
  const ones = (test.y.values as Int32Array).reduce((sum, label) => sum + label, 0);
  return {
    task,
    plan,
    train,
    test,
    teacher,
    accuracy: await accuracyOf(teacher, test, signal),
    majority: Math.max(ones, test.size - ones) / test.size,
  };
}

/** Options of `train` for one arm: up to `rate` over the first steps, then down to 0 in a line. */
export function schedule(
  { batchSize }: Pick<TeacherConfig, 'batchSize'>,
  { epochs }: TaskPlan,
  rate: number,
) {
  return {
    epochs,
    batchSize,
    loss: LOSS,
    optimizer: 'adam',
    learningRate: (step: number, total: number) => rate * warmThenLinear(step, total),
  } as const;
}

export async function accuracyOf(model: LayersModel, test: Split, signal: AbortSignal): Promise<number> {
  return (await evaluate(model, test, { loss: LOSS, batchSize: 64, signal })).accuracy;
}

function firstTexts({ size, first, second, labels }: TextExamples, most: number): TextExamples {
  const count = Math.min(size, most);
  return {
    size: count,
    first: first.slice(0, count),
    ...(second ? { second: second.slice(0, count) } : {}),
    labels: labels.subarray(0, count),
  };
}
