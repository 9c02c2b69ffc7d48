/** Sees to it that the tests of faults can set the clocks of a process. */
import { provide } from './debian.ts'

const path = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
if (process.arch === 'x64') provide(path, 'libfaketime', 'The tests of clocks need libfaketime')
