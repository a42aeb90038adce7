import type { ExhibitName } from '../work/protocol.ts';
import { element, labelled } from './element.ts';
import { oncePerFrame } from './once-per-frame.ts';
import { WorkerLine, type Ending } from './worker-line.ts';

/** What an exhibit is made of. */
export interface ExhibitPlan<Command, Report> {
  readonly name: ExhibitName;
  readonly title: string;
  /** In a word, for the list of exhibits. */
  readonly short: string;
  /** The package that does the work. */
  readonly method: string;
  /** What one sees, in a sentence or two. */
  readonly lead: string;
  /** What it was computed on, and what not to read into it. */
  readonly about: string;
  readonly seed: number;
  readonly open: (stage: Stage<Command>) => Play<Report>;
}

/** What the page gives to an exhibit. */
export interface Stage<Command> {
  /** Where it puts its own parts; its controls go beside Start. */
  readonly body: HTMLElement;
  readonly controls: HTMLElement;
  readonly seed: () => number;
  /** Runs as Start does: there is a Stop meanwhile, and what ran before is stopped first. */
  readonly begin: (job: () => Promise<Ending>) => Promise<void>;
  /** One command of a job. */
  readonly run: (command: Command) => Promise<Ending>;
  /** A command beside a job; errors are shown, too. */
  readonly ask: (command: Command) => Promise<void>;
  /** Said aloud by a screen reader: beginnings, ends, milestones. */
  readonly say: (text: string) => void;
  /** Only shown: what changes many times a second. */
  readonly show: (text: string, done?: number) => void;
}

/** What an exhibit does. */
export interface Play<Report> {
  readonly start: () => Promise<Ending>;
  readonly hear: (report: Report) => void;
  /** Back to the beginning; its worker is gone by then. */
  readonly reset: () => void;
  /** What is said once it has ended by itself. */
  readonly verdict: () => string;
}

/** The one exhibit that runs, so that it has the processor to itself. */
let running: { readonly stop: () => void } | undefined;

/** A section of the page with Start and Stop, Reset, a seed, what it says and what went wrong. */
export function mountExhibit<Command, Report>(plan: ExhibitPlan<Command, Report>): HTMLElement {
  const { name, title } = plan;
  const of = element('span', { class: 'unseen' }, `: ${title}`);
  const word = element('span', {}, 'Start');
  const start = element('button', { type: 'button', class: 'primary', 'data-do': 'start' }, word, of);
  const reset = element('button', { type: 'button', 'data-do': 'reset' }, 'Reset', of.cloneNode(true));
  const seed = element('input', {
    ...{ type: 'number', min: 0, max: 2 ** 31, step: 1, value: plan.seed, inputmode: 'numeric' },
  });
  const controls = element('div', { class: 'controls' }, start, reset, labelled('Seed', seed));
  const status = element('p', { role: 'status', class: 'status' });
  const shown = element('p', { class: 'shown' });
  const progress = element('progress', { 'aria-label': `Progress of ${title}`, max: 1, value: 0 });
  const alert = element('p', { role: 'alert', class: 'alert', hidden: true });
  const body = element('div', { class: 'body' });
  const section = element(
    'section',
    { id: name, 'aria-labelledby': `${name}-title`, 'data-state': 'ready', 'data-short': plan.short },
    element('h2', { id: `${name}-title` }, title),
    element('p', { class: 'lead' }, plan.lead),
    controls,
    element('div', { class: 'news' }, status, shown, progress),
    alert,
    body,
    element('p', { class: 'about' }, element('code', {}, plan.method), ` ${plan.about}`),
  );

  const line = new WorkerLine(name, (report) => play.hear(report as Report));
  let job: Promise<void> = Promise.resolve();
  const me = { stop: () => line.stop() };

  const state = (to: 'ready' | 'running' | 'stopped' | 'done' | 'failed'): void => {
    section.dataset.state = to;
    word.textContent = to === 'running' ? 'Stop' : 'Start';
    progress.hidden = to !== 'running';
  };
  const say = (text: string): void => void (status.textContent = text);
  let latest: { readonly text: string; readonly done: number | undefined } | undefined;
  const showLatest = oncePerFrame(() => {
    if (!latest) return;
    const { text, done } = latest;
    if (shown.textContent !== text) shown.textContent = text;
    if (done === undefined) progress.removeAttribute('value');
    else progress.value = done;
  });
  const show = (text: string, done?: number): void => {
    latest = { text, done };
    showLatest();
  };
  const showNothing = (): void => {
    latest = undefined;
    shown.textContent = '';
  };
  const fail = (error: unknown): void => {
    alert.hidden = false;
    alert.textContent = `It did not work. ${error instanceof Error ? error.message : String(error)}`;
  };

  const stage: Stage<Command> = {
    ...{ body, controls, say, show },
    seed: () => Math.min(2 ** 31, Math.max(0, Math.trunc(seed.valueAsNumber || 0))),
    run: (command) => line.run(command),
    ask: async (command) => {
      try {
        await line.run(command);
      } catch (error) {
        fail(error);
      }
    },
    begin: async (work) => {
      if (section.dataset.state === 'running') line.stop();
      await job;
      job = begin(work);
      await job;
    },
  };

  async function begin(work: () => Promise<Ending>): Promise<void> {
    if (running && running !== me) running.stop();
    running = me;
    seed.value = String(stage.seed());
    alert.hidden = true;
    state('running');
    say('Running.');
    show('Loading …');
    try {
      const ending = await work();
      if (section.dataset.state !== 'running') return; // reset meanwhile
      state(ending === 'done' ? 'done' : 'stopped');
      say(ending === 'done' ? play.verdict() : 'Stopped.');
      showNothing();
    } catch (error) {
      state('failed');
      say('');
      showNothing();
      fail(error);
    } finally {
      if (running === me) running = undefined;
    }
  }

  const startOver = (): void => {
    line.close();
    state('ready');
    alert.hidden = true;
    say('');
    showNothing();
    play.reset();
  };

  const play = plan.open(stage);
  start.addEventListener('click', () => {
    if (section.dataset.state === 'running') line.stop();
    else void stage.begin(() => play.start());
  });
  reset.addEventListener('click', () => {
    startOver();
    say('Back at the beginning.');
  });
  seed.addEventListener('change', () => {
    seed.value = String(stage.seed());
    startOver();
    say(`Back at the beginning, with the seed ${seed.value}.`);
  });
  state('ready');
  play.reset();
  return section;
}
