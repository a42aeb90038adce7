import * as vega from 'vega';
import type { TopLevelSpec } from 'vega-lite';
import { compile } from 'vega-lite';
import type { PlotSpec } from './plot.ts';

/** Colours that the report replaces by its theme's, and their roles. */
export const themeColours = { ink: '#24292f', soft: '#57606a', grid: '#d8dee4', paper: '#ffffff' } as const;

/** Okabe and Ito's palette, which stays apart for colour-blind readers; its yellow is left out, too pale on white. */
const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f'];

// Exported by vega, missing from its declarations.
const { textMetrics } = vega as unknown as { textMetrics: { canvas(use: boolean): void } };

const { ink, soft, grid, paper } = themeColours;
const font = 'system-ui, sans-serif';

const config = {
  aria: false, // the report and the README describe a figure once, not mark by mark
  background: paper,
  font,
  padding: 12,
  view: {
    continuousWidth: 440,
    continuousHeight: 270,
    discreteWidth: { step: 28 },
    discreteHeight: 270,
    stroke: null,
  },
  title: { anchor: 'start', color: ink, fontSize: 15, fontWeight: 600, offset: 12 },
  axis: {
    domainColor: soft,
    gridColor: grid,
    labelColor: soft,
    labelFontSize: 12,
    tickColor: soft,
    titleColor: ink,
    titleFontSize: 13,
    titleFontWeight: 'normal',
    titlePadding: 8,
  },
  axisX: { grid: false, tickCount: 8 },
  axisY: { tickCount: 6 },
  header: { labelColor: ink, labelFontSize: 13, labelFontWeight: 600 },
  legend: {
    orient: 'bottom',
    columns: 3,
    labelColor: ink,
    labelFontSize: 12,
    labelLimit: 260,
    symbolOpacity: 1,
    symbolSize: 90,
  },
  range: { category: palette },
  rule: { color: ink },
  text: { color: soft, fontSize: 12 },
};

/**
 * Draws a Vega-Lite spec, without a browser or a canvas. The same spec gives the same bytes on every machine.
 *
 * @throws What Vega throws for a spec that it does not understand.
 */
export async function renderSvg(spec: PlotSpec): Promise<string> {
  const lite = {
    ...spec,
    config: { ...config, ...(spec.config as object | undefined) },
  } as unknown as TopLevelSpec;
  // Drawing order and ids must not depend on what else was drawn, nor text widths on an installed canvas.
  vega.resetSVGDefIds();
  textMetrics.canvas(false);
  const view = new vega.View(vega.parse(compile(lite).spec), { renderer: 'none' });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}
