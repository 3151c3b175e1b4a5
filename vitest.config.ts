import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * `npm run test:long`: journeys with many processes of the real binary, which take
 * minutes; `npm run test:full`: what takes so long that not every change waits for it.
 */
const long = { '1': '.long', full: '.full' }[process.env['MILLRACE_LONG'] ?? ''] ?? ''

/** `npm run coverage` walks the long journeys of the console, too: they are what reaches its pages. */
const LEFT_OUT =
  process.env['MILLRACE_COVERED'] === undefined
    ? ['**/*.{long,full}.test.ts']
    : ['{engine,server,tools,examples,kinds}/**/*.long.test.ts', '**/*.full.test.ts']

// As Node itself resolves: else a library that comes in two forms is there twice.
const conditions = ['node', 'module-sync']

/** The longest begin first, so that none of them is left alone at the end; the others as ever. */
const LONGEST = ['web/test/from-nothing', 'engine/test/plans', 'server/test/diagnosis-walls']
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.includes(name))
      return at === -1 ? LONGEST.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['engine', 'server', 'tools', 'examples', 'kinds', 'web'].map((folder) => `${folder}/**/*${long}.test.ts`),
    exclude: ['**/node_modules/**', ...(long === '' ? LEFT_OUT : [])],
    globalSetup: ['engine/testing/cluster.ts'],
    reporters: ['default', './tools/closing-line.ts'],
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // What a file leaves in its modules is its own business; the same program need not be read anew for each.
    isolate: false,
    maxWorkers: 4,
    testTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['engine/src/**/*.ts', 'server/src/**/*.ts', 'web/src/**/*.{ts,tsx}'],
      // The programs run as children of their tests, where this coverage does not reach; journeys walk each command.
      exclude: [
        '**/*.test.ts',
        '**/*.contract.ts',
        'server/src/cli/**',
        'server/src/{cli,app,config,own-kinds}.ts',
        'web/src/**/*.d.ts',
        'web/src/words/**',
        // In no build: the pieces of the design system for those who write them.
        'web/src/ui/gallery.tsx',
      ],
      // `tools/coverage.ts` adds what browsers and workers in Python have run, tells it, and says what is too little.
      reporter: ['json'],
      reportOnFailure: true,
    },
  },
})
