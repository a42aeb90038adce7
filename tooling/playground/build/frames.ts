/**
 * Counts the page's frames while each exhibit's worker trains: `pnpm --filter @ockham/playground frames`. Frames are what
 * requestAnimationFrame sees; headless Chromium shows 60 a second at most. Beside them stands how much of a core the page's own
 * thread takes, which does not depend on what else the machine does.
 */
import { findChromium } from '@ockham/vitest-config/browser';
import { quantile } from '@ockham/core/metrics';
import { chromium, type CDPSession, type Page } from 'playwright';
import { servePlayground } from './serve-playground.ts';

const MILLISECONDS = 5000;

/** Time from each frame to the next, in milliseconds, until the exhibit ends or the time is over. */
async function intervals(page: Page, running?: string): Promise<number[]> {
  return page.evaluate(
    ([limit, name]) =>
      new Promise<number[]>((resolve) => {
        const times: number[] = [];
        const next = (time: number): void => {
          times.push(time);
          const ended = name !== undefined && document.getElementById(name)?.dataset.state !== 'running';
          if (ended || time - times[0]! > limit) resolve(times.slice(1).map((at, i) => at - times[i]!));
          else requestAnimationFrame(next);
        };
        requestAnimationFrame(next);
      }),
    [MILLISECONDS, running] as const,
  );
}

/** Seconds that the page's thread has computed so far. */
async function secondsOfPage(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')!.value;
}

async function measure(page: Page, session: CDPSession, running?: string): Promise<string> {
  const before = await secondsOfPage(session);
  const list = await intervals(page, running);
  return line(running ?? 'idle', list, (await secondsOfPage(session)) - before);
}

function line(name: string, list: readonly number[], busy: number): string {
  const seconds = list.reduce((sum, interval) => sum + interval, 0) / 1000;
  const perSecond = (q: number): string => (1000 / quantile(list, q)).toFixed(1).padStart(6);
  // the slowest frames are those of the longest intervals
  return `${name.padEnd(12)} median ${perSecond(0.5)}  5th percentile ${perSecond(0.95)}  mean ${(list.length / seconds).toFixed(1).padStart(6)}  frames/s in ${seconds.toFixed(1)} s; the page's thread: ${((100 * busy) / seconds).toFixed(1)} % of a core\n`;
}

const executablePath = findChromium();
const server = await servePlayground();
const browser = await chromium.launch({
  ...(executablePath !== undefined && { executablePath }),
  args: ['--no-sandbox'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  await page.goto(server.addresses[0]!);
  await page.waitForTimeout(1000);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  process.stdout.write(await measure(page, session));
  for (const section of await page.locator('section').all()) {
    const name = (await section.getAttribute('id'))!;
    await section.getByRole('button', { name: /^Start/ }).click();
    process.stdout.write(await measure(page, session, name));
    await section.getByRole('button', { name: /^Reset/ }).click();
  }
} finally {
  await browser.close();
  await server.close();
}
