import * as Plot from '@observablehq/plot';
import { Chart } from '../page/chart.ts';
import { choice, labelled } from '../page/element.ts';
import type { ExhibitPlan } from '../page/exhibit.ts';
import { Figures } from '../page/figures.ts';
import { axes } from '../page/plot-style.ts';
import { bytes, percent, whole } from '../page/words.ts';
import type { EmbeddingsCommand, EmbeddingsReport, TableResult } from './messages.ts';
import { FACTORS, FORMS, type Form } from './tables.ts';
import { TOPICS, VOCABULARY } from './texts.ts';

const COLOURS: Readonly<Record<Form, string>> = {
  'count-sketch': 'var(--one)',
  hash: 'var(--two)',
  robe: 'var(--three)',
};
const SYMBOLS: Readonly<Record<Form, 'circle' | 'square' | 'triangle'>> = {
  'count-sketch': 'circle',
  hash: 'square',
  robe: 'triangle',
};
const SIGNS: Readonly<Record<Form, string>> = { 'count-sketch': '●', hash: '■', robe: '▲' };

/** The same classifier of texts on smaller and smaller tables of words. */
export const embeddingsExhibit: ExhibitPlan<EmbeddingsCommand, EmbeddingsReport> = {
  name: 'embeddings',
  title: 'Shrink a table of words',
  short: 'Embeddings',
  method: '@ockham/count-sketch-embed',
  lead: 'A model of texts keeps a vector for each word. Let words share numbers instead: see how small the table gets, and what that costs.',
  about: `trains a classifier of texts from scratch for each size. The texts are made up: ${whole(VOCABULARY)} words, each of one of ${TOPICS} topics, as often as Zipf’s law says; somewhat more than half of a text’s 12 words are of its topic. 4,000 texts are learnt from in six passes, 1,000 others are tested on.`,
  seed: 7,
  open: (stage) => {
    const tables: TableResult[] = [];
    const form = choice(FORMS, 'count-sketch');
    stage.controls.append(labelled('How words share', form));
    const figures = new Figures({
      plain: 'Plain table',
      small: 'Smallest so far',
      lost: 'Accuracy lost by it',
    });
    const of = (name: Form): TableResult[] =>
      tables.filter((table) => table.form === name).toSorted((a, b) => b.factor - a.factor);
    const tried = (): Form[] => (Object.keys(FORMS) as Form[]).filter((name) => of(name).length > 0);

    const chart = new Chart({
      title: 'Size of the table against accuracy',
      draw: (width) =>
        Plot.plot({
          ...axes(width),
          x: {
            label: 'bytes of the table →',
            type: 'log',
            domain: [2500, 200_000],
            ticks: [3000, 10_000, 30_000, 100_000],
            tickFormat: '~s',
            grid: false,
          },
          y: { label: '↑ right, %', domain: [60, 100], grid: true },
          marks: tried().flatMap((name) => [
            Plot.line(of(name), { ...at, stroke: COLOURS[name], strokeWidth: 2 }),
            Plot.dot(of(name), { ...at, fill: COLOURS[name], symbol: SYMBOLS[name], r: 4.5 }),
          ]),
        }),
      legend: () => tried().map((name) => ({ sign: SIGNS[name], colour: COLOURS[name], name: FORMS[name] })),
      summary: () => {
        if (tables.length === 0) return 'No table was trained yet.';
        return tried()
          .map((name) => {
            const [small] = of(name);
            const plain = of(name).at(-1)!;
            return `${FORMS[name]}: ${percent(plain.accuracy)} with ${bytes(plain.bytes)}, ${percent(small!.accuracy)} with ${bytes(small!.bytes)}.`;
          })
          .join(' ');
      },
      numbers: () => [
        ['form', 'times smaller', 'bytes', 'right'],
        ...tables.map(({ form: name, factor, bytes: size, accuracy }) => [
          factor === 1 ? 'Plain table' : FORMS[name],
          String(factor),
          whole(size),
          percent(accuracy),
        ]),
      ],
    });
    stage.body.append(figures.list, chart.figure);

    return {
      start: () => {
        const wanted = form.chosen;
        for (let i = tables.length - 1; i >= 0; i--) if (tables[i]!.form === wanted) tables.splice(i, 1);
        chart.update();
        return stage.run({ seed: stage.seed(), form: wanted });
      },
      hear: (report) => {
        if (report.kind === 'pass') {
          const { factor, pass, of: passes } = report;
          const name = factor === 1 ? 'The plain table' : `A table ${factor} times smaller`;
          const done = FACTORS.indexOf(factor as (typeof FACTORS)[number]) + pass / passes;
          stage.show(`${name}, pass ${pass} of ${passes}`, done / FACTORS.length);
          return;
        }
        const { table } = report;
        tables.push(table);
        const [plain] = of(table.form).slice(-1);
        if (table.factor === 1)
          figures.set({
            plain: `${bytes(table.bytes)}\n${percent(table.accuracy)} right`,
            small: '–',
            lost: '–',
          });
        else
          figures.set({
            small: `${bytes(table.bytes)}\n${percent(table.accuracy)} right`,
            lost: `${(100 * (plain!.accuracy - table.accuracy)).toFixed(1)} points`,
          });
        chart.update();
      },
      reset: () => {
        tables.length = 0;
        figures.clear();
        chart.update();
      },
      verdict: () => {
        const [small] = of(form.chosen);
        return small
          ? `Done: a table ${small.factor} times smaller is right for ${percent(small.accuracy)} of the texts. Try another way to share.`
          : 'Done.';
      },
    };
  },
};

const at = { x: 'bytes', y: ({ accuracy }: TableResult) => 100 * accuracy };
