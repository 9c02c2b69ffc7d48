/** The scenarios in which a client follows, and who takes part in them. */
import { colyseusList, colyseusPlayers } from './colyseus.ts'
import { follow } from './follow.ts'
import { changeList, type ListOperation, listCase } from './list.ts'
import { immer, mutative } from './patches.ts'
import { movePlayers, playersCase } from './players.ts'
import { sojournList, sojournPlayers } from './sojourn.ts'
import { yjsList, yjsPlayers } from './yjs.ts'

export function players(decimals: 0 | 2) {
  const lossy = decimals > 0
  return follow({
    name: `players, ${lossy ? 'two decimals' : 'integers'}`,
    ...playersCase(decimals),
    change: movePlayers,
    contestants: [
      colyseusPlayers('number', {
        name: `@colyseus/schema number${lossy ? ' (float32: lossy)' : ''}`,
        diverges: lossy,
      }),
      colyseusPlayers('float64', { name: '@colyseus/schema float64' }),
      sojournPlayers,
      yjsPlayers,
      immer(movePlayers),
      mutative(movePlayers),
    ],
  })
}

export function list(operation: ListOperation) {
  const diverges = operation === 'move'
  return follow({
    name: `list, ${operation}`,
    ...listCase(operation),
    change: changeList,
    contestants: [
      colyseusList({
        name: `@colyseus/schema${diverges ? ' (its client ends up wrong)' : ''}`,
        diverges,
      }),
      sojournList,
      yjsList,
      immer(changeList),
      mutative(changeList),
    ],
  })
}
