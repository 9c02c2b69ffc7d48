/** What a client says it is, made coarse: enough for people to tell their devices apart. */

const agents: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
]
const systems: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]
/** Letters of a user agent that are looked at; the rest can't make anything slow. */
const agentCharsMax = 512
const productPattern = /^[A-Za-z][\w.-]{0,31}/

/**
 * Like `Firefox on Linux`: no versions, which would tell one visitor from another. A client that is
 * no browser is called by the first word it says.
 */
export function deviceOf(userAgent: string | undefined): string | undefined {
  const text = userAgent?.slice(0, agentCharsMax)
  if (!text) return undefined
  const nameIn = (table: typeof agents): string | undefined =>
    table.find(([pattern]) => pattern.test(text))?.[1]
  const [agent, system] = [nameIn(agents), nameIn(systems)]
  if (agent && system) return `${agent} on ${system}`
  return agent ?? system ?? productPattern.exec(text)?.[0]
}
