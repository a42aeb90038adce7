import { memory, tensor, tidy, type Tensor } from '@tensorflow/tfjs';
import { evaluate } from '@ockham/core/metrics';
import { cloneModel } from '@ockham/core/models';
import { saveWeights, train } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { reduceLayers } from '../../src/compress/reduction/index.ts';
import { compressExtremely, learnFrom, trainQuantized } from '../../src/compress/training/index.ts';
import { tinyBert, tinyGpt, tinyMlp, tokenTexts, points } from './tiny-models.ts';

const logits = 'crossEntropyFromLogits' as const;
const data = tokenTexts(16);

/** The loss of a batch as `train` would compute it. */
function lossOn(student: LayersModel, loss: (y: Tensor, p: Tensor) => Tensor, y = data.y): number {
  return tidy(() => {
    const x = tensor(data.x.values, [data.size, 6], 'int32');
    const prediction = student.apply(x, { training: true }) as Tensor;
    return loss(tensor(y.values, [data.size, ...y.shape]), prediction).dataSync<'float32'>()[0]!;
  });
}

describe('learnFrom', () => {
  it('weighs the labels, the outputs, hidden states and attention as it says', async () => {
    const [student, teacher] = [tinyBert(1), tinyBert(2)];
    const terms = async (options: object): Promise<number> => {
      const lesson = await learnFrom(student, data, logits, {
        teacher,
        hidden: 1e-9,
        weight: 1e-9,
        ...options,
      });
      const loss = lossOn(student, lesson.loss);
      lesson.end();
      return loss;
    };
    const { loss: hard } = await evaluate(student, data, { loss: logits });
    expect(await terms({})).toBeCloseTo(hard, 5);
    const [soft, softer] = [await terms({ weight: 1 }), await terms({ weight: 1, temperature: 3 })];
    expect(await terms({ weight: 0.25 })).toBeCloseTo(0.75 * hard + 0.25 * soft, 5);
    expect(softer / 9).not.toBeCloseTo(soft, 5);
    // what core computes from outputs that were kept
    const lesson = await learnFrom(student, data, logits, { teacher, weight: 1, temperature: 3 });
    expect(lossOn(student, lesson.loss, lesson.data.y)).toBeCloseTo(softer, 4);
    const hidden = (await terms({ hidden: 1 })) - hard;
    const attention = (await terms({ attention: 1 })) - hard;
    expect(hidden).toBeGreaterThan(0.1);
    expect(attention).toBeGreaterThan(0);
    expect(await terms({ hidden: 2, attention: 3 })).toBeCloseTo(hard + 2 * hidden + 3 * attention, 4);
    for (const model of [student, teacher]) model.dispose();
  });

  it('asks nothing of a student that is the teacher already, but its own entropy', async () => {
    const teacher = tinyBert(2);
    const student = await cloneModel(teacher);
    const full = await learnFrom(student, data, logits, { teacher, hidden: 5, attention: 5 });
    const all = lossOn(student, full.loss);
    full.end();
    const outputs = await learnFrom(student, data, logits, { teacher });
    expect(all).toBeCloseTo(lossOn(student, outputs.loss, outputs.data.y), 5);
    for (const model of [student, teacher]) model.dispose();
  });

  it('brings hidden states and outputs towards the teacher, whose weights stay, and leaks nothing', async () => {
    const [student, teacher] = [tinyBert(1), tinyBert(2)];
    const before = await saveWeights(teacher);
    const lesson = await learnFrom(student, data, logits, { teacher, hidden: 1, attention: 1 });
    const start = lossOn(student, lesson.loss);
    const tensors = memory().numTensors;
    await train(student, lesson.data, { epochs: 10, batchSize: 16, loss: lesson.loss, optimizer: { name: 'adam', learningRate: 0.01 } }); // prettier-ignore
    expect(memory().numTensors).toBe(tensors);
    expect(lossOn(student, lesson.loss)).toBeLessThan(0.8 * start);
    lesson.end();
    expect(await saveWeights(teacher)).toEqual(before);
    expect(Object.hasOwn(student, 'apply')).toBe(false);
    for (const model of [student, teacher]) model.dispose();
  });

  it('teaches a model of sequences, position by position', async () => {
    const [student, teacher] = [tinyGpt(1), tinyGpt(2)];
    const ids = { values: Int32Array.from({ length: 20 }, (_, i) => (i * 7) % 12), shape: [5] };
    const text = { size: 4, x: ids, y: ids };
    const { layers } = await trainQuantized(student, text, { epochs: 1, loss: logits, weights: { bits: 4 }, distill: { teacher, temperature: 2, attention: 1 } }); // prettier-ignore
    expect(layers.length).toBeGreaterThan(0);
    expect(Object.hasOwn(student, 'apply')).toBe(false);
    for (const model of [student, teacher]) model.dispose();
  });

  it('refuses itself for a teacher, outputs and layers that do not fit, and options out of range', async () => {
    const [student, teacher, other] = [tinyBert(1), tinyBert(2), tinyMlp()];
    const asked = (options: object) => learnFrom(student, data, logits, { teacher, ...options });
    await expect(asked({ teacher: student })).rejects.toThrow('another model than the student');
    await expect(asked({ teacher: other })).rejects.toThrow('inputs of [4]');
    await expect(asked({ weight: 0 })).rejects.toThrow('weight must be');
    await expect(asked({ temperature: 0 })).rejects.toThrow('temperature must be');
    await expect(asked({ hidden: -1 })).rejects.toThrow('hidden must be');
    await expect(asked({ hidden: 1, hiddenLayers: /^nothing$/ })).rejects.toThrow('there is none');
    const set = points(8);
    await expect(learnFrom(other, set, 'meanSquaredError', { teacher: tinyMlp(3) })).rejects.toThrow(
      'classifier',
    );
    for (const model of [student, teacher, other]) model.dispose();
  });
});

