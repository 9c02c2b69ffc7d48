/** Serves one contestant, and tells how much CPU its process has used. */
import { contestants } from './contestants.ts'

const [name = '', port, redis = ''] = process.argv.slice(2)
const place = { port: Number(port), redis }
await (await contestants[name]?.open(place))?.listen(place.port)
process.on('message', (message) => {
  if (message === 'stop') process.exit(0)
  const { user, system } = process.cpuUsage()
  process.send?.(user + system)
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
