import * as Plot from '@observablehq/plot';
import { Chart } from '../page/chart.ts';
import { choice, element, labelled } from '../page/element.ts';
import type { ExhibitPlan } from '../page/exhibit.ts';
import { Figures } from '../page/figures.ts';
import { axes } from '../page/plot-style.ts';
import { bytes, COARSE_CLOCK, percent, whole } from '../page/words.ts';
import type { Accuracies, LoraCommand, LoraReport } from './messages.ts';
import { TURNED } from './sentences.ts';

/** A pass of training: the base's first, then the adapters'. */
interface Pass extends Accuracies {
  readonly pass: number;
}

const EXAMPLE = 'honestly that trick was really sick';

/** A classifier of sentences that learns a slang by adapters. */
export const loraExhibit: ExhibitPlan<LoraCommand, LoraReport> = {
  name: 'lora',
  title: 'Teach a classifier a slang',
  short: 'Adapters',
  method: '@ockham/lowrank',
  lead: `A small network learns which sentences praise. Then low-rank adapters teach it a slang in which ${TURNED.join(', ')} are praise. The network itself is not touched.`,
  about:
    'puts adapters beside a convolution over words and a dense layer. The sentences are made up, by a rule: an adjective praises or blames, “not” turns that round, and the slang turns five adjectives. 1,200 plain sentences train the base, 600 of the slang the adapters, 400 others of each are tested on.',
  seed: 7,
  open: (stage) => {
    const passes: Pass[] = [];
    let adaptersFrom: number | undefined;
    const latencies = new Map<boolean, number>();

    const rank = choice({ '1': '1', '2': '2', '4': '4', '8': '8' }, '4');
    stage.controls.append(labelled('Rank of the adapters', rank));
    const figures = new Figures({
      trained: 'Numbers that train',
      size: 'Size of the adapters',
      plain: 'Right, plain speech',
      slang: 'Right, slang',
      latency: 'Time, 32 sentences',
      base: 'The base',
    });
    const chart = new Chart({
      title: 'Right answers, pass by pass',
      draw: (width) => {
        const last = passes.at(-1);
        const line = (of: keyof Accuracies, name: string, stroke: string, dash?: string) => [
          Plot.lineY(passes, {
            x: 'pass',
            y: (one: Pass) => 100 * one[of],
            stroke,
            strokeWidth: 2,
            ...(dash && { strokeDasharray: dash }),
          }),
          Plot.dot(passes, { x: 'pass', y: (one: Pass) => 100 * one[of], fill: stroke, r: 3 }),
          Plot.text(last ? [last] : [], {
            x: 'pass',
            y: (one: Pass) => 100 * one[of],
            text: () => name,
            textAnchor: 'start',
            dx: 8,
            fill: 'currentColor',
          }),
        ];
        return Plot.plot({
          ...axes(width),
          marginRight: 60,
          x: { label: 'pass →', domain: [1, 14], ticks: width < 420 ? 5 : 14, tickFormat: 'd' },
          y: { label: '↑ right, %', domain: [40, 100], grid: true },
          marks: [
            ...(adaptersFrom === undefined
              ? []
              : [
                  Plot.ruleX([adaptersFrom + 0.5], { stroke: 'var(--ink)', strokeDasharray: '4 4' }),
                  Plot.text(['adapters →'], {
                    x: adaptersFrom + 0.5,
                    frameAnchor: 'bottom',
                    textAnchor: 'start',
                    dx: 6,
                    dy: -6,
                    fill: 'currentColor',
                  }),
                ]),
            ...line('plain', 'plain', 'var(--one)', '6 3'),
            ...line('slang', 'slang', 'var(--two)'),
          ],
        });
      },
      summary: () => {
        const last = passes.at(-1);
        if (!last) return 'Nothing was learnt yet.';
        const who = adaptersFrom === undefined ? 'The base' : 'With its adapters the network';
        return `${who} is right for ${percent(last.slang)} of the slang and ${percent(last.plain)} of plain speech.`;
      },
      numbers: () => [
        ['pass', 'who learns', 'plain', 'slang'],
        ...passes.map(({ pass, plain, slang }) => [
          String(pass),
          adaptersFrom !== undefined && pass > adaptersFrom ? 'adapters' : 'base',
          percent(plain),
          percent(slang),
        ]),
      ],
    });

    const merged = element('input', { type: 'checkbox', disabled: true });
    merged.addEventListener('change', () => void stage.ask({ do: 'merge', merged: merged.checked }));
    const mergeBox = element(
      'label',
      { class: 'check' },
      merged,
      ' Merge the adapters into one kernel per layer',
    );
    const text = element('input', {
      type: 'text',
      value: EXAMPLE,
      maxlength: 120,
      autocomplete: 'off',
      spellcheck: 'false',
    });
    const read = element('button', { type: 'submit' }, 'Ask');
    const answer = element('p', { class: 'answer', 'aria-live': 'polite' });
    const form = element('form', { class: 'ask' }, labelled('Your sentence', text), read);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void stage.ask({ do: 'read', text: text.value });
    });
    const showAccuracies = ({ plain, slang }: Accuracies): void =>
      figures.set({ plain: percent(plain), slang: percent(slang) });

    stage.body.append(figures.list, chart.figure, mergeBox, form, answer);

    const clear = (): void => {
      passes.length = 0;
      adaptersFrom = undefined;
      latencies.clear();
      merged.checked = false;
      merged.disabled = true;
      answer.textContent = 'Words that the sentences do not have count as nothing in particular.';
      figures.clear();
      chart.update();
    };
    return {
      start: () => {
        clear();
        return stage.run({ do: 'train', seed: stage.seed(), rank: Number(rank.chosen) });
      },
      hear: (report) => {
        if (report.kind === 'base' || report.kind === 'adapter') {
          const accuracies = report.kind === 'base' ? report.base : report.adapted;
          if (report.kind === 'adapter') adaptersFrom ??= passes.length;
          passes.push({ pass: passes.length + 1, ...accuracies });
          showAccuracies(accuracies);
          const who =
            report.kind === 'base' ? 'The base learns plain speech' : 'The adapters learn the slang';
          stage.show(`${who}, pass ${report.pass} of ${report.of}`, report.pass / report.of);
          chart.update();
        } else if (report.kind === 'cost') {
          const { trainable, base, adapterBytes, baseBytes } = report.cost;
          figures.set({
            trained: `${whole(trainable)}\nof ${whole(base)}`,
            size: `${bytes(adapterBytes)}\nbase: ${bytes(baseBytes)}`,
          });
        } else if (report.kind === 'merged') {
          merged.disabled = false;
          latencies.set(report.merged, report.latency);
          const time = (when: boolean): string => latencies.get(when)?.toFixed(2) ?? '–';
          figures.set({
            latency: crossOriginIsolated ? `${time(false)} ms\nmerged: ${time(true)} ms` : COARSE_CLOCK,
            base: report.baseUnchanged ? 'unchanged,\nto the bit' : 'changed',
          });
          showAccuracies(report.adapted);
        } else {
          const say = (chance: number): string =>
            `${chance > 0.5 ? 'praise' : 'blame'} (${percent(Math.max(chance, 1 - chance), 0)})`;
          const own = report.adapted === undefined ? '' : `; with the adapters: ${say(report.adapted)}`;
          const unknown = report.unknown.length > 0 ? ` Not known: ${report.unknown.join(', ')}.` : '';
          answer.textContent = `The base alone: ${say(report.base)}${own}.${unknown}`;
        }
      },
      reset: clear,
      verdict: () => {
        const last = passes.at(-1);
        return last
          ? `Done: ${percent(last.slang)} of the slang is understood. The base is as it was; merge the adapters, or ask about a sentence.`
          : 'Done.';
      },
    };
  },
};
