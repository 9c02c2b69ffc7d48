/** PostgreSQL has no text with U+0000, and none with half a character. */

/** A text as it can be stored. Two that differ stay so, but for halves of surrogate pairs. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\u0001', '\u0001e').replaceAll('\u0000', '\u0001n')
}

/** What `storable` was given. */
export function restored(column: string): string {
  return column.replaceAll('\u0001n', '\u0000').replaceAll('\u0001e', '\u0001')
}
