import { mlp } from '@ockham/core/models';
import { coldStart, type Learner } from '@ockham/cssl';
import { fetchDigits, shuffled, type Digits } from '../work/digits-file.ts';
import { startEngine } from '../work/engine.ts';
import { pause, throwIfStopped } from '../work/pause.ts';
import type { OpenWork } from '../work/protocol.ts';
import { CAPACITY, SHOWN, type DigitsCommand, type DigitsReport, type StreamOrder } from './messages.ts';

const PIXELS = 28 * 28;
/** Examples between two measurements of accuracy; while the learner is new, a step changes much. */
const MEASURED_EVERY = 25;
/** Examples between two looks at the buffer. */
const SHOWN_EVERY = 10;

interface Lesson {
  readonly digits: Digits;
  readonly learner: Learner;
  taught: number;
  /** Digits of the stream that came so far. */
  streamed: number;
  /** Examples are learnt one after the other: what the last of them waits for. */
  turn: Promise<unknown>;
}

/** A learner that starts cold and takes one digit at a time, from the stream or from the visitor. */
export const openDigits: OpenWork<DigitsCommand, DigitsReport> = (report, { digits: address }) => {
  let lesson: Promise<Lesson> | undefined;

  const begin = async (seed: number): Promise<Lesson> => {
    await startEngine();
    const digits = await fetchDigits(address);
    const learner = coldStart(mlp({ units: [100], seed }), {
      replay: { capacity: CAPACITY, batch: 31, codec: 'quantise(4)' },
      learningRate: 0.1,
      seed,
    });
    return { digits, learner, taught: 0, streamed: 0, turn: Promise.resolve() };
  };

  const observe = async (lesson: Lesson, x: Uint8Array, y: number): Promise<void> => {
    const mine = lesson.turn.then(() => lesson.learner.observe({ x, y }));
    lesson.turn = mine.catch(() => undefined);
    await mine;
    tellState(lesson);
  };

  const tellState = ({ learner, taught }: Lesson): void => {
    const { buffer, classes, counters } = learner;
    report({
      kind: 'state',
      state: {
        ...{ examples: counters.examples, taught, classes: [...classes] },
        ...{ kept: buffer.size, bytes: buffer.bytes, plainBytes: buffer.size * PIXELS },
      },
    });
  };

  const tellAccuracy = async ({ learner, digits }: Lesson): Promise<void> => {
    const { accuracy: all } = await learner.accuracy(digits.test, { classesSeen: false });
    const { accuracy: seen } = await learner.accuracy(digits.test);
    report({ kind: 'accuracy', examples: learner.counters.examples, all, seen });
  };

  const tellBuffer = ({ learner: { buffer } }: Lesson): void => {
    const slots = Int32Array.from({ length: Math.min(SHOWN, buffer.size) }, (_, i) => i);
    const images = new Float32Array(slots.length * PIXELS);
    buffer.read(slots, images);
    report({
      kind: 'buffer',
      images: Uint8Array.from(images, Math.round),
      labels: Array.from(slots, (slot) => buffer.labelAt(slot)),
    });
  };

  const stream = async (lesson: Lesson, seed: number, order: StreamOrder, signal: AbortSignal) => {
    const { train } = lesson.digits;
    const { x, y } = order === 'mixed' ? shuffled(train, seed) : train;
    for (; lesson.streamed < y.values.length; lesson.streamed++) {
      throwIfStopped(signal);
      const image = x.values.slice(lesson.streamed * PIXELS, (lesson.streamed + 1) * PIXELS) as Uint8Array;
      await observe(lesson, image, y.values[lesson.streamed]!);
      const count = lesson.streamed + 1;
      if (count % SHOWN_EVERY === 0) tellBuffer(lesson);
      if (count % MEASURED_EVERY === 0) await tellAccuracy(lesson);
      await pause(); // strokes and Stop come through
    }
  };

  return async (command, signal) => {
    lesson ??= begin(command.seed).catch((error: unknown) => {
      lesson = undefined; // the next command tries again
      throw error;
    });
    const lessonNow = await lesson;
    if (command.do === 'stream') return stream(lessonNow, command.seed, command.order, signal);
    if (command.do === 'teach') {
      lessonNow.taught++;
      await observe(lessonNow, command.pixels, command.label);
      tellBuffer(lessonNow);
      await tellAccuracy(lessonNow);
      return;
    }
    const { learner } = lessonNow;
    if (learner.classes.length === 0) {
      report({ kind: 'belief', probabilities: undefined });
      return;
    }
    const { probabilities, classes } = await learner.predict(command.pixels);
    const byDigit = new Array<number>(10).fill(0);
    classes.forEach((digit, i) => (byDigit[digit] = probabilities[i]!));
    report({ kind: 'belief', probabilities: byDigit });
  };
};
