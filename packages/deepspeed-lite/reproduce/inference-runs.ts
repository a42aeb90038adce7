/** Fused programs beside the models that they are made from: predictions, texts, and plans for several ranks. */
import { useBackend } from '@ockham/core/backend/node';
import { simulate } from '@ockham/core/comm';
import { median } from '@ockham/core/metrics';
import { bert } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import {
  accelerate,
  accelerateRanks,
  generateTokens,
  measureInference,
  planInference,
  type GenerateOptions,
  type InferencePlan,
} from '@ockham/deepspeed-lite/inference';
import { dispose, getBackend, tensor2d, tidy, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { disposeModel } from '../src/tensor/split-model.ts';

/** Sizes of an encoder. */
export interface EncoderSizes {
  readonly preset: 'tiny' | 'mini';
  readonly vocabulary: number;
}

/** One shape of a batch. */
export interface Prediction {
  readonly engine: string;
  readonly length: number;
  readonly batch: number;
  /** Part of the tokens that is padding. */
  readonly padded: number;
  /** max |Δ logit| from the model, of one rank and of two tensor-parallel ones. */
  readonly apart: number;
  readonly apartOnTwoRanks: number;
  /** Milliseconds, medians; and the median ratio of passes that follow each other. */
  readonly unfused: number;
  readonly fused: number;
  readonly speedup: number;
}

/** Runs work on the wasm engine, and goes back to the one that was in use. */
export async function onWasm<T>(work: () => Promise<T>): Promise<T> {
  const before = getBackend() as 'wasm' | 'tensorflow' | 'cpu';
  await useBackend('wasm', { threads: 1 });
  try {
    return await work();
  } finally {
    if (before !== 'wasm') await useBackend(before);
  }
}

/** Logits of a classifier, fused and not, and what they take in turns. */
export async function comparePredictions(
  sizes: EncoderSizes,
  { length, batch, padded, repeats }: { length: number; batch: number; padded: number; repeats: number },
  seed: number,
): Promise<Prediction> {
  const model = bert({ ...sizes, length, output: 'logits', seed });
  const random = new Random(seed).stream(`${batch} × ${length}`);
  const ids = Array.from({ length: batch * length }, (_, i) =>
    i % length >= (1 - padded) * length ? 0 : 1 + random.integer(sizes.vocabulary - 1),
  );
  const x = tensor2d(ids, [batch, length], 'int32');
  const fast = await accelerate(model);
  const usual = (): Tensor => tidy(() => model.predict(x) as Tensor);
  const [wanted, found] = [usual(), fast.predict(x)];
  const { results } = await simulate(2, async ({ comm }) => {
    const ranked = await accelerateRanks(model, comm, { tensor: 2, check: false });
    return ranked.predict(x);
  });
  const apart = await Promise.all([found, ...results].map(async (y) => largestGap(wanted, y)));
  dispose([wanted, found, ...results]);
  const [unfused, fused] = await inTurns(repeats, usual, () => fast.predict(x));
  x.dispose();
  disposeModel(model);
  return {
    engine: getBackend(),
    ...{ length, batch, padded },
    apart: apart[0]!,
    apartOnTwoRanks: Math.max(...apart.slice(1)),
    unfused: median(unfused),
    fused: median(fused),
    speedup: median(unfused.map((time, i) => time / fused[i]!)),
  };
}

/** Texts of a decoder, fused and not. */
export interface Texts {
  readonly prompts: number;
  /** Tokens that were written; and how many of them are those of the unfused model, of one rank and of two. */
  readonly written: number;
  readonly same: number;
  readonly sameOnTwoRanks: number;
  /** Tokens a second: the model as it is, fused, and fused with keys and values kept. */
  readonly unfused: number;
  readonly fused: number;
  readonly kept: number;
}

/** Writes greedily after each prompt. */
export async function compareTexts(
  model: LayersModel,
  prompts: readonly Int32Array[],
  maxTokens: number,
): Promise<Texts> {
  const fast = await accelerate(model);
  const written = prompts.length * maxTokens;
  const timed = async (write: () => Promise<Int32Array[]>): Promise<[Int32Array[], number]> => {
    const start = performance.now();
    const texts = await write();
    return [texts, (1000 * written) / (performance.now() - start)];
  };
  const options: GenerateOptions = { maxTokens };
  const [wanted, unfused] = await timed(() => generateTokens(model, prompts, options));
  const [, fused] = await timed(() => fast.generate(prompts, { ...options, cache: false }));
  const [found, kept] = await timed(() => fast.generate(prompts, options));
  const { results } = await simulate(2, async ({ comm }) => {
    const ranked = await accelerateRanks(model, comm, { tensor: 2, check: false });
    return ranked.generate(prompts, options);
  });
  const same = (texts: readonly Int32Array[]): number =>
    texts.reduce(
      (sum, text, t) =>
        sum + text.filter((token, i) => i >= prompts[t]!.length && token === wanted[t]![i]).length,
      0,
    );
  return {
    prompts: prompts.length,
    written,
    same: same(found),
    sameOnTwoRanks: Math.min(...results.map(same)),
    ...{ unfused, fused, kept },
  };
}

/** A plan, and how far it is from one rank. */
export interface Planned {
  readonly ranks: number;
  readonly tensor: number;
  readonly pipeline: number;
  readonly meets: boolean;
  /** Of the latency of one rank, and of its batches a second. */
  readonly latency: number;
  readonly throughput: number;
}

/** Plans for some numbers of ranks from measured costs; the target is a part of what one rank takes. */
export async function planFor(
  sizes: EncoderSizes,
  {
    length,
    ranks,
    target,
    repeats,
  }: { length: number; ranks: readonly number[]; target: number; repeats: number },
  link: { readonly alpha: number; readonly beta: number },
  seed: number,
): Promise<Planned[]> {
  const model = bert({ ...sizes, length, seed });
  const costs = await measureInference(model, { repeats });
  disposeModel(model);
  const one: InferencePlan = planInference(costs, link, { ranks: 1 });
  return ranks.map((most): Planned => {
    const plan = planInference(costs, link, { ranks: most, latency: target * one.latency });
    const { tensor, pipeline, meets } = plan;
    return {
      ...{ ranks: most, tensor, pipeline, meets },
      latency: plan.latency / one.latency,
      throughput: plan.throughput / one.throughput,
    };
  });
}

async function largestGap(a: Tensor, b: Tensor): Promise<number> {
  const [x, y] = await Promise.all([a.data<'float32'>(), b.data<'float32'>()]);
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0);
}

/** Milliseconds of each pass of two, one after the other. */
async function inTurns(
  repeats: number,
  first: () => Tensor,
  second: () => Tensor,
): Promise<[first: number[], second: number[]]> {
  const times: [number[], number[]] = [[], []];
  for (let i = -2; i < repeats; i++)
    for (const [w, way] of [first, second].entries()) {
      const start = performance.now();
      const y = way();
      await y.data();
      if (i >= 0) times[w]!.push(performance.now() - start);
      y.dispose();
    }
  return times;
}
