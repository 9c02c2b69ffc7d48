/** Sees to it that the tests of the sandbox have what builds it. */
import { provide } from './debian.ts'

provide('/usr/bin/bwrap', 'bubblewrap', 'The tests of the sandbox need bubblewrap')
