import type { Bench } from '../../figures.ts'
import { back } from './back.ts'
import { fanOut } from './fan-out.ts'
import { firstState } from './first-state.ts'
import { http } from './http.ts'
import { idle } from './idle.ts'
import { rate } from './rate.ts'
import { trip } from './trip.ts'

export const parts: readonly Bench[] = [trip, firstState, idle, fanOut, back, rate, http]
