/** A sibling file that runs in a process of its own: `.ts` from the sources, `.js` when built. */
export function entry(name: string, from: string): URL {
  return new URL(`${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from)
}
