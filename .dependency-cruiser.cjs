// The architecture, as errors. DESIGN: api ─► operations ─► domain, crypto, tlog; adapters implement
// ports; app alone may know everything. test/house/layers.test.ts plants violations of every rule.
const not = (...names) => `^src/(?!(${names.join('|')})/)`;

const LAYERS = 'adapters api app cli config crypto domain operations telemetry tlog verify'.split(
  ' ',
);

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['\\.test\\.ts$', '^src/main\\.ts$'] },
      to: {},
    },
    {
      name: 'every-module-has-a-layer',
      comment: 'A new folder under src is governed by no rule below until it is named here.',
      severity: 'error',
      from: {},
      to: { path: not(...LAYERS), pathNot: '^src/main\\.ts$' },
    },
    {
      name: 'not-to-test-from-src',
      comment: 'Product code never reaches into tests, benches or examples.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '(^(test|bench|examples|scripts)/)|(\\.test\\.ts$)' },
    },
    {
      name: 'domain-is-pure',
      comment: 'domain: no other layer, no node: modules, no package but the four it may use.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: '\\.test\\.ts$' },
      to: {
        pathNot: ['^src/domain/', 'node_modules/(zod|re2js|libphonenumber-js|ibantools)/'],
      },
    },
    {
      name: 'tlog-stands-alone',
      severity: 'error',
      from: { path: '^src/tlog/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: ['^src/tlog/', '^(node:)?crypto$'] },
    },
    {
      name: 'verify-judges-what-it-is-given',
      comment: 'verify: tlog, domain and digests. No key, no file, no network, no package.',
      severity: 'error',
      from: { path: '^src/verify/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: ['^src/(verify|tlog|domain)/', '^src/crypto/(digest|disclosure)\\.ts$'] },
    },
    {
      name: 'crypto-knows-domain-only',
      comment: 'And tlog, which knows nobody: the keys of the log are note keys.',
      severity: 'error',
      from: { path: '^src/crypto/', pathNot: '\\.test\\.ts$' },
      to: { path: not('crypto', 'domain', 'tlog') },
    },
    {
      name: 'only-crypto-touches-node-crypto',
      comment:
        'src/crypto is the only door to node:crypto, the Encryption SDK and age (but for tlog).',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(crypto|tlog)/', '\\.test\\.ts$'] },
      to: {
        path: ['^(node:)?crypto$', 'node_modules/(@aws-crypto|@noble|age-encryption)/'],
      },
    },
    {
      name: 'operations-know-no-adapter',
      severity: 'error',
      from: { path: '^src/operations/', pathNot: '\\.test\\.ts$' },
      to: { path: not('operations', 'domain', 'crypto', 'tlog', 'telemetry') },
    },
    {
      name: 'ports-are-contracts',
      comment: 'A port imports types of domain and crypto only.',
      severity: 'error',
      from: { path: '^src/operations/ports/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/', pathNot: ['^src/operations/ports/', '^src/(domain|crypto)/'] },
    },
    {
      name: 'api-translates',
      comment: 'api: operations, domain, telemetry; it hashes nothing and stores nothing itself.',
      severity: 'error',
      from: { path: '^src/api/', pathNot: '\\.test\\.ts$' },
      to: { path: not('api', 'operations', 'domain', 'telemetry') },
    },
    {
      name: 'transports-are-strangers',
      severity: 'error',
      from: { path: '^src/api/([^/]+)/' },
      to: { path: '^src/api/([^/]+)/', pathNot: '^src/api/$1/' },
    },
    {
      name: 'adapters-implement-ports',
      severity: 'error',
      from: { path: '^src/adapters/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/adapters/',
          '^src/operations/ports/',
          '^src/(domain|crypto|tlog|telemetry)/',
        ],
      },
    },
    {
      name: 'adapters-are-strangers',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/adapters/([^/]+)/', pathNot: '^src/adapters/$1/' },
    },
    {
      name: 'config-and-telemetry-are-leaves',
      severity: 'error',
      from: { path: '^src/(config|telemetry)/', pathNot: '\\.test\\.ts$' },
      to: { path: not('config', 'telemetry', 'domain') },
    },
    {
      name: 'config-arrives-injected',
      comment: 'Only the roots read configuration.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(config|app|cli)/|^src/main\\.ts$' },
      to: { path: '^src/config/' },
    },
    {
      name: 'only-roots-know-app-and-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(app|cli)/|^src/main\\.ts$' },
      to: { path: '^src/(app|cli)/' },
    },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev', 'unknown', 'undetermined'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
