import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';

/** An output of an operation, as the binding returns it. */
export interface Made {
  readonly id: number;
}

/** The parts of the native engine that are used, structurally. */
export interface NativeBackend {
  readonly binding: Readonly<
    Record<
      'TF_ATTR_TYPE' | 'TF_ATTR_INT' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL' | 'TF_ATTR_FLOAT' | 'TF_ATTR_SHAPE',
      number
    > &
      Record<'TF_FLOAT' | 'TF_INT32', number>
  > & {
    executeOp(name: string, attributes: object[], ids: readonly number[], outputs: number): Made[];
    createTensor(shape: number[], type: number, values: Float32Array | Int32Array): number;
    deleteTensor(id: number): void;
  };
  executeMultipleOutputs(name: string, attributes: object[], inputs: TensorInfo[], outputs: number): Tensor[];
  /** Ids of the library's tensors behind those of TensorFlow.js. */
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  createOutputTensor(made: Made): Tensor;
}

type Kind = 'type' | 'ints' | 'text' | 'flag' | 'number' | 'shape';

/** An attribute of an operation of TensorFlow: its kind and value; a type is `float` or `int`. */
export type Attributes = Readonly<
  Record<string, readonly [kind: Kind, value: string | boolean | number | readonly number[]]>
>;

const kinds = {
  type: 'TF_ATTR_TYPE',
  ints: 'TF_ATTR_INT',
  text: 'TF_ATTR_STRING',
  flag: 'TF_ATTR_BOOL',
  number: 'TF_ATTR_FLOAT',
  shape: 'TF_ATTR_SHAPE',
} as const;

/** What constant attributes were encoded to. */
const encoded = new WeakMap<Attributes, object[]>();

/** Attributes as the binding takes them; those of one object are encoded once. */
export function encode({ binding }: NativeBackend, attributes: Attributes): object[] {
  const known = encoded.get(attributes);
  if (known) return known;
  const list = Object.entries(attributes).map(([name, [kind, value]]) => ({
    name,
    type: binding[kinds[kind]],
    value: kind === 'type' ? binding[value === 'int' ? 'TF_INT32' : 'TF_FLOAT'] : value,
  }));
  encoded.set(attributes, list);
  return list;
}

/** Runs an operation of TensorFlow; the caller disposes of the outputs that it does not return. */
export function execute(
  backend: unknown,
  name: string,
  attributes: Attributes,
  inputs: readonly TensorInfo[],
  outputs = 1,
): Tensor[] {
  const native = backend as NativeBackend;
  return native.executeMultipleOutputs(name, encode(native, attributes), [...inputs], outputs);
}

/** {@link execute} for an operation with one output. */
export function executeOne(
  backend: unknown,
  name: string,
  attributes: Attributes,
  inputs: readonly TensorInfo[],
): Tensor {
  return execute(backend, name, attributes, inputs)[0]!;
}

/** Runs an operation with one output on ids; the output lives as long as the call of {@link compose}. */
export type Run = (name: string, attributes: Attributes, ids: readonly number[]) => number;

/**
 * Runs several operations in a row, of which only the last output becomes a tensor of TensorFlow.js.
 *
 * @param steps Gets the ids of `inputs` and returns the id of the output.
 */
export function compose(
  backend: unknown,
  inputs: readonly TensorInfo[],
  steps: (run: Run, ids: readonly number[]) => number,
): Tensor {
  const native = backend as NativeBackend;
  const made: Made[] = [];
  let last: number | undefined;
  try {
    last = steps((name, attributes, ids) => {
      const [output] = native.binding.executeOp(name, encode(native, attributes), ids, 1);
      made.push(output!);
      return output!.id;
    }, native.getInputTensorIds(inputs));
    return native.createOutputTensor(made.find(({ id }) => id === last)!);
  } finally {
    for (const { id } of made) if (id !== last) native.binding.deleteTensor(id);
  }
}
