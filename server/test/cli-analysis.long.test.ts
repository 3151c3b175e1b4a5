/** What a person reads of answers from the command line: the analysis, runs beside one another, where the time went. */
import { afterEach, expect, test } from 'vitest'
import { document, leave, stage } from './cli-stage.ts'

afterEach(leave)

test('a run shows what its answers say, is analysed anew after a decision was changed, compared, and accounted for', async () => {
  const { place } = await stage({ scenarios: 6 })
  const probe = await place.run(['probe', 'd.yaml', '-m', 'fake:a,fake:b', '--json'])
  expect(document(probe.stdout)).toMatchObject({ run: { progress: { total: 12, succeeded: 12 } } })

  const [shown, analysis, compared, efficiency] = await Promise.all([
    place.run(['runs', 'show', '1']),
    place.run(['runs', 'analysis', '1']),
    place.run(['runs', 'compare', '1']),
    place.run(['runs', 'efficiency', '1']),
  ])
  expect(shown.stdout).toMatch(
    /\nanalysis: no dimension has an effect that can be told from chance; .*3 warnings\. `millrace runs analysis 1` shows it\.\n$/,
  )
  for (const part of ['Models', 'Above the middle of the scale (3)', 'Effect of each dimension', 'Agreement of models'])
    expect(analysis.stdout).toContain(part)
  expect(analysis.stdout).toMatch(/\nNote: fake:a decided 6 times: below 10 its numbers say next to nothing\.\n/)
  expect(compared.stdout).toMatch(/^Small: run 1; paired: models of the run\.\n/)
  expect(compared.stdout).toMatch(/\nDrawn 10,000 times with seed 1\.\n$/)
  expect(efficiency.stdout).toMatch(/^Run 1 took .* × the ideal of .*\nThe ideal is the larger of its longest slot/)
  expect(efficiency.stdout).toContain('Not known')

  await place.run(['runs', 'decide', '1', '1', 'refusal'])
  const stale = await place.run(['runs', 'show', '1'])
  expect(stale.stdout).toMatch(/decisions were changed since, `millrace runs analyze 1` makes it anew\.\n$/)
  const anew = await place.run(['runs', 'analyze', '1', '--json'])
  expect(document(anew.stdout)).toMatchObject({
    state: 'current',
    analysis: {
      models: [
        { n: 5, refusal: 1 },
        { n: 5, refusal: 1 },
      ],
    },
  })
  const again = await place.run(['runs', 'analyze', '1'])
  expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing was made anew') })
}, 90_000)

test('without a Python a probe ends as well as any, and says plainly that it was not analysed and what to do', async () => {
  const { place } = await stage({ scenarios: 2 })
  const settings = { MILLRACE_PYTHON: '/nowhere/python3' }
  expect(await place.run(['probe', 'd.yaml', '-m', 'fake:a'], settings)).toMatchObject({ code: 0 })
  const [shown, analysis, anew, other] = await Promise.all([
    place.run(['runs', 'show', '1'], settings),
    place.run(['runs', 'analysis', '1'], settings),
    place.run(['runs', 'analyze', '1'], settings),
    place.run(['runs', 'compare', '1'], settings),
  ])
  const said =
    /(^|\n)analysis: not made: no Python found that will do; set MILLRACE_PYTHON to one of version 3\.10 or newer\n$/
  expect(shown.stdout).toMatch(said)
  expect(analysis).toMatchObject({ code: 1, stdout: expect.stringMatching(said) })
  expect(anew).toMatchObject({ code: 1, stdout: expect.stringMatching(said) })
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing stands beside it') })
})
