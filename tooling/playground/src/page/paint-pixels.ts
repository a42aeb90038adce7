/**
 * Paints grey levels onto a canvas in the page's ink: 0 is its paper, 255 its ink. The canvas takes the size of the picture
 * and is enlarged by its style.
 */
export function paintPixels(canvas: HTMLCanvasElement, levels: Uint8Array, width: number): void {
  const height = Math.max(1, Math.ceil(levels.length / width));
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, height);
  const [red, green, blue] = inkOfPage();
  const pixels = new Uint32Array(image.data.buffer); // alpha, blue, green, red from the highest byte down
  const ink = (blue << 16) | (green << 8) | red;
  for (let i = 0; i < levels.length; i++) pixels[i] = (levels[i]! << 24) | ink;
  context.putImageData(image, 0, 0);
}

/** The page's text colour, as the three numbers of `rgb(…)`. */
function inkOfPage(): readonly [number, number, number] {
  const [red = 0, green = 0, blue = 0] = getComputedStyle(document.body).color.match(/\d+/g)!.map(Number);
  return [red, green, blue];
}

/** Calls `paint` again when the page turns dark or light. */
export function onTheme(paint: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
}
