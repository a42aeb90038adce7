/** How each kind of layer moves channels from its inputs to its output, and where its weights hold them. */
import type { serialization } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ChannelClasses, Labels } from './channel-classes.ts';
import { isChannelMapped, type ChannelMapped } from './channel-mapping.ts';

/** A layer of a `tf.LayersModel`. */
export type Layer = LayersModel['layers'][number];

/**
 * What a weight's axis means for the channels along it: the weight makes them (`output`), reads them (`input`),
 * or belongs to them on their way (`follow`: batch normalisation, depthwise kernels).
 */
export type AxisRole = 'output' | 'input' | 'follow';

/** One axis of one weight, with the channel at each of its positions. */
export interface TracedAxis {
  /** Last part of the weight's name, for example `kernel`. */
  readonly weight: string;
  readonly axis: number;
  readonly role: AxisRole;
  readonly labels: Labels;
}

/** Positions of an axis that stay, in order. */
export type Kept = (labels: Labels) => number[];

/** What a rule knows about one call of one layer. */
export interface LayerCall {
  readonly layer: Layer;
  /** Name within the model, `outer/inner` for a nested model's layer. */
  readonly path: string;
  readonly config: serialization.ConfigDict;
  /** Labels of every input; an axis of unknown length has none. */
  readonly inputs: readonly (Labels | undefined)[];
  readonly inputRanks: readonly number[];
  /** Length of the first output's last axis. */
  readonly outputChannels: number | null;
  readonly classes: ChannelClasses;
}

/** A rule's answer. */
export interface LayerFlow {
  readonly output: Labels | undefined;
  readonly axes: readonly TracedAxis[];
  /** Entries of the config that change with the number of channels. */
  readonly resize?: (kept: Kept) => serialization.ConfigDict;
}

type Rule = (call: LayerCall, input: Labels) => LayerFlow | string;

/** Follows one layer; an unknown kind freezes what it touches. */
export function flowThrough(call: LayerCall): LayerFlow {
  const flow = applyRule(call);
  if (typeof flow !== 'string') return flow;
  for (const labels of call.inputs) if (labels) call.classes.freeze(labels, flow);
  const output = call.outputChannels === null ? undefined : call.classes.create(call.outputChannels);
  if (output) call.classes.freeze(output, flow);
  return { output, axes: [] };
}

function applyRule(call: LayerCall): LayerFlow | string {
  const { layer, path, config, inputs } = call;
  const kind = layer.getClassName();
  if (kind === 'Embedding') return embedding(call);
  if (kind === 'AttentionProbabilities') return attentionProbabilities(call);
  if (kind === 'AttentionContext') return attentionContext(call);
  const input = inputs[0];
  if (input === undefined || inputs.includes(undefined)) return `the width of an input of ${path} is unknown`;
  if (isChannelMapped(layer)) return mapped(layer, call, input);
  if (config['dataFormat'] === 'channelsFirst')
    return `${path} keeps channels first; only channels-last layers are traced`;
  const rule = rules[kind];
  if (rule !== pass && inputs.some((labels) => ofHeads.has(labels!)))
    return `${path} reads attention along its positions`;
  if (rule === undefined) return `${path} is a ${kind}, a kind of layer that is not traced`;
  return rule(call, input);
}

const pass: Rule = (_, input) => ({ output: input, axes: [] });

const makesChannels = (config: string, inputAxis: number, outputAxis: number): Rule =>
  function producer({ layer, path, config: settings, outputChannels, classes }, input) {
    const output = classes.create(outputChannels!);
    freezeMixing(settings['activation'], output, path, classes);
    const rank = kernelRank(layer);
    return {
      output,
      axes: [
        { weight: 'kernel', axis: rank + outputAxis, role: 'output', labels: output },
        { weight: 'kernel', axis: rank + inputAxis, role: 'input', labels: input },
        { weight: 'bias', axis: 0, role: 'output', labels: output },
      ],
      resize: (kept) => ({ [config]: kept(output).length }),
    };
  };

const separable: Rule = ({ layer, path, config, outputChannels, classes }, input) => {
  const output = classes.create(outputChannels!);
  freezeMixing(config['activation'], output, path, classes);
  const between = repeatEach(input, depthMultiplierOf(layer));
  return {
    output,
    axes: [
      { weight: 'pointwise_kernel', axis: 3, role: 'output', labels: output },
      { weight: 'depthwise_kernel', axis: 2, role: 'follow', labels: input },
      { weight: 'pointwise_kernel', axis: 2, role: 'input', labels: between },
      { weight: 'bias', axis: 0, role: 'output', labels: output },
    ],
    resize: (kept) => ({ filters: kept(output).length }),
  };
};

