/** The simulator as a command: what it prints, what it serves, what it refuses. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { install, type Installation } from '../testing/cli.ts'
import { ask } from '../testing/simulator.ts'

let place: Installation
beforeAll(async () => {
  place = await install()
})
afterAll(() => place.remove())

describe('millrace simulator', () => {
  test('prints the line to copy, serves with the faults it was given, and ends when it is told to', async () => {
    const command = place.begin([
      'simulator',
      '--port=0',
      '--latency=0',
      '--fault=overloaded=1',
      '--credit=5usd',
      '--requests-per-second=50',
    ])
    await command.says(/Ctrl-C stops/)
    const url = /^export MILLRACE_SIMULATOR_URL=(http:\S+)$/m.exec(command.stdout)?.[1] ?? ''
    expect(command.stdout).toContain(`anthropic   ${url}/anthropic/v1`)
    expect((await ask({ url }, 'anthropic')).status).toBe(529)
    const settings = (await (await fetch(`${url}/_simulator/settings`)).json()) as object
    expect(settings).toMatchObject({
      providers: { xai: { credit: { usd: 5 }, limits: { requestsPerSecond: 50 }, faults: { overloaded: 1 } } },
    })
    const taken = await place.run(['simulator', `--port=${new URL(url).port}`])
    expect(taken).toMatchObject({ code: 2, stdout: '' })
    expect(taken.stderr).toContain('is taken')
    command.tell('SIGTERM')
    expect((await command.ended).code).toBe(0)
  })

  test('refuses faults and credit that it cannot read, and says what there is', async () => {
    const [fault, credit] = await Promise.all([
      place.run(['simulator', '--fault=nonsense=1', '--fault=reset=2', '--fault=cut']),
      place.run(['simulator', '--credit=much']),
    ])
    expect(fault.code).toBe(2)
    expect(fault.stderr.match(/^ {2}- /gm)).toHaveLength(3)
    expect(fault.stderr).toContain('rate-limit')
    expect(credit.code).toBe(2)
    expect(credit.stderr).toContain('100calls')
  })
})
