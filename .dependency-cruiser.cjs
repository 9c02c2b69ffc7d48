// The import rules of the house (ARCHITECTURE.md, "The folders"): imports point one way.
const may = (name, from, to, extra = {}) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}`, pathNot: '\\.test(-d)?\\.ts$' },
  to: { path: '^src/', pathNot: `^src/(${[from, ...to].join('|')})`, ...extra },
})

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    may('core-imports-nothing', 'base/core', []),
    may('codec-on-core', 'base/codec', ['base/core']),
    may('state-on-codec', 'base/state', ['base/codec', 'base/core']),
    may('replica-without-tracker', 'base/state/replica', [
      'base/state/(codec|links|values)',
      'base/codec',
      'base/core',
    ]),
    may('protocol-on-codec', 'base/protocol', ['base/codec', 'base/core']),
    may('secrets-on-core', 'base/secrets', ['base/core']),
    may('web-on-base', 'web', ['base']),
    may('carriers-on-session', 'web/carriers', ['web/session', 'base']),
    may('adapters-on-session', 'web/adapters', ['web/session', 'base']),
    may('analytics-on-session', 'web/analytics', ['web/session', 'base']),
    may('express-session-on-session', 'web/express-session', ['web/session', 'base']),
    may('session-on-base', 'web/session', ['base']),
    may('backend-on-base', 'live/backend', ['base']),
    may('host-on-base', 'live/host', ['live/sockets', 'base'], {
      dependencyTypesNot: ['type-only'],
    }),
    may('sockets-on-base', 'live/sockets', ['base']),
    may('directory-on-base', 'live/directory', ['base']),
    may('gateway-on-base', 'live/gateway', ['live/sockets', 'base'], {
      dependencyTypesNot: ['type-only'],
    }),
    may('client-on-base', 'client', ['base/core', 'base/codec', 'base/state', 'base/protocol']),
    may('testing-on-base', 'testing', ['base'], { dependencyTypesNot: ['type-only'] }),
    may('stores-on-base', 'stores', ['base'], { dependencyTypesNot: ['type-only'] }),
    may('types-from-the-owners-only', 'stores', ['base', 'web', 'live']),
    {
      name: 'only-app-joins',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/app' },
      to: { path: '^src/app' },
    },
    {
      name: 'app-without-testing',
      severity: 'error',
      from: { path: '^src/app', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/(testing|client/react)' },
    },
    {
      name: 'runs-anywhere',
      severity: 'error',
      from: {
        path: '^src/(base/(core|codec|state|protocol)|client)',
        pathNot: '\\.test(-d)?\\.ts$',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'secrets-use-crypto-only',
      severity: 'error',
      from: { path: '^src/base/secrets', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer)$' },
    },
    {
      name: 'no-test-runner-in-testing',
      severity: 'error',
      from: { path: '^src/testing', pathNot: '\\.test\\.ts$' },
      to: { path: 'vitest' },
    },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
