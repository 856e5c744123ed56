/** Of draws of which every second fits, so many fail together once in 10^19. */
const MAX_DRAWS = 64;

/**
 * Draws until a text fits: each that fits stays as likely as any other. `undefined` when there is nothing
 * to draw, or next to nothing fits.
 */
export function drawUntil(
  fits: (text: string) => boolean,
  draw: () => string | undefined,
  maxDraws: number = MAX_DRAWS,
): string | undefined {
  for (let count = 0; count < maxDraws; count += 1) {
    const text = draw();
    if (text === undefined || fits(text)) {
      return text;
    }
  }
  return undefined;
}
