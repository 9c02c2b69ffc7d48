/** A state as plain data, whatever holds it, so that two of them can be compared. */
export function plainCopy(state: unknown): unknown {
  return JSON.parse(JSON.stringify(state))
}
