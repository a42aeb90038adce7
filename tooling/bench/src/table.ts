import type { BenchResult } from './bench.ts';

export const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** What a result rests on, in one line. */
export function conditions({ engine, machine, timings, versions, seed }: BenchResult): string {
  const rounds = Object.values(timings)[0]?.rounds; // a bench of figures alone has none
  const of = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  return `${rounds === undefined ? '' : `medians and quartiles of ${rounds} interleaved rounds, `}engine ${engine}, ${of}${seed === undefined ? '' : `, seed ${seed}`}, ${machine.load} of ${machine.cores} cores of ${machine.cpu} in use by others`;
}

/** Whether others were at work when it ran. */
export function wasBusy({ machine }: BenchResult): boolean {
  return machine.load > 0.2;
}

/** A result as lines of plain text. */
export function table(result: BenchResult): string {
  const { id, question, timings, ratios, figures, skipped } = result;
  const names = [timings, figures, skipped].flatMap((part) => Object.keys(part));
  const width = Math.max(...names.map((name) => name.length));
  const lines = [`${id}: ${question}`];
  for (const [name, t] of Object.entries(timings)) {
    lines.push(
      `  ${name.padEnd(width)}  ${digits(t.median)} ms (${digits(t.lowerQuartile)} to ${digits(t.upperQuartile)})`,
    );
    for (const r of ratios.filter(({ variant }) => variant === name)) {
      const wanted =
        r.wanted === undefined
          ? ''
          : `, wanted ${digits(r.wanted)}: ${r.reached ? 'reached' : 'NOT REACHED'}`;
      lines.push(
        `  ${''.padEnd(width)}    ${digits(r.median)} times (${digits(r.lowerQuartile)} to ${digits(r.upperQuartile)}) as fast as ${r.against}${wanted}`,
      );
    }
  }
  for (const [name, value] of Object.entries(figures))
    lines.push(`  ${name.padEnd(width)}  ${value.toLocaleString('en')}`);
  for (const [name, why] of Object.entries(skipped)) lines.push(`  ${name.padEnd(width)}  skipped: ${why}`);
  lines.push(`  ${conditions(result)}`);
  if (wasBusy(result)) lines.push('  the machine was busy: repeat this on an idle one before quoting it');
  return `${lines.join('\n')}\n`;
}
