/** A run that failed in part, and what a person does about it: asks why, follows it, tries it again. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { startAnswering } from '../testing/probe.ts'
import { document, leave, left, stage } from './cli-stage.ts'

afterEach(leave)

/** A server whose key is refused until it is mended. */
async function refusing() {
  let refuses = true
  const wire = await startAnswering((call) => (refuses ? call.error(401, { message: 'no' }) : call.say()))
  left.push(() => wire.close())
  return Object.assign(wire, { mend: () => void (refuses = false) })
}

test('what failed is done again in a new round, and nothing else; whoever follows it is told why it waits', async () => {
  const server = await refusing()
  const { place } = await stage({ scenarios: 4 })
  const settings = { OPENAI_COMPATIBLE_URL: server.url }
  const probe = ['probe', 'd.yaml', '-m', 'fake:a,openai-compatible:well', '--json']
  const first = await place.run(probe, settings)
  expect(document(first.stdout)).toMatchObject({ run: { progress: { succeeded: 4, failed: 4 } } })

  server.mend()
  const retried = await place.run(['runs', 'retry', '1'])
  expect(retried).toMatchObject({ code: 0, stdout: 'Run 1 does 4 tasks again, in round 2.\n' })
  expect(retried.stderr).toMatch(/No worker .* `millrace worker` starts one/)

  const logs = place.begin(['runs', 'logs', '1', '--follow'])
  const [twice, why, json] = await Promise.all([
    place.run(['runs', 'retry', '1']),
    place.run(['runs', 'why', '1']),
    place.run(['runs', 'why', '1', '--json']),
  ])
  expect(twice).toMatchObject({ code: 2, stdout: '' })
  expect(twice.stderr).toMatch(/^Refused: Run 1 is queued: only a run that has ended/)
  const sentence =
    '4 tasks of probe.ask.openai-compatible (openai-compatible): no worker that knows this kind is alive.'
  expect(why).toMatchObject({ code: 0, stdout: `${sentence} (\`millrace worker\`)\n` })
  expect(document(json.stdout)).toMatchObject({
    run: 1,
    status: 'queued',
    running: 0,
    waiting: [{ reason: 'no_worker', ready: 4, sentence }],
  })
  await logs.says(/Waiting: 4 tasks of probe\.ask\.openai-compatible .* no worker/)

  const again = await place.run(probe, settings)
  expect(again.stderr).toContain('Going on with run 1')
  expect(document(again.stdout)).toMatchObject({ run: { round: 2, progress: { succeeded: 8, failed: 0 } } })
  expect(server.requests.filter((request) => request.body !== null)).toHaveLength(8)
  const followed = await logs.ended
  // Each reason once; another may have followed it.
  expect(followed.stderr.match(/Waiting: 4 tasks .* no worker/g)).toHaveLength(1)
  expect(followed.stdout).toMatch(/run\.reopened .*round=2 .*tasks=4[^]*run\.succeeded/)

  const [nothing, all, calm] = await Promise.all([
    place.run(['runs', 'retry', '1']),
    place.run(['runs', 'retry', '1', '--all']),
    place.run(['runs', 'why', '1']),
  ])
  expect(nothing).toMatchObject({ code: 2, stdout: '' })
  expect(nothing.stderr).toMatch(/All 8 tasks of run 1 succeeded\.\n.*probe … --new/)
  expect(all).toMatchObject({ code: 2, stdout: '' })
  expect(all.stderr).toMatch(/8 transcripts, and a slot keeps its transcript.*\n.*probe … --new/)
  expect(calm.stdout).toMatch(/^Nothing waits: run 1 succeeded in .*, at \d{4}-\S+Z\.\n$/)
}, 90_000)

test('a run that failed as a whole can be tried again and waited for: it ends with its results', async () => {
  const server = await refusing()
  const { place } = await stage({ scenarios: 2 })
  const settings = { OPENAI_COMPATIBLE_URL: server.url }
  const first = await place.run(['probe', 'd.yaml', '-m', 'openai-compatible:well'], settings)
  expect(first.code).toBe(1)
  server.mend()
  const again = await place.run(['runs', 'retry', '1', '--all', '--wait'], settings)
  expect(again.code).toBe(0)
  expect(again.stdout).toMatch(/^Run 1 does 2 tasks again, in round 2\.\n\nRun 1 succeeded in /)
  expect(again.stdout).toMatch(
    /openai-compatible:well +2 .*\n2 calls: 40 tokens; no price is known\.\n\n2 transcripts are in /,
  )
})

test('a run of one’s own kind is tried again too: what failed, or all of it', async () => {
  const { place } = await stage()
  const settings = { MILLRACE_KINDS: 'kinds' }
  await mkdir(join(place.folder, 'kinds'))
  await place.file('kinds/looking.js', LOOKING)
  const first = await place.run(['runs', 'start', 'looking', '--wait', '--input', '{}'], settings)
  expect(first.code).toBe(0)
  await place.file('there', '')
  const again = await place.run(['runs', 'retry', '1', '--wait'], settings)
  expect(again).toMatchObject({ code: 0 })
  expect(again.stdout).toMatch(/^Run 1 does 1 task again, in round 2\.\nRun 1 succeeded in /)
  const all = await place.run(['runs', 'retry', '1', '--all', '--wait'], settings)
  expect(all.stdout).toMatch(/^Run 1 does 2 tasks again, in round 3\.\nRun 1 succeeded in /)
})

/** Of its two tasks one fails until a file is there. */
const LOOKING = `
  import { existsSync } from 'node:fs'
  import { defineRun, defineTask, TaskFailed } from 'millrace'
  import { z } from 'zod'
  const look = defineTask({
    name: 'looking.look',
    input: z.object({ first: z.boolean() }),
    output: z.object({}),
    async perform({ input }) {
      if (input.first || existsSync('there')) return {}
      throw new TaskFailed({ code: 'NOT_THERE', message: 'It is not there.', retryable: false, origin: 'task' })
    },
  })
  export const looking = defineRun({
    name: 'looking',
    input: z.object({}),
    tasks: [look],
    plan: () => [true, false].map((first) => ({ kind: 'looking.look', input: { first } })),
  })`
