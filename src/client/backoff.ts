/** When to try again: at once after the first loss, then further apart, never all together. */
const firstWithinMs = 10
const stepMs = 200
const pauseMsMax = 10_000

/** Full jitter: any moment between now and the limit of this attempt. */
export function pauseMs(attempt: number, random: () => number): number {
  const limitMs = attempt === 0 ? firstWithinMs : Math.min(stepMs * 2 ** attempt, pauseMsMax)
  return random() * limitMs
}
