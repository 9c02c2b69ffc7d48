/** Sees to it that the server of the tests of `sojourn/stores/valkey` is there. */
import { provide } from './debian.ts'

provide('/usr/bin/redis-server', 'redis-server', 'The tests of the Valkey store need a Redis')
