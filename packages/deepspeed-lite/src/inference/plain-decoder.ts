import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { slice, tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { decode, type Decoder, type GenerateOptions } from './generate.ts';

/**
 * Adds tokens to prompts with a model as it is: the whole text through all of it for every token. What `accelerate(model).generate` does
 * faster, to the same tokens; for models without a policy, and to compare.
 *
 * @param model Token ids `[length]` to scores of the token after each position, `[length, vocabulary]`, no position seeing a later one.
 * @param prompts Token ids of each text.
 * @returns The texts, prompts included.
 * @throws ArgumentError for a prompt or option out of range, UnsupportedModelError for a model of another form.
 *
 * @example
 * const [text] = await generateTokens(gpt({ vocabulary: 65, positions: 64 }), [[20, 43]], { maxTokens: 16 });
 */
export async function generateTokens(
  model: LayersModel,
  prompts: readonly ArrayLike<number>[],
  options: GenerateOptions = {},
): Promise<Int32Array[]> {
  return decode('generateTokens', plainDecoder(model), prompts, options);
}

function plainDecoder(model: LayersModel): Decoder {
  const [shape, output] = [model.inputs[0]!.shape, model.outputs[0]!.shape];
  if (shape.length !== 2 || output.length !== 3 || output[2] === null)
    throw new UnsupportedModelError(
      `generateTokens: ${model.name} must take ids [batch, length] and give scores [batch, length, vocabulary], got [${shape.join(', ')}] and [${output.join(', ')}].`,
    );
  const fixed = shape[1] ?? undefined;
  const texts = new Map<number, number[]>();
  const vocabulary = output[2]!;
  return {
    vocabulary,
    positions: fixed ?? Infinity,
    forget: (text) => void texts.delete(text),
    async append(parts) {
      const scores: Float32Array[] = [];
      for (const { text, tokens } of parts) {
        const all = [...(texts.get(text) ?? []), ...tokens];
        texts.set(text, all);
        if (all.length === 0) throw new ArgumentError('generateTokens: a text must have tokens, got none.');
        const last = tidy(() => {
          const length = fixed ?? all.length;
          const ids = [...all, ...new Array<number>(length - all.length).fill(0)]; // later tokens are not seen
          const y = model.predict(tensor(ids, [1, length], 'int32')) as Tensor;
          return slice(y, [0, all.length - 1, 0], [1, 1, vocabulary]);
        });
        scores.push((await last.data<'float32'>()).slice());
        last.dispose();
      }
      return scores;
    },
  };
}
