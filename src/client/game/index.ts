/**
 * `sojourn/client/game`: what a game of a fixed tick draws between two states of the server. Others
 * are shown a little late and evenly (`interpolate`), the player's own part at once (`predict`).
 * Both work on immutable states and know nothing of a connection.
 */
export { type InterpolateOptions, type Interpolation, interpolate } from './interpolate.ts'
export { mix, mixAngle } from './mix.ts'
export { type NumberedInput, type Prediction, type PredictOptions, predict } from './predict.ts'
