/** Walks a model from its outputs back to its inputs and labels the channels of every tensor on the way. */
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { ChannelClasses, type Labels } from './channel-classes.ts';
import { flowThrough, type Layer, type LayerFlow } from './layer-rules.ts';

/** What is known about one layer, whatever the number of its calls. */
export interface TracedLayer extends LayerFlow {
  readonly layer: Layer;
  /** Name within the model, `outer/inner` for a nested model's layer. */
  readonly path: string;
  /** Labels of the inputs of the first call. */
  readonly inputs: readonly (Labels | undefined)[];
}

/** Every layer of a model that computes something, in the order of computation. */
export interface Trace {
  readonly classes: ChannelClasses;
  readonly layers: ReadonlyMap<Layer, TracedLayer>;
}

/** Nested models are entered; a layer that is called twice has one entry, and its calls are coupled. */
export function traceModel(model: LayersModel): Trace {
  const classes = new ChannelClasses();
  const layers = new Map<Layer, TracedLayer>();
  const paths = layerPaths(model);

  const enter = (inner: LayersModel, inputs: readonly (Labels | undefined)[]): (Labels | undefined)[] => {
    const known = new Map<number, Labels | undefined>();
    for (const [i, input] of inner.inputs.entries()) {
      known.set(input.id, inputs[i]);
      record(input.sourceLayer, { output: inputs[i], axes: [] }, [inputs[i]]);
    }
    return inner.outputs.map((output) => follow(output, known));
  };

  const follow = (tensor: SymbolicTensor, known: Map<number, Labels | undefined>): Labels | undefined => {
    if (known.has(tensor.id)) return known.get(tensor.id);
    const layer = tensor.sourceLayer;
    const node = layer.inboundNodes[tensor.nodeIndex]!;
    const inputs = node.inputTensors.map((input) => follow(input, known));
    const outputs = isModel(layer) ? enter(layer, inputs) : [call(layer, node, inputs)];
    for (const [i, output] of node.outputTensors.entries()) {
      const others =
        i < outputs.length ? outputs[i] : frozenLike(output, `${layer.name} has several outputs`);
      known.set(output.id, others);
    }
    return known.get(tensor.id);
  };

  const call = (
    layer: Layer,
    node: Layer['inboundNodes'][number],
    inputs: readonly (Labels | undefined)[],
  ) => {
    const path = paths.get(layer) ?? layer.name;
    const config = layer.getConfig();
    const outputChannels = node.outputTensors[0]!.shape.at(-1) ?? null;
    const inputRanks = node.inputTensors.map((input) => input.shape.length);
    const flow = flowThrough({ layer, path, config, inputs, inputRanks, outputChannels, classes });
    record(layer, flow, inputs);
    return flow.output;
  };

  const record = (layer: Layer, flow: LayerFlow, inputs: readonly (Labels | undefined)[]): void => {
    const path = paths.get(layer) ?? layer.name;
    const former = layers.get(layer);
    if (former === undefined) {
      layers.set(layer, { ...flow, layer, path, inputs });
      return;
    }
    if (former.axes.length === 0 && former.resize === undefined && layer.batchInputShape == null) return;
    const couple = (a: Labels | undefined, b: Labels | undefined) => {
      if (a && b) classes.joinAll(a, b, `${path} is shared by inputs of different width`);
    };
    for (const [i, labels] of inputs.entries()) couple(former.inputs[i], labels);
    for (const [i, axis] of flow.axes.entries()) couple(former.axes[i]?.labels, axis.labels);
    couple(former.output, flow.output);
  };

  const frozenLike = (tensor: SymbolicTensor, reason: string): Labels | undefined => {
    const width = tensor.shape.length < 2 ? undefined : tensor.shape.at(-1);
    if (width == null) return undefined;
    const labels = classes.create(width);
    classes.freeze(labels, reason);
    return labels;
  };

  const inputs = model.inputs.map((input) =>
    frozenLike(input, `it is the model's input ${input.sourceLayer.name}`),
  );
  for (const [i, output] of enter(model, inputs).entries()) {
    if (output) classes.freeze(output, `it is the model's output ${model.outputs[i]!.sourceLayer.name}`);
  }
  return { classes, layers };
}

/** Whether a layer is itself a model. */
export function isModel(layer: Layer | LayersModel): layer is LayersModel {
  return Array.isArray((layer as LayersModel).layers);
}

/** Every layer that is not itself a model, with its name within the model: `outer/inner` for a nested model's layer. */
export function layerPaths(
  model: LayersModel,
  prefix = '',
  paths: Map<Layer, string> = new Map(),
): Map<Layer, string> {
  for (const layer of model.layers) {
    if (isModel(layer)) layerPaths(layer, `${prefix}${layer.name}/`, paths);
    else paths.set(layer, prefix + layer.name);
  }
  return paths;
}
