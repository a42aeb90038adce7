import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { findChromium } from '@ockham/vitest-config/browser';
import type { Browser, Page } from 'playwright';
import { chromium } from 'playwright';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { collectResults } from '../src/report/collect.ts';
import { reportPage } from '../src/report/page.ts';
import { temporaryFolder } from './toy.ts';

const workspace = fileURLToPath(new URL('../../..', import.meta.url));

let browser: Browser;
let page: string;
let part: string;

beforeAll(async () => {
  const packages = await collectResults(workspace);
  page = reportPage(packages);
  // every kind of thing that a page shows, without axe’s minutes for thirteen thousand elements
  part = reportPage(packages.filter(({ opened }) => /cssl|lowrank/.test(opened.name)));
  browser = await chromium.launch({ executablePath: findChromium()!, args: ['--no-sandbox'] });
});
afterAll(() => browser.close());

/** The report of this repository's results, and the addresses that it asked for. */
async function open(
  options: { width: number; colorScheme?: 'light' | 'dark'; javaScriptEnabled?: boolean },
  content = page,
): Promise<{ tab: Page; asked: string[] }> {
  const file = join(await temporaryFolder(), 'index.html');
  await writeFile(file, content);
  const { width, ...rest } = options;
  const context = await browser.newContext({ viewport: { width, height: 900 }, ...rest });
  onTestFinished(() => context.close());
  const tab = await context.newPage();
  const asked: string[] = [];
  tab.on('request', (request) => asked.push(request.url()));
  await tab.goto(pathToFileURL(file).href);
  return { tab, asked: asked.filter((address) => !address.startsWith('data:')) };
}

describe('the report in a browser', () => {
  it.each([
    { width: 360, colorScheme: 'light' },
    { width: 1280, colorScheme: 'dark' },
  ] as const)('has no accessibility violation, all folds open, $width px, $colorScheme', async (options) => {
    const { tab } = await open(options, part);
    await tab.evaluate(() => {
      for (const fold of document.querySelectorAll('details')) fold.open = true;
    });
    const { violations, passes } = await new AxeBuilder({ page: tab }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`)).toEqual([]);
    expect(passes.map(({ id }) => id)).toContain('color-contrast');
  });

  it.each([360, 1280])('is no wider than %i px and asks for nothing but itself', async (width) => {
    const { tab, asked } = await open({ width });
    expect(asked).toHaveLength(1);
    expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  });

  it('draws every figure, in ink that the dark theme shows', async () => {
    const { tab } = await open({ width: 1280, colorScheme: 'dark' });
    const broken = await tab.evaluate(async () => {
      const images = [...document.images];
      for (const image of images) image.loading = 'eager';
      const drawn = await Promise.allSettled(images.map((image) => image.decode()));
      return { images: images.length, broken: drawn.filter(({ status }) => status === 'rejected').length };
    });
    expect(broken.images).toBeGreaterThan(50);
    expect(broken.broken).toBe(0);
    const lightest = await tab.evaluate(() => {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 400;
      const context = canvas.getContext('2d')!;
      context.drawImage(document.images[0]!, 0, 0, 400, 400);
      const { data } = context.getImageData(0, 0, 400, 400);
      return Math.max(...data.filter((_, i) => i % 4 === 0 && data[i + 3] === 255));
    });
    expect(lightest).toBeGreaterThan(200);
  });

  it('filters claims by verdict, package and words, says how many are left, and shows all again', async () => {
    const { tab } = await open({ width: 1280 });
    const visible = () => tab.locator('li[data-verdict]:visible');
    const all = await visible().count();
    for (const verdict of ['reproduced', 'inconclusive', 'skipped'])
      await tab.getByRole('checkbox', { name: verdict, exact: true }).uncheck();
    const failed = await visible().count();
    expect(failed).toBeGreaterThan(0);
    expect(failed).toBeLessThan(all);
    expect(
      await visible().evaluateAll((claims) => [...new Set(claims.map((each) => each.dataset.verdict))]),
    ).toEqual(['not reproduced']);
    expect(await tab.locator('form output').textContent()).toBe(`${failed} of ${all} claims are shown.`);
    await tab.getByRole('combobox').selectOption('@ockham/fw-prune');
    await tab.getByLabel('with the words').fill('SPARSITY dense');
    const words = await visible().allTextContents();
    expect(words.length).toBeGreaterThan(0);
    for (const text of words) expect(text.toLowerCase()).toMatch(/sparsity[^]*dense|dense[^]*sparsity/);
    await tab.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => visible().count()).toBe(all);
  });

  it('leads from a count in the summary to those claims, and from a link to a claim that was hidden', async () => {
    const { tab } = await open({ width: 1280 });
    const all = await tab.locator('li[data-verdict]').count();
    const link = tab.getByRole('link', { name: /^\d+ not reproduced of @ockham\/fw-prune$/ });
    const count = Number(await link.textContent());
    await link.click();
    expect(await tab.locator('li[data-verdict]:visible').count()).toBe(count);
    const hidden = await tab.locator('li[data-verdict="reproduced"]').first().getAttribute('id');
    await tab.evaluate((id) => (location.hash = id!), hidden);
    await expect.poll(() => tab.locator('li[data-verdict]:visible').count()).toBe(all);
  });

  it('shows everything and no filter where scripts do not run', async () => {
    const { tab } = await open({ width: 360, javaScriptEnabled: false });
    expect(await tab.locator('form.filter').isVisible()).toBe(false);
    expect(await tab.locator('li[data-verdict]').first().isVisible()).toBe(true);
  });
});
