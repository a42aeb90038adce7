import { basename } from 'node:path';
import type { Paper } from '../papers.ts';
import type { ShownPackage } from './collect.ts';

/**
 * What is wrong with the declared papers: a package without any, a figure or table without an answer, an answer that leads
 * nowhere, a number that is left out. `exists` says whether a path of the workspace is there.
 */
export function problemsOfPapers(
  packages: readonly ShownPackage[],
  exists: (path: string) => boolean,
): string[] {
  const known = new Set(packages.flatMap(references));
  return packages.flatMap(({ opened, papers }) => {
    const name = basename(opened.folder);
    if (!papers) return [`${name}: there is no reproduce/papers.ts`];
    return papers.papers.flatMap((paper) =>
      [...leftOut(paper), ...wrongAnswers(paper, known, exists)].map((problem) => `${name}, ${problem}`),
    );
  });
}

function references({ experiments, missing }: ShownPackage): string[] {
  return [
    ...experiments.flatMap(({ id, results: [{ result }] }) =>
      result.figures.map(({ figure }) => `${id}#${figure}`),
    ),
    ...missing.flatMap(({ id, figures }) => figures.map((figure) => `${id}#${figure}`)),
  ];
}

/** Figures and tables are numbered from 1, without gaps. */
function leftOut({ title, prints }: Paper): string[] {
  return ['Figure', 'Table'].flatMap((kind) => {
    const numbers = Object.keys(prints).flatMap((label) => {
      const number = new RegExp(`^${kind} (\\d+)$`).exec(label)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
    const all = Array.from({ length: Math.max(0, ...numbers) }, (_, i) => i + 1);
    return all
      .filter((number) => !numbers.includes(number))
      .map((number) => `${title}: ${kind} ${number} is left out`);
  });
}

function wrongAnswers(
  { title, prints, answers }: Paper,
  known: ReadonlySet<string>,
  exists: (path: string) => boolean,
): string[] {
  const unprinted = Object.keys(answers)
    .filter((label) => prints[label] === undefined)
    .map((label) => `${title}: it does not print ${label}`);
  const wrong = Object.keys(prints).flatMap((label) => {
    const answer = answers[label];
    if (answer === undefined) return [`${title}: nothing answers to ${label}`];
    if ('figures' in answer) {
      return answer.figures
        .filter((reference) => !known.has(reference))
        .map((reference) => `${title}, ${label}: there is no figure ${reference}`);
    }
    return (answer.tests ?? [])
      .filter((path) => !exists(path))
      .map((path) => `${title}, ${label}: there is no test ${path}`);
  });
  return [...unprinted, ...wrong];
}
