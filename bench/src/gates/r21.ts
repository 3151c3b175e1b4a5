/** R21: a provider that allows 50 requests a second, two worker processes; what is refused is wasted. */
import { begin, openFolder, run, urlOf } from '../probe/command.ts'
import { openStub } from '../probe/stub.ts'
import { median, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import type { Stage } from '../stage.ts'

const PER_SECOND = 50
const CALL = 200

interface Asked {
  readonly ratio: number
  readonly wasted: number
  readonly foreign: number
}

export async function r21(stage: Stage): Promise<Measured[]> {
  const place = (await stage.empty('probe_r21')).owner
  const folder = await openFolder()
  const environment = { DATABASE_URL: urlOf(place), MILLRACE_FOLDER: folder.folder, WORKER_SLOTS: '50' }
  const prompts = stage.quick ? 20 : 500
  // A bucket of one second's requests, then as many as it is refilled with, and the last answer.
  const ideal = Math.max(0, prompts / PER_SECOND - 1) * 1_000 + CALL
  const all: Asked[] = []
  try {
    await run(['migrate'], environment, folder.folder)
    const file = await folder.define(prompts)
    await run(['limits', 'set', 'openai-compatible', '--requests', String(PER_SECOND * 60)], environment, folder.folder)
    const quiet = () => all.filter((one) => one.foreign <= QUIET)
    for (let n = 0; n < (stage.quick ? 1 : 6) && quiet().length < 3; n += 1) {
      const stub = await openStub({ latency: CALL, perSecond: PER_SECOND })
      const settings = { ...environment, OPENAI_COMPATIBLE_URL: stub.url }
      const helper = begin(['worker'], settings, folder.folder)
      await new Promise((resolve) => helper.child.stdout?.once('data', resolve))
      await stage.quiet()
      const usage = stage.meter.start()
      const words = ['probe', file, '--models', 'openai-compatible:stub', '--new', '--json', '--out', 'answers.csv']
      const ran = await run(words, settings, folder.folder)
      const { foreign } = usage()
      helper.child.kill('SIGTERM')
      await helper.ended
      const counted = await stub.counted()
      await stub.close()
      if (counted.answered !== prompts) throw new Error(`${counted.answered} answers of ${prompts}: ${ran.stderr}`)
      all.push({ ratio: counted.makespan / ideal, wasted: counted.refused / prompts, foreign: round(foreign) })
      stage.tell(
        `  ${n + 1}  ${round(counted.makespan / ideal)} × ideal, ${counted.refused} refused, foreign ${round(foreign)}`,
      )
    }
    const counted = quiet().length > 0 ? quiet() : all
    const foreign = round(median(counted.map((one) => one.foreign)))
    return [
      {
        id: 'R21',
        value: round(median(counted.map((one) => one.ratio))),
        bound: { most: 1.05 },
        foreign,
        absolute: true,
        detail: { in: `makespan / ${ideal} ms of ${prompts} requests`, all: all.map((one) => round(one.ratio)) },
      },
      {
        id: 'R21-wasted',
        value: round(Math.max(...counted.map((one) => one.wasted))),
        bound: { most: 0.05 },
        foreign,
        detail: { in: 'requests refused / prompts' },
      },
    ]
  } finally {
    await folder.close()
  }
}
