import { listAt } from './list.ts'

export default listAt('process')
