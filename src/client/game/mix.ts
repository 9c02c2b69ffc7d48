/** Between two numbers: `from` at share 0, `to` at 1, and on in the same direction above. */
export function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share
}

/**
 * The same on a circle, the short way round.
 *
 * @param circle what a full turn measures; default 2π, for radians
 */
export function mixAngle(
  from: number,
  to: number,
  share: number,
  circle: number = 2 * Math.PI,
): number {
  const turn = (((to - from) % circle) + 1.5 * circle) % circle
  return from + (turn - circle / 2) * share
}
