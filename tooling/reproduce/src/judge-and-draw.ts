import type { Circumstances } from './evaluate.ts';
import { evaluateClaims } from './evaluate.ts';
import type { Experiment, Row } from './experiment.ts';
import { experimentName } from './experiment.ts';
import type { ResultFigure } from './result.ts';
import { renderSvg } from './svg.ts';

/** What readers see of rows: verdicts, and drawings by file name. */
export interface Judged {
  readonly figures: readonly ResultFigure[];
  readonly drawings: ReadonlyMap<string, string>;
}

/** Computes the verdicts and draws the figures of an experiment from its rows; never trains. */
export async function judgeAndDraw(
  experiment: Experiment,
  rows: readonly Row[],
  circumstances: Circumstances,
): Promise<Judged> {
  const figures = judge(experiment, rows, circumstances);
  return { figures, drawings: await draw(experiment, rows, circumstances, figures) };
}

/** The verdicts, and the file names that the drawings have or would have. */
export function judge(
  experiment: Experiment,
  rows: readonly Row[],
  circumstances: Circumstances,
): ResultFigure[] {
  const verdicts = evaluateClaims(experiment, rows, circumstances);
  const stem = [experimentName(experiment.id), ...(circumstances.sample ? ['sample'] : [])].join('.');
  return experiment.figures.map(({ id, title, paperClaim }, i) => {
    const judged = { ...verdicts[i]!, title, paperClaim };
    if (rows.length === 0) return judged;
    return { ...judged, svg: id === experimentName(experiment.id) ? `${stem}.svg` : `${stem}.${id}.svg` };
  });
}

async function draw(
  experiment: Experiment,
  rows: readonly Row[],
  circumstances: Circumstances,
  figures: readonly ResultFigure[],
): Promise<Map<string, string>> {
  const drawings = new Map<string, string>();
  for (const [i, { title, plot }] of experiment.figures.entries()) {
    const { svg } = figures[i]!;
    if (svg === undefined) continue;
    const spec = plot(rows);
    drawings.set(svg, await renderSvg({ ...spec, title: titleOf(spec.title ?? title, circumstances) }));
  }
  return drawings;
}

/** A drawing travels without its page: what is not the full data or the main scale says so itself. */
function titleOf(title: unknown, { scale, sample }: Circumstances): unknown {
  const notes = [
    ...(scale === 'smoke' ? ['smoke scale'] : []),
    ...(sample ? ['embedded sample, not the full data'] : []),
  ];
  if (notes.length === 0) return title;
  return typeof title === 'string'
    ? { text: title, subtitle: notes.join(', ') }
    : { ...(title as object), subtitle: notes.join(', ') };
}
