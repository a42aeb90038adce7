import type { BenchResult } from './bench.ts';

const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** A result as lines of plain text. */
export function table(result: BenchResult): string {
  const { id, question, engine, machine, against, timings, ratios, figures } = result;
  const width = Math.max(...[...Object.keys(timings), ...Object.keys(figures)].map((name) => name.length));
  const lines = [`${id}: ${question}`];
  for (const [name, t] of Object.entries(timings)) {
    const r = ratios[name];
    const faster = r
      ? `  ${digits(r.median)} times (${digits(r.lowerQuartile)} to ${digits(r.upperQuartile)}) as fast as ${against[name]!}`
      : '';
    const spread = `${digits(t.median)} ms (${digits(t.lowerQuartile)} to ${digits(t.upperQuartile)})`;
    lines.push(`  ${name.padEnd(width)}  ${spread}${faster}`);
  }
  for (const [name, value] of Object.entries(figures))
    lines.push(`  ${name.padEnd(width)}  ${value.toLocaleString('en')}`);
  const rounds = Object.values(timings)[0]?.rounds ?? 0;
  lines.push(
    `  medians and quartiles of ${rounds} interleaved rounds, engine ${engine}, load ${machine.load} on ${machine.cores} cores of ${machine.cpu}`,
  );
  if (machine.load > machine.cores / 2)
    lines.push('  the machine was busy: repeat this on an idle one before quoting it');
  return `${lines.join('\n')}\n`;
}
