/**
 * Runs one part in a process of its own: what ran before doesn't decide how the clients' code is
 * compiled, and what libraries print or leave open goes with it.
 */
import { parts } from './parts/index.ts'

const [name] = process.argv.slice(2)
process.on('disconnect', () => process.exit(1))
const figures = await parts.find((part) => part.name === name)?.run()
process.send?.(figures, () => process.exit(0))
