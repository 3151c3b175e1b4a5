/** The walls between the rooms, each tried with an import that would break it. */
import { describe, expect, test } from 'vitest'
import { crossing, crossings, importsOf } from './rooms.ts'

describe('the import rooms', () => {
  test('the code keeps to them', async () => {
    expect(await crossings()).toEqual([])
  })

  test.each([
    ['the engine knows no domain', 'engine/src/worker.ts', 'server/src/domains/probe/run.ts'],
    ['a provider knows no domain', 'server/src/providers/fake.ts', 'server/src/domains/probe/run.ts'],
    [
      'a domain does not reach past the door of the http room',
      'server/src/domains/probe/run.ts',
      'server/src/http/server.ts',
    ],
    ['the gateway knows no domain', 'server/src/gateway/gateway.ts', 'server/src/domains/probe/run.ts'],
    ['who starts processes knows no domain', 'server/src/tools/python/python.ts', 'server/src/domains/probe/run.ts'],
    ['who loads own kinds knows no domain', 'server/src/own-kinds.ts', 'server/src/domains/probe/run.ts'],
    ['the public door does not know the command line', 'server/src/index.ts', 'server/src/cli/screen.ts'],
    [
      'the simulator knows no provider that is tried with it',
      'server/src/simulator/openai.ts',
      'server/src/providers/openai-compatible.ts',
    ],
    ['the console knows no file of the server', 'web/src/api.ts', 'server/src/http/shapes.ts'],
    ['the design system knows no page', 'web/src/ui/table.tsx', 'web/src/runs/live.ts'],
    ['a room of the console does not know another', 'web/src/runs/list.tsx', 'web/src/home/home.tsx'],
    ['the server knows nothing of the console', 'server/src/http/console.ts', 'web/src/api.ts'],
    ['nobody but the programs knows app.ts', 'server/src/domains/probe/run.ts', 'server/src/app.ts'],
  ])('%s', (_, from, to) => {
    expect(crossing({ from, to })).toContain(from)
  })

  test('an import is seen in each of its forms', () => {
    const text = "import { a } from '../x.ts'\nexport * from './y.ts'\nconst z = await import('./z.ts')"
    expect(importsOf('server/src/cli/a.ts', text).map((one) => one.to)).toEqual([
      'server/src/x.ts',
      'server/src/cli/y.ts',
      'server/src/cli/z.ts',
    ])
  })
})
