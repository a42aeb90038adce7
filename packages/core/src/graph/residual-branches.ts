import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';

/** A branch around which its input is added to its output. */
export interface ResidualBranch {
  /** Name of the Add layer where the branch meets its shortcut. */
  readonly add: string;
  /** Names of the branch's layers, in the order of computation; {@link removeLayers} takes them as they are. */
  readonly layers: readonly string[];
}

/**
 * Finds the residual branches of a functional model that can be removed on their own: an Add of two tensors
 * where one is computed from the other alone, by layers that nothing else uses. Branches with a shortcut that
 * changes the shape are not among them. Nested models count as one layer.
 *
 * @returns In the order of the model's layers; nested branches are listed too.
 *
 * @example
 * for (const { add, layers } of residualBranches(resnet)) console.log(add, layers.length);
 */
export function residualBranches(model: LayersModel): ResidualBranch[] {
  const own = new Set(model.layers);
  const calls = (layer: LayersModel['layers'][number]) =>
    layer.inboundNodes.filter((_, i) => model.containerNodes?.has(`${layer.name}_ib-${i}`));
  const used = usesOf(model, calls);

  /** The layers from `start` back to `end`, last first, or nothing if another tensor is needed on the way. */
  const between = (start: SymbolicTensor, end: SymbolicTensor): string[] | undefined => {
    const names = new Set<string>();
    const inside = new Set<number>([start.id]);
    const open = [start];
    for (let tensor = open.pop(); tensor; tensor = open.pop()) {
      const layer = tensor.sourceLayer;
      const [node, second] = own.has(layer) ? calls(layer) : [];
      if (node === undefined || second !== undefined || layer.getClassName() === 'InputLayer')
        return undefined;
      names.add(layer.name);
      for (const input of node.inputTensors) {
        if (input.id === end.id || inside.has(input.id)) continue;
        inside.add(input.id);
        open.push(input);
      }
    }
    const leaks = [...inside].some((id) => used(id).some((user) => !names.has(user) && id !== start.id));
    return leaks || used(start.id).length !== 1 ? undefined : [...names];
  };

  return model.layers.flatMap((layer) => {
    const [node, second] = layer.getClassName() === 'Add' ? calls(layer) : [];
    if (node?.inputTensors.length !== 2 || second !== undefined) return [];
    const [a, b] = node.inputTensors as [SymbolicTensor, SymbolicTensor];
    const names = a.id === b.id ? undefined : (between(a, b) ?? between(b, a));
    if (names === undefined) return [];
    return [
      {
        add: layer.name,
        layers: model.layers.map(({ name }) => name).filter((name) => names.includes(name)),
      },
    ];
  });
}

/** Who reads a tensor within the model: names of layers, and `output`, marked apart, for the model itself. */
function usesOf(
  model: LayersModel,
  calls: (layer: LayersModel['layers'][number]) => LayersModel['layers'][number]['inboundNodes'],
): (id: number) => readonly string[] {
  const users = new Map<number, string[]>();
  const add = (id: number, user: string) => users.set(id, [...(users.get(id) ?? []), user]);
  for (const layer of model.layers) {
    for (const node of calls(layer)) for (const input of node.inputTensors) add(input.id, layer.name);
  }
  for (const output of model.outputs) add(output.id, ' output');
  return (id) => users.get(id) ?? [];
}
