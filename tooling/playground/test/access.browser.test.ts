import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ExhibitOnPage, launch, visit } from './fixtures/visitor.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

async function violations(page: Page): Promise<string[]> {
  const found = await new AxeBuilder({ page }).analyze();
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

it.each([
  { colorScheme: 'light', viewport: { width: 1200, height: 900 } },
  { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
] as const)(
  'axe finds nothing while one exhibit runs and another has ended: $colorScheme',
  async (settings) => {
    const { page } = await visit(browser, { ...settings, reducedMotion: 'reduce' });
    const hydrogen = new ExhibitOnPage(page, 'hydrogen');
    await hydrogen.press('Start');
    await hydrogen.waitFor('done');
    for (const numbers of await page.getByText('The numbers').all()) await numbers.click();
    await new ExhibitOnPage(page, 'digits').press('Start');
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  },
);

it('nothing is wider than a phone of 360 pixels, and what can be pressed is 44 pixels high', async () => {
  const { page } = await visit(browser, { viewport: { width: 360, height: 740 }, hasTouch: true });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  const small: string[] = [];
  for (const control of await page
    .locator('button, select, input:not([type=checkbox]), summary, nav a, .check')
    .all()) {
    const { width, height } = (await control.boundingBox())!;
    if (Math.min(width, height) < 44) small.push(`${await control.innerText()} ${width} × ${height}`);
  }
  expect(small).toEqual([]);
  await page.context().close();
});

it('a visitor with keys alone comes to everything in the order of the page, draws, teaches, and stops', async () => {
  const { page, errors } = await visit(browser);
  const focused = () =>
    page.evaluate(() => {
      const at = document.activeElement as HTMLElement;
      const name =
        at.getAttribute('aria-label') ?? (at as HTMLInputElement).labels?.[0]?.textContent ?? at.textContent;
      const shown = getComputedStyle(at).outlineStyle !== 'none';
      return { name: name.trim(), section: at.closest('section')?.id, shown };
    });
  const walk: Awaited<ReturnType<typeof focused>>[] = [];
  for (let step = 0; step < 80; step++) {
    await page.keyboard.press('Tab');
    const here = await focused();
    if (here.name === 'Draw a digit') break;
    walk.push(here);
  }
  expect(walk.map(({ name }) => name)).toEqual([
    'Skip to the exhibits',
    'Digits',
    'Pruning',
    'Adapters',
    'Hydrogen',
    'Embeddings',
    'Start: Learn digits from a stream',
    'Reset: Learn digits from a stream',
    'Seed',
    'Order of the stream',
  ]);
  expect(walk.filter(({ shown }) => !shown)).toEqual([]);

  // a one: pen down, a line, pen up
  for (const key of [' ', ...Array<string>(8).fill('ArrowDown'), ' ']) await page.keyboard.press(key);
  await expect.poll(() => page.locator('#pad-pen').innerText()).toBe('Pen up.');
  for (const name of ['Clear the drawing', 'Teach that it is a 0', 'Teach that it is a 1']) {
    await page.keyboard.press('Tab');
    expect((await focused()).name).toBe(name);
  }
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('.belief').innerText()).toContain('takes this for a 1');

  const order: (string | undefined)[] = [];
  for (let step = 0; step < 80; step++) {
    await page.keyboard.press('Tab');
    const { name, section } = await focused();
    if (section !== order.at(-1)) order.push(section);
    if (name.startsWith('Start') && section === 'hydrogen') break;
  }
  expect(order).toEqual(['digits', 'pruning', 'lora', 'hydrogen']);
  await page.keyboard.press('Enter');
  await expect.poll(focused).toMatchObject({ name: 'Stop: Find the states of hydrogen' }); // the focus stays
  await page.keyboard.press('Enter');
  await new ExhibitOnPage(page, 'hydrogen').waitFor('stopped');
  expect(errors).toEqual([]);
  await page.context().close();
});

it('a screen reader hears beginnings and ends, not every number', async () => {
  const { page } = await visit(browser);
  await page.evaluate(() => {
    const heard: string[] = ((globalThis as Record<string, unknown>).heard = []);
    for (const live of document.querySelectorAll('[role=status], [role=alert], [aria-live]'))
      new MutationObserver(() => heard.push(live.textContent)).observe(live, {
        childList: true,
        characterData: true,
        subtree: true,
      });
  });
  const hydrogen = new ExhibitOnPage(page, 'hydrogen');
  await hydrogen.press('Start');
  await hydrogen.waitFor('done');
  const heard = await page.evaluate(() => (globalThis as unknown as { heard: string[] }).heard);
  expect(heard[0]).toBe('Running.');
  expect(heard.at(-1)).toMatch(/^The players rest/);
  expect(heard.length).toBeLessThanOrEqual(3);
  expect(await hydrogen.section.getByRole('img').getAttribute('aria-label')).toMatch(
    /^Energies of the players, round by round\. After round \d+ the energies are/,
  );
  await page.context().close();
});