const depthwise: Rule = ({ layer, path, config, classes }, input) => {
  const output = repeatEach(input, depthMultiplierOf(layer));
  freezeMixing(config['activation'], output, path, classes);
  return {
    output,
    axes: [
      { weight: 'depthwise_kernel', axis: 2, role: 'follow', labels: input },
      { weight: 'bias', axis: 0, role: 'follow', labels: output },
    ],
  };
};

const batchNormalization: Rule = ({ path, config, inputRanks }, input) => {
  if (!isLast(config['axis'] as number, inputRanks[0]!))
    return `${path} normalises an axis that is not the last`;
  const follow = (weight: string): TracedAxis => ({ weight, axis: 0, role: 'follow', labels: input });
  return { output: input, axes: ['gamma', 'beta', 'moving_mean', 'moving_variance'].map(follow) };
};

const layerNormalization: Rule = ({ path, config, inputRanks, classes }, input) => {
  const axes = [config['axis'] as number | number[]].flat();
  if (axes.length !== 1 || !isLast(axes[0]!, inputRanks[0]!))
    return `${path} normalises more than the last axis`;
  classes.markApproximate(input, `${path} takes its mean and variance over the channels that remain`);
  const follow = (weight: string): TracedAxis => ({ weight, axis: 0, role: 'follow', labels: input });
  return { output: input, axes: ['gamma', 'beta'].map(follow) };
};

const prelu: Rule = ({ config, inputRanks }, input) => {
  const rank = inputRanks[0]!;
  const shared = (config['sharedAxes'] as number[] | null | undefined) ?? [];
  if (shared.includes(rank - 1)) return { output: input, axes: [] };
  return { output: input, axes: [{ weight: 'alpha', axis: rank - 2, role: 'follow', labels: input }] };
};

const activation: Rule = ({ path, config, classes }, input) => {
  freezeMixing(config['activation'], input, path, classes);
  return { output: input, axes: [] };
};

const softmax: Rule = ({ path, classes }, input) => {
  freezeMixing('softmax', input, path, classes);
  return { output: input, axes: [] };
};

const permute: Rule = ({ path, config }, input) => {
  const dims = config['dims'] as number[];
  return dims.at(-1) === dims.length
    ? { output: input, axes: [] }
    : `${path} moves channels off the last axis`;
};

const flatten: Rule = ({ path, outputChannels }, input) => {
  if (outputChannels === null) return `the width of the output of ${path} is unknown`;
  return { output: repeatAll(input, outputChannels / input.length), axes: [] };
};

const reshape: Rule = ({ path, config, outputChannels, classes }, input) => {
  const reason = `${path} cuts across channels`;
  if (outputChannels === null) return reason;
  const target = config['targetShape'] as (number | null)[];
  const resizeTo =
    (output: Labels) =>
    (kept: Kept): serialization.ConfigDict => ({
      targetShape: [...target.slice(0, -1), target.at(-1) === null ? null : kept(output).length],
    });
  if (outputChannels % input.length === 0) {
    const output = repeatAll(input, outputChannels / input.length);
    return { output, axes: [], resize: resizeTo(output) };
  }
  if (input.length % outputChannels !== 0) return reason;
  // Row-major order: position p of the wide axis lands in channel p mod outputChannels.
  const output = input.slice(0, outputChannels);
  for (let p = outputChannels; p < input.length; p++) classes.join(input[p]!, output[p % outputChannels]!);
  return { output, axes: [], resize: resizeTo(output) };
};

const merge: Rule = ({ path, inputs, classes }) => {
  const widest = inputs.reduce((a, b) => (b!.length > a!.length ? b : a))!;
  for (const labels of inputs as Labels[]) {
    if (labels.length === widest.length) classes.joinAll(widest, labels, path);
    else classes.freeze(labels, `${path} spreads it over ${widest.length} channels`);
  }
  return { output: widest, axes: [] };
};

const concatenate: Rule = (call, input) => {
  if (!isLast(call.config['axis'] as number, call.inputRanks[0]!)) return merge(call, input);
  return { output: Int32Array.from((call.inputs as Labels[]).flatMap((labels) => [...labels])), axes: [] };
};

function embedding({ outputChannels, classes }: LayerCall): LayerFlow {
  const output = classes.create(outputChannels!);
  return {
    output,
    axes: [{ weight: 'embeddings', axis: 1, role: 'output', labels: output }],
    resize: (kept) => ({ outputDim: kept(output).length }),
  };
}

