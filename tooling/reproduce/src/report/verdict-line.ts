import { basename } from 'node:path';
import type { ClaimResult } from '../evaluate.ts';
import type { ShownPackage } from './collect.ts';
import { allClaims, counted, countVerdicts, lasting } from './collect.ts';
import type { Choose } from './paper-rows.ts';

/** The claims of a package: of each experiment those of the result that `choose` names. */
export function packageClaims({ experiments }: ShownPackage, choose: Choose): ClaimResult[] {
  return experiments.flatMap((experiment) => {
    const chosen = choose(experiment);
    return chosen ? allClaims(chosen.result) : [];
  });
}

/** `12 of 20 reproduced, 3 not, 4 inconclusive, 1 skipped`; what is none is left out. */
export function verdictCounts(claims: readonly ClaimResult[]): string {
  const { reproduced, inconclusive, skipped, ...rest } = countVerdicts(claims);
  const others: readonly [number, string][] = [
    [rest['not reproduced'], 'not'],
    [inconclusive, 'inconclusive'],
    [skipped, 'skipped'],
  ];
  const told = others.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return [`${reproduced} of ${claims.length} reproduced`, ...told].join(', ');
}

/** The line at the top of a package's README: its verdicts, with a link to all of them. */
export function verdictLine(shown: ShownPackage): string {
  const claims = packageClaims(shown, lasting);
  const waiting =
    shown.missing.length + shown.experiments.filter((experiment) => !lasting(experiment)).length;
  const name = basename(shown.opened.folder);
  const open = waiting > 0 ? `; ${counted(waiting, 'experiment')} not run yet` : '';
  return `Claims of the paper and our own bars: [${verdictCounts(claims)}](../../REPRODUCIBILITY.md#${name})${open}.`;
}
