/** The two visitors that everyone may be. Their passwords are shown on the pages: it's a demo. */
export const demoUsers = [
  { id: 'ada', name: 'Ada', password: 'lovelace' },
  { id: 'grace', name: 'Grace', password: 'hopper' },
] as const
