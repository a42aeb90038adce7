/** Photographs the page: `pnpm --filter @ockham/playground pictures <folder>`, a desktop and a phone, light and dark. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findChromium } from '@ockham/vitest-config/browser';
import { chromium } from 'playwright';
import { servePlayground } from './serve-playground.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('pictures: needs the folder to write to, got nothing.');
await mkdir(folder, { recursive: true });
const executablePath = findChromium();
const server = await servePlayground();
const browser = await chromium.launch({
  ...(executablePath !== undefined && { executablePath }),
  args: ['--no-sandbox'],
});
try {
  for (const [device, width, height] of [
    ['desktop', 1200, 900],
    ['phone', 360, 740],
  ] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({
        viewport: { width, height },
        colorScheme,
        reducedMotion: 'reduce',
      });
      await page.goto(server.addresses[0]!);
      for (const section of await page.locator('section').all()) {
        await section.getByRole('button', { name: /^Start/ }).click();
        await page
          .locator(
            `#${await section.getAttribute('id')}[data-state=done], #${await section.getAttribute('id')}[data-state=failed]`,
          )
          .waitFor({ timeout: 120_000 });
        if ((await section.getAttribute('id')) === 'digits') await drawThree();
        await section.screenshot({
          path: join(folder, `${device}-${colorScheme}-${await section.getAttribute('id')}.png`),
        });
      }
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: join(folder, `${device}-${colorScheme}-top.png`) });
      await page.close();

      async function drawThree(): Promise<void> {
        const pad = page.locator('canvas.pad');
        await pad.scrollIntoViewIfNeeded();
        const { x, y, width: side } = (await pad.boundingBox())!;
        const points = [
          [0.3, 0.25],
          [0.5, 0.15],
          [0.68, 0.28],
          [0.5, 0.46],
          [0.7, 0.62],
          [0.52, 0.83],
          [0.28, 0.74],
        ] as const;
        await page.mouse.move(x + side * points[0][0], y + side * points[0][1]);
        await page.mouse.down();
        for (const [px, py] of points.slice(1))
          await page.mouse.move(x + side * px, y + side * py, { steps: 6 });
        await page.mouse.up();
        await page.locator('.belief[data-digit]').waitFor();
      }
    }
  }
} finally {
  await browser.close();
  await server.close();
}