describe('compressExtremely', () => {
  it('makes a student of fewer layers and ternary weights, and leaves the teacher', async () => {
    const teacher = tinyBert(2, { layers: 3 });
    const before = await saveWeights(teacher);
    const tensors = memory().numTensors;
    const { model, layers, removedLayers } = await compressExtremely(teacher, data, { epochs: 1, loss: logits, keep: [0, 2] }); // prettier-ignore
    expect(removedLayers).toEqual([1]);
    expect(layers.every(({ grid }) => grid.bits === 'ternary')).toBe(true);
    const [query] = model.getLayer('encoder/layer_2/attention/self/query').getWeights();
    expect(new Set(query!.dataSync().map(Math.abs)).size).toBeLessThanOrEqual(8 + 1); // a scale for each output, and 0
    expect(await saveWeights(teacher)).toEqual(before);
    model.dispose();
    expect(memory().numTensors).toBe(tensors);
    teacher.dispose();
  });

  it('frees the student when training cannot begin', async () => {
    const teacher = tinyBert(2);
    const tensors = memory().numTensors;
    await expect(compressExtremely(teacher, data, { epochs: -1, loss: logits })).rejects.toThrow('epochs');
    await expect(compressExtremely(teacher, data, { epochs: 1, weights: 'trinary' as 'ternary' })).rejects.toThrow('ternary, binary'); // prettier-ignore
    expect(memory().numTensors).toBe(tensors);
    teacher.dispose();
  });
});

describe('a student of fewer layers', () => {
  it('learns hidden states of the layers that it keeps', async () => {
    const teacher = tinyBert(2, { layers: 3 });
    const { model } = await reduceLayers(teacher, { keep: [2] });
    const lesson = await learnFrom(model, data, logits, { teacher, hidden: 1, attention: 1 });
    expect(lossOn(model, lesson.loss)).toBeGreaterThan(0);
    lesson.end();
    for (const each of [model, teacher]) each.dispose();
  });
});
