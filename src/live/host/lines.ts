/** Cuts a process's output into lines for the log. */
import type { Readable } from 'node:stream'

/** A longer line is logged in pieces of this size. */
const lineCharsMax = 4_096

export function onLines(output: Readable, onLine: (line: string) => void): void {
  let rest = ''
  output.setEncoding('utf8')
  output.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim()) onLine(line.slice(0, lineCharsMax))
    if (rest.length > lineCharsMax) {
      onLine(rest.slice(0, lineCharsMax))
      rest = ''
    }
  })
  output.on('end', () => rest.trim() && onLine(rest))
}
