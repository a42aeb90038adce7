import type { PlotOptions } from '@observablehq/plot';

/** What all charts share: sizes for this width, and the page's own colours and letters. */
export function axes(width: number): PlotOptions {
  const narrow = width < 420;
  return {
    ...{
      width,
      height: narrow ? 220 : 260,
      marginLeft: 44,
      marginRight: 16,
      marginBottom: 40,
      marginTop: 24,
    },
    style: {
      fontFamily: 'inherit',
      fontSize: '13px',
      background: 'none',
      color: 'inherit',
      overflow: 'visible',
    },
  };
}
