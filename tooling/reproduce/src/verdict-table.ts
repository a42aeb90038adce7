import type { Result } from './result.ts';

/** What the command line prints last: every claim with its verdict and our figures, then the counts. */
export function verdictTable(results: readonly Result[]): string {
  const lines: string[] = [];
  const counts = new Map<string, number>();
  for (const { experiment, scale, sample, figures, skipped } of results) {
    lines.push('', `${experiment} (${scale}${sample ? ', embedded sample' : ''})`);
    if (skipped !== undefined) lines.push(`  skipped: ${skipped}`);
    for (const { figure, claims } of figures) {
      for (const { text, verdict, ours, why } of claims) {
        counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
        lines.push(`  ${verdict.padEnd(14)}  ${figure}: ${text}`);
        if (skipped === undefined) lines.push(`${' '.repeat(18)}${ours}${why && `; ${why}`}`);
      }
    }
  }
  const total = ['reproduced', 'not reproduced', 'inconclusive', 'skipped']
    .map((verdict) => `${counts.get(verdict) ?? 0} ${verdict}`)
    .join(', ');
  return `${lines.join('\n')}\n\nClaims: ${total}\n`;
}
