/**
 * Models from files that others wrote. A topology is a few bytes whatever the sizes it names, so a layer's weights are
 * counted where it asks for them, before they take memory.
 */
import { io, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { layers, loadLayersModel, type LayersModel } from '@tensorflow/tfjs-layers';
import { DataError } from '../errors.ts';
import { variableOf } from '../training/layers.ts';

interface Budget {
  readonly who: string;
  readonly most: number;
  left: number;
  /** To be disposed of where no model comes of it. */
  readonly made: { dispose(): void }[];
}

type AddWeight = (
  this: layers.Layer,
  name: string,
  shape: readonly number[],
  ...rest: unknown[]
) => { dispose(): void };

let budget: Budget | undefined; // of the model that is being made; what makes it does not wait
let counting = false;

/**
 * The model of a topology that a file holds, without or with its weights.
 *
 * @param who Names the file in errors.
 * @param artifacts `modelTopology`, and, for weights, `weightSpecs` and `weightData`.
 * @param most Weights that the file has values for; a topology that needs more is refused before it takes memory.
 * @throws DataError `corrupt-file` where no model can be made of it.
 */
export async function modelFromFile(
  who: string,
  artifacts: Pick<io.ModelArtifacts, 'modelTopology' | 'weightSpecs' | 'weightData'>,
  most: number,
): Promise<LayersModel> {
  countWeights();
  const own: Budget = { who, most, left: most, made: [] };
  const { modelTopology: topology, weightSpecs, weightData } = artifacts;
  try {
    if (typeof topology !== 'object' || topology === null) throw new TypeError('it has no topology');
    let built = false;
    const watched: io.ModelArtifacts = {
      ...(weightSpecs && { weightSpecs }),
      // read, the model made, and the next read, without a wait between
      get modelTopology() {
        budget = own;
        return topology;
      },
      get trainingConfig() {
        budget = undefined;
        built = true;
        return undefined as never;
      },
      // what has weights starts from zeros; they are put in here, since TensorFlow.js leaks those that do not fit
      get weightData() {
        return built ? undefined : weightData;
      },
    } as io.ModelArtifacts;
    const model = await loadLayersModel({ load: async () => watched });
    if (weightSpecs && weightData)
      tidy(() => putWeights(model, io.decodeWeights(joined(weightData), weightSpecs)));
    return model;
  } catch (cause) {
    for (const weight of own.made) weight.dispose();
    if (cause instanceof DataError) throw cause;
    const message = cause instanceof Error ? cause.message.slice(0, 500) : String(cause);
    throw new DataError(
      'corrupt-file',
      `${who}: no model can be made of its topology and weights: ${message}. Import the modules of its layers, or export it again.`,
      { cause },
    );
  } finally {
    if (budget === own) budget = undefined;
  }
}

function putWeights(model: LayersModel, given: Readonly<Record<string, Tensor>>): void {
  const own = new Set(model.weights.map(({ originalName }) => originalName));
  const values = new Map(
    Object.entries(given).map(([name, value]) => [own.has(name) ? name : withoutScope(name), value]),
  );
  if (values.size < Object.keys(given).length) throw new TypeError('two weights are for one place');
  for (const weight of model.weights) {
    const { originalName: name, shape } = weight;
    const value = values.get(name);
    if (String(value?.shape) !== String(shape))
      throw new TypeError(
        `the weight ${name} must be [${shape.join(', ')}], got ${value ? `[${value.shape.join(', ')}]` : 'none'}`,
      );
    variableOf(weight).assign(value!);
  }
  const unused = [...values.keys()].filter((name) => !own.has(name));
  if (unused.length > 0) throw new TypeError(`no layer takes the weights ${unused.slice(0, 5).join(', ')}`);
}

/** `dense/dense/kernel`, as Keras scopes names, is `dense/kernel`. */
function withoutScope(name: string): string {
  const parts = name.split('/');
  return [...parts.slice(0, -2), ...parts.slice(-1)].join('/');
}

function joined(data: io.WeightData): ArrayBuffer {
  if (!Array.isArray(data)) return data;
  const bytes = new Uint8Array(data.reduce((sum, part) => sum + part.byteLength, 0));
  data.reduce((at, part) => (bytes.set(new Uint8Array(part), at), at + part.byteLength), 0);
  return bytes.buffer;
}

/** Puts the count before the one method by which layers take weights. */
function countWeights(): void {
  if (counting) return;
  counting = true;
  const prototype = layers.Layer.prototype as unknown as { addWeight: AddWeight };
  const stock = prototype.addWeight;
  prototype.addWeight = function (name, shape, ...rest) {
    if (budget) {
      budget.left -= shape.reduce((product, d) => product * d, 1);
      if (!(budget.left >= 0)) {
        throw new DataError(
          'corrupt-file',
          `${budget.who}: the layers must need no more than the ${budget.most} weights of the file, and ${this.name} asks for ${name} of [${shape.join(', ')}]. Take a fresh copy from a source that you trust.`,
        );
      }
    }
    if (!budget) return stock.call(this, name, shape, ...rest);
    let weight: { dispose(): void };
    tidy(() => {
      weight = stock.call(this, name, shape, ...rest); // which leaks the initial value of a shape that cannot be
    });
    budget.made.push(weight!);
    return weight!;
  };
}
