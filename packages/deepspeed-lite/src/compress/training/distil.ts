/**
 * Knowledge distillation while training: outputs softened by a temperature, hidden states and attention of a teacher.
 *
 * Sources: outputs as Hinton, Vinyals and Dean 2015; hidden states by their squared distance as TinyBERT (Jiao et al. 2020,
 * equation 8); attention by its divergence as MiniLM (Wang et al. 2020, equation 1); all in one stage as XTC (Wu et al.
 * 2022, section 4).
 * Deviations: hidden states are compared layer by layer under the names that both models have, without a projection.
 */
import {
  add,
  clipByValue,
  div,
  engine,
  log,
  logSoftmax,
  mean,
  mul,
  neg,
  softmax,
  squaredDifference,
  sub,
  sum,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { model as makeModel, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { ArgumentError, type Split } from '@ockham/core';
import {
  checkDistillation,
  checkFit,
  distillationFrom,
  lossFunction,
  type Loss,
  type LossFunction,
} from '@ockham/core/training';

/** What a student learns from a teacher, beside the labels. */
export interface TeacherOptions {
  /** Not changed. The same inputs and outputs as the student's, and not the student itself. */
  readonly teacher: LayersModel;
  /** Share of the teacher's outputs, against the labels, in (0, 1]. Default 1: the teacher alone, as XTC. */
  readonly weight?: number;
  /** T, softens both outputs, > 0. Default 1, XTC's. */
  readonly temperature?: number;
  /** Adds the mean squared distance of hidden states, times this. Default 0. */
  readonly hidden?: number;
  /** Which layers' outputs count as hidden states. Default the last of each layer of our BERT and GPT. */
  readonly hiddenLayers?: RegExp;
  /** Adds the divergence of attention probabilities from the teacher's, times this. Default 0. */
  readonly attention?: number;
}

/** Data and loss to hand to `train`, and how to end the lesson. */
export interface Lesson {
  /** Inputs with the teacher's outputs among the targets. */
  readonly data: Split;
  /** Reads those targets. */
  readonly loss: LossFunction;
  /** Lets go of the student. */
  end(): void;
}

const HIDDEN = /(^|\/)(encoder\/layer_\d+\/output\/LayerNorm|h_\d+\/mlp\/add)$/;
const EPSILON = 1e-7;

/**
 * What `train` needs for a student to learn from a teacher. Where outputs of classes alone are learned from, the teacher runs
 * once over the data; else it runs beside the student.
 *
 * @throws ArgumentError for options out of range, a teacher whose outputs or layers do not fit, a loss that is not on classes.
 */
export async function learnFrom(
  student: LayersModel,
  data: Split,
  loss: Loss,
  options: TeacherOptions,
  signal?: AbortSignal,
): Promise<Lesson> {
  const { teacher, weight = 1, temperature = 1, hidden = 0, attention = 0 } = options;
  const who = 'learnFrom';
  if (teacher === student)
    throw new ArgumentError(`${who}: the teacher must be another model than the student. Pass cloneModel(student).`); // prettier-ignore
  checkDistillation(who, { weight, temperature }, loss);
  for (const [name, value] of Object.entries({ hidden, attention })) {
    if (!(value >= 0 && Number.isFinite(value)))
      throw new ArgumentError(`${who}: ${name} must be a number ≥ 0, got ${value}.`);
  }
  checkFit(who, teacher, data, { loss, name: 'data for the teacher' });
  const [theirs, ours] = [teacher, student].map(({ outputs }) => outputs[0]!.shape.slice(1));
  if (String(theirs) !== String(ours))
    throw new ArgumentError(
      `${who}: the teacher's outputs must be [${ours!.join(', ')}] as the student's, got [${theirs!.join(', ')}].`,
    );
  if (hidden === 0 && attention === 0 && ours!.length === 1) {
    const made = await distillationFrom(teacher, data, loss, { weight, temperature }, signal);
    return { ...made, end: () => undefined };
  }
  return beside(student, data, loss, options);
}

/** Runs the teacher on every batch that the student sees. */
function beside(student: LayersModel, data: Split, loss: Loss, options: TeacherOptions): Lesson {
  const { teacher, weight = 1, temperature = 1, hidden = 0, attention = 0 } = options;
  const states = hidden > 0 ? hiddenPairs(student, teacher, options.hiddenLayers ?? HIDDEN) : [];
  const scores = attention > 0 ? attentionPairs(student, teacher) : [];
  const pairs = [...states, ...scores];
  const both = [student, teacher].map((whole, i) =>
    pairs.length === 0
      ? undefined
      : makeModel({ inputs: whole.inputs, outputs: [whole.outputs[0]!, ...pairs.map((pair) => pair[i]!)] }),
  );
  let seen: { readonly student: Tensor[]; readonly teacher: Tensor[] } | undefined;
  const stock = student.apply.bind(student);
  student.apply = (x: Tensor, kwargs: { training?: boolean }) => {
    const outputs = (net: LayersModel, i: number, apply: LayersModel['apply'], mode: object) =>
      [both[i] ? both[i].apply(x, mode) : apply.call(net, x, mode)].flat() as Tensor[];
    const own = outputs(student, 0, stock, kwargs);
    seen = { student: own, teacher: offTape(() => outputs(teacher, 1, teacher.apply, { training: false })) };
    return own[0]!;
  };
  const hard = lossFunction(loss);
  const scaled = (output: Tensor): Tensor =>
    div(loss === 'crossEntropyFromLogits' ? output : log(clipByValue(output, EPSILON, 1)), temperature);
  return {
    data,
    loss(target, prediction) {
      const { student: mine, teacher: given } = seen!;
      seen = undefined;
      const soft = neg(mean(sum(mul(softmax(scaled(given[0]!)), logSoftmax(scaled(prediction))), -1)));
      let total = mul(soft, weight * temperature ** 2);
      if (weight < 1) total = add(total, mul(hard(target, prediction), 1 - weight));
      for (const [i] of pairs.entries()) {
        const [a, b] = [mine[i + 1]!, given[i + 1]!];
        const term = i < states.length ? mean(squaredDifference(a, b)) : divergence(b, a);
        const share = i < states.length ? hidden / states.length : attention / scores.length;
        total = add(total, mul(term, share));
      }
      return total;
    },
    end: () => delete (student as { apply?: unknown }).apply,
  };
}

/** The mean over rows of Σ p log(p / q). */
function divergence(p: Tensor, q: Tensor): Tensor {
  const logOf = (x: Tensor): Tensor => log(clipByValue(x, EPSILON, 1));
  return mean(sum(mul(p, sub(logOf(p), logOf(q))), -1));
}

type Pair = readonly [student: SymbolicTensor, teacher: SymbolicTensor];

function hiddenPairs(student: LayersModel, teacher: LayersModel, layers: RegExp): Pair[] {
  return pairsOf(student, teacher, 'hidden', String(layers), (layer) => layers.test(layer.name));
}

function attentionPairs(student: LayersModel, teacher: LayersModel): Pair[] {
  return pairsOf(student, teacher, 'attention', 'AttentionProbabilities', (layer) => layer.getClassName() === 'AttentionProbabilities'); // prettier-ignore
}

function pairsOf(
  student: LayersModel,
  teacher: LayersModel,
  option: string,
  what: string,
  fits: (layer: LayersModel['layers'][number]) => boolean,
): Pair[] {
  const known = new Map(teacher.layers.map((layer) => [layer.name, layer]));
  const pairs = student.layers.filter(fits).flatMap((layer): Pair[] => {
    const other = known.get(layer.name);
    return other ? [[layer.output as SymbolicTensor, other.output as SymbolicTensor]] : [];
  });
  if (pairs.length === 0)
    throw new ArgumentError(`learnFrom: ${option} needs layers of the same name in both models, ${what}; there is none. Leave it out, or name layers.`); // prettier-ignore
  for (const [a, b] of pairs) {
    if (String(a.shape) === String(b.shape)) continue;
    throw new ArgumentError(
      `learnFrom: ${option} of ${a.sourceLayer.name} must be [${b.shape.slice(1).join(', ')}] as the teacher's, got [${a.shape.slice(1).join(', ')}]. Leave ${option} out.`,
    );
  }
  return pairs;
}

/** Computes without recording gradients. */
function offTape<T>(work: () => T): T {
  const { state } = engine();
  const depth = state.gradientDepth;
  state.gradientDepth = 0;
  try {
    return work();
  } finally {
    state.gradientDepth = depth;
  }
}
