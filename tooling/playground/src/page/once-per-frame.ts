/** A function that does `work` in the next frame, once, however often it is called until then. */
export function oncePerFrame(work: () => void): () => void {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      work();
    });
  };
}
