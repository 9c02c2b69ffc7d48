export const themes = ['system', 'light', 'dark', 'sepia'] as const
export type Theme = (typeof themes)[number]

export const languages = ['en', 'de', 'fr', 'ja'] as const
export type Language = (typeof languages)[number]
