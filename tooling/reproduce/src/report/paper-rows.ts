import type { Verdict } from '../claim.ts';
import type { ClaimResult } from '../evaluate.ts';
import { splitReference } from '../papers.ts';
import type { ResultFigure } from '../result.ts';
import type { ReproducingPackage } from '../workspace.ts';
import type { ShownExperiment, ShownPackage, ShownResult } from './collect.ts';
import { countVerdicts, reproduceCommand } from './collect.ts';

/** What became of a figure or table of a paper; computed from the claims of the figures that answer to it. */
export type Status = 'verified' | 'partly' | 'not reproduced' | 'undecided' | 'not run' | 'not testable here';

/** Every status and what it means, the best first. */
export const statuses: Readonly<Record<Status, string>> = {
  verified: 'every claim holds',
  partly: 'some claims hold; the others fail, are not decided or have not run',
  'not reproduced': 'claims fail and none holds',
  undecided: 'run, and nothing is decided: too small a scale, too few seeds, or too wide a spread',
  'not run': 'data or a long run are missing; the row says which',
  'not testable here': 'nothing is measured there, or it cannot be measured here; the row says why',
};

/** One figure or table of a paper, or one figure of ours that no paper prints. */
export interface PaperRow {
  readonly label: string;
  readonly shows: string;
  readonly status: Status;
  readonly claims: readonly ClaimResult[];
  /** Figures with a result, `<package>/<experiment>#<figure>`. */
  readonly references: readonly string[];
  /** What a reader must know beside the claims: why not testable, what is needed, what differs. */
  readonly remarks: readonly string[];
  /** Commands of what has not run. */
  readonly commands: readonly string[];
  /** Tests that hold what is not measured. */
  readonly tests: readonly string[];
}

/** The rows of one paper. */
export interface PaperRows {
  readonly title: string;
  readonly rows: readonly PaperRow[];
}

/** What the papers of a package print, and what our experiments show beside that. */
export interface PackageRows {
  readonly opened: ReproducingPackage;
  readonly papers: readonly PaperRows[];
  readonly beyond: readonly PaperRow[];
}

/** `2 verified, 1 partly`, the best first: how a package's figures and tables stand. */
export function statusCounts({ papers }: PackageRows): string {
  const all = papers.flatMap(({ rows }) => rows);
  const counts = Object.keys(statuses).map(
    (status) => [all.filter((row) => row.status === status).length, status] as const,
  );
  return counts.flatMap(([count, status]) => (count > 0 ? [`${count} ${status}`] : [])).join(', ');
}

/** Which result of an experiment counts. */
export type Choose = (experiment: ShownExperiment) => ShownResult | undefined;

/** Brings papers and results together; `choose` says which result of an experiment counts. */
export function rowsOf(packages: readonly ShownPackage[], choose: Choose): PackageRows[] {
  const known = new Map(packages.flatMap((shown) => figuresOf(shown, choose)));
  const rows = packages.map(({ opened, papers }) => ({
    opened,
    papers: (papers?.papers ?? []).map(({ title, prints, answers }) => ({
      title,
      rows: Object.entries(prints).map(([label, shows]) => {
        const answer = answers[label];
        if (answer === undefined)
          return row(label, shows, { status: 'not run', remarks: ['nothing answers to it yet'] });
        if ('notTestable' in answer) {
          const { notTestable, tests = [] } = answer;
          return row(label, shows, { status: 'not testable here', remarks: [notTestable], tests });
        }
        return answered(label, shows, answer.figures, known, answer.note);
      }),
    })),
  }));
  const used = new Set(
    packages.flatMap(({ papers }) =>
      (papers?.papers ?? []).flatMap(({ answers }) =>
        Object.values(answers).flatMap((answer) => ('figures' in answer ? answer.figures : [])),
      ),
    ),
  );
  return rows.map(({ opened, papers }, i) => {
    const own = figuresOf(packages[i]!, choose).filter(([reference]) => !used.has(reference));
    return {
      opened,
      papers,
      beyond: own.map(([reference, known]) =>
        answered(splitReference(reference).experiment.split('/')[1]!, known.title, [reference], new Map(own)),
      ),
    };
  });
}

interface KnownFigure {
  readonly title: string;
  readonly figure?: ResultFigure;
  /** What it needs, where it has no result or was skipped. */
  readonly needs?: string;
  readonly command?: string;
}

function figuresOf({ opened, experiments, missing }: ShownPackage, choose: Choose): [string, KnownFigure][] {
  const run = experiments.flatMap((experiment): [string, KnownFigure][] => {
    const chosen = choose(experiment);
    const { result } = chosen ?? experiment.results[0];
    const again = reproduceCommand(opened, { experiment: result.experiment, scale: 'standard' });
    return result.figures.map((figure) => {
      const known = { title: figure.title };
      const reference = `${experiment.id}#${figure.figure}`;
      if (!chosen) return [reference, { ...known, needs: 'a standard run on full data', command: again }];
      if (result.skipped === undefined) return [reference, { ...known, figure }];
      const data = result.skipped.split(':')[0]!;
      return [reference, { ...known, figure, needs: `the data set ${data}`, command: again }];
    });
  });
  const waiting = missing.flatMap(({ id, paper, figures, datasets }): [string, KnownFigure][] => {
    const needs = `a run${datasets.length > 0 ? ` on ${datasets.join(', ')}` : ''}`;
    const command = reproduceCommand(opened, { experiment: id, scale: 'standard' });
    return figures.map((figure) => [`${id}#${figure}`, { title: paper, needs, command }]);
  });
  return [...run, ...waiting];
}

function answered(
  label: string,
  shows: string,
  references: readonly string[],
  known: ReadonlyMap<string, KnownFigure>,
  note?: string,
): PaperRow {
  const found = references.map((reference) => known.get(reference));
  const claims = found.flatMap((each) => each?.figure?.claims ?? []);
  const waiting = references.flatMap((reference, i) => {
    const { experiment } = splitReference(reference);
    const each = found[i];
    if (!each) return [`${experiment.split('/')[1]} does not exist`];
    return each.needs === undefined ? [] : [`${experiment.split('/')[1]} needs ${each.needs}`];
  });
  const commands = found.flatMap((each) => (each?.needs !== undefined && each.command ? [each.command] : []));
  return row(label, shows, {
    status: statusOf(claims, waiting.length === 0),
    claims,
    references: references.filter((_, i) => found[i]?.figure),
    remarks: [...new Set([...(note === undefined ? [] : [note]), ...waiting])],
    commands: [...new Set(commands)],
  });
}

/** The status that verdicts amount to; `complete`: everything that answers has run. */
export function statusOf(claims: readonly ClaimResult[], complete = true): Status {
  const counts: Readonly<Record<Verdict, number>> = countVerdicts(claims);
  const decided = claims.length - counts.skipped;
  if (decided === 0) return complete ? 'undecided' : 'not run';
  if (complete && counts.reproduced === claims.length) return 'verified';
  if (counts.reproduced > 0) return 'partly';
  return counts['not reproduced'] > 0 ? 'not reproduced' : 'undecided';
}

function row(
  label: string,
  shows: string,
  rest: Partial<PaperRow> & Pick<PaperRow, 'status' | 'remarks'>,
): PaperRow {
  return { label, shows, claims: [], references: [], commands: [], tests: [], ...rest };
}