/** Labels of attention scores: one for each head, not for each place of the last axis. */
const ofHeads: WeakSet<Labels> = new WeakSet();

/** The channels of a head stay or go together, in queries, keys and, behind the scores, values. */
function attentionProbabilities({ path, config, inputs, classes }: LayerCall): LayerFlow | string {
  const [queries, keys] = inputs;
  if (queries === undefined || keys === undefined) return `the width of an input of ${path} is unknown`;
  const output = classes.create(config['heads'] as number);
  ofHeads.add(output);
  joinHeads(queries, output, classes);
  joinHeads(keys, output, classes);
  return { output, axes: [], resize: (kept) => ({ heads: kept(output).length }) };
}

function attentionContext({ path, config, inputs, classes }: LayerCall): LayerFlow | string {
  const [scores, values] = inputs;
  if (scores === undefined || values === undefined) return `the width of an input of ${path} is unknown`;
  if (!ofHeads.has(scores) || scores.length !== config['heads'])
    return `${path} reads scores that no attention layer made`;
  joinHeads(values, scores, classes);
  return { output: values, axes: [], resize: (kept) => ({ heads: kept(scores).length }) };
}

function joinHeads(labels: Labels, heads: Labels, classes: ChannelClasses): void {
  const width = labels.length / heads.length;
  for (const [i, label] of labels.entries()) classes.join(label, heads[Math.floor(i / width)]!);
}

function mapped(layer: ChannelMapped, call: LayerCall, input: Labels): LayerFlow {
  const mapping = layer.channelMapping(input.length);
  const output = Int32Array.from(mapping, (from) => (from < 0 ? call.classes.create(1)[0]! : input[from]!));
  const resize = (kept: Kept) => {
    const inputs = kept(input);
    const renumbered = new Map(inputs.map((old, now) => [old, now]));
    const remaining = kept(output).map((to) => (mapping[to]! < 0 ? -1 : renumbered.get(mapping[to]!)!));
    return layer.configForMapping(remaining, inputs.length);
  };
  return { output, axes: [], resize };
}

const conv = makesChannels('filters', -2, -1);
const convTranspose = makesChannels('filters', -1, -2);

const rules: Readonly<Record<string, Rule>> = {
  Dense: makesChannels('units', -2, -1),
  Conv1D: conv,
  Conv2D: conv,
  Conv3D: conv,
  Conv2DTranspose: convTranspose,
  Conv3DTranspose: convTranspose,
  SeparableConv2D: separable,
  DepthwiseConv2D: depthwise,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  PReLU: prelu,
  Activation: activation,
  Softmax: softmax,
  Permute: permute,
  Flatten: flatten,
  Reshape: reshape,
  Add: merge,
  Multiply: merge,
  Average: merge,
  Maximum: merge,
  Minimum: merge,
  Concatenate: concatenate,
  ...Object.fromEntries(
    [
      ...['ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU', 'Rescaling', 'RepeatVector'],
      ...['Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout'],
      ...['MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D', 'GlobalMaxPooling1D', 'GlobalMaxPooling2D'],
      ...['AveragePooling1D', 'AveragePooling2D', 'AveragePooling3D'],
      ...['GlobalAveragePooling1D', 'GlobalAveragePooling2D'],
      ...['ZeroPadding2D', 'Cropping2D', 'UpSampling2D'],
    ].map((kind) => [kind, pass]),
  ),
};

function freezeMixing(name: unknown, labels: Labels, path: string, classes: ChannelClasses): void {
  if (name === 'softmax' || name === 'logSoftmax')
    classes.freeze(labels, `the ${name} of ${path} mixes its channels`);
}

function kernelRank(layer: Layer): number {
  return layer.weights.find((weight) => weightName(weight) === 'kernel')!.shape.length;
}

/** Output channels per input channel; not always in a layer's config. */
export function depthMultiplierOf(layer: Layer): number {
  return (layer as unknown as { depthMultiplier: number }).depthMultiplier;
}

/** Last part of a weight's name: `conv2d_Conv2D1/kernel` is `kernel`. */
export function weightName(weight: Layer['weights'][number]): string {
  return weight.originalName.slice(weight.originalName.lastIndexOf('/') + 1);
}

function isLast(axis: number, rank: number): boolean {
  return axis === -1 || axis === rank - 1;
}

function repeatEach(labels: Labels, times: number): Labels {
  return Int32Array.from({ length: labels.length * times }, (_, i) => labels[Math.floor(i / times)]!);
}

function repeatAll(labels: Labels, times: number): Labels {
  return Int32Array.from({ length: labels.length * times }, (_, i) => labels[i % labels.length]!);
}
