import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';

/** The parts of the native engine that are used, structurally. */
export interface NativeBackend {
  readonly binding: Readonly<
    Record<
      'TF_ATTR_TYPE' | 'TF_ATTR_INT' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL' | 'TF_ATTR_FLOAT' | 'TF_ATTR_SHAPE',
      number
    > &
      Record<'TF_FLOAT' | 'TF_INT32', number>
  > & {
    executeOp(name: string, attributes: object[], ids: number[], outputs: number): { id: number }[];
    createTensor(shape: number[], type: number, values: Float32Array): number;
    deleteTensor(id: number): void;
  };
  executeMultipleOutputs(name: string, attributes: object[], inputs: TensorInfo[], outputs: number): Tensor[];
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

/** Attributes as the binding takes them. */
export function encode({ binding }: NativeBackend, attributes: Attributes): object[] {
  return Object.entries(attributes).map(([name, [kind, value]]) => ({
    name,
    type: binding[kinds[kind]],
    value: kind === 'type' ? binding[value === 'int' ? 'TF_INT32' : 'TF_FLOAT'] : value,
  }));
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
