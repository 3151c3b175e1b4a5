/** R14 and R20: `millrace probe` against a stub at 200 ms, through command, queue and database; conversations too. */
import { begin, openFolder, run, urlOf, type Ran } from '../probe/command.ts'
import { openStub } from '../probe/stub.ts'
import { median, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import { ask } from '../server.ts'
import type { Stage } from '../stage.ts'
import type { Counted } from '../../raw/stub.ts'

const CALL = 200

interface Asked {
  readonly ran: Ran
  readonly counted: Counted
  readonly foreign: number
}

interface Size {
  readonly prompts: number
  readonly followups: number
  readonly flight: number
}

export async function r14(stage: Stage): Promise<Measured[]> {
  const place = (await stage.empty('probe_r14')).owner
  const folder = await openFolder()
  const environment = { DATABASE_URL: urlOf(place), MILLRACE_FOLDER: folder.folder }
  await run(['migrate'], environment, folder.folder)

  async function once({ prompts, followups, flight }: Size): Promise<Asked> {
    const file = await folder.define(prompts, followups)
    const stub = await openStub({ latency: CALL })
    await stage.quiet()
    const usage = stage.meter.start()
    const words = ['probe', file, '--models', 'openai-compatible:stub', '--new', '--json', '--out', 'answers.csv']
    const settings = { ...environment, OPENAI_COMPATIBLE_URL: stub.url, WORKER_SLOTS: String(flight) }
    const ran = await begin(words, settings, folder.folder).ended
    const { foreign } = usage()
    const counted = await stub.counted()
    await stub.close()
    if (ran.code !== 0) throw new Error(`the probe ended with ${ran.code}: ${ran.stderr.slice(-2_000)}`)
    const calls = prompts * (1 + followups)
    if (counted.answered !== calls || counted.again !== 0) {
      throw new Error(`${counted.answered} answers of ${calls}, ${counted.again} of them again`)
    }
    const [kept] = await ask<{ n: string }>(
      place,
      'select count(*) as n from probe.transcripts where run_id = (select max(run_id) from probe.runs)',
    )
    if (Number(kept?.n) !== prompts) throw new Error(`${kept?.n} transcripts of ${prompts}`)
    return { ran, counted, foreign: round(foreign) }
  }

  async function rounds(name: string, size: Size, wanted: number): Promise<{ asked: Asked[]; ideal: number }> {
    const ideal = Math.ceil(size.prompts / size.flight) * CALL * (1 + size.followups)
    const asked: Asked[] = []
    const quiet = () => asked.filter((one) => one.foreign <= QUIET)
    for (let n = 0; n < (stage.quick ? 1 : wanted * 2) && quiet().length < wanted; n += 1) {
      const one = await once(size)
      asked.push(one)
      stage.tell(
        `  ${name.padEnd(20)} ${round(one.counted.makespan / ideal)} × ideal, wall ${round(one.ran.wall / 1000)} s, ` +
          `${Math.round(one.ran.peak)} MB, ${one.counted.mostInFlight} in flight, foreign ${one.foreign}`,
      )
    }
    return { asked: quiet().length > 0 ? quiet() : asked, ideal }
  }

  try {
    const starts: number[] = []
    for (let n = 0; n < (stage.quick ? 1 : 10); n += 1) {
      starts.push((await run(['--version'], environment, folder.folder)).wall)
    }
    const small = await rounds(
      '500 at 100',
      { prompts: stage.size(500), followups: 0, flight: stage.quick ? 5 : 100 },
      5,
    )
    const large = await rounds(
      '5,000 at 500',
      { prompts: stage.size(5_000), followups: 0, flight: stage.quick ? 50 : 500 },
      3,
    )
    const talks = await rounds('50 talks of 3 turns', { prompts: stage.quick ? 5 : 50, followups: 2, flight: 50 }, 5)
    const of = (all: readonly Asked[], what: (one: Asked) => number) => round(median(all.map(what)))
    const foreign = (all: readonly Asked[]) => of(all, (one) => one.foreign)
    const ratioOf = ({ asked, ideal }: typeof small) => of(asked, (one) => one.counted.makespan / ideal)
    const gate = (id: string, value: number, most: number, all: readonly Asked[], detail: unknown): Measured => ({
      id,
      value,
      bound: { most },
      foreign: foreign(all),
      absolute: true,
      detail,
    })
    const all = (asked: readonly Asked[]) =>
      asked.map(({ ran, counted, foreign: others }) => ({
        makespan: round(counted.makespan),
        wall: round(ran.wall),
        peak: Math.round(ran.peak),
        foreign: others,
      }))
    return [
      gate('R14-500', ratioOf(small), 1.25, small.asked, { in: 'makespan at the stub / 1.0 s', all: all(small.asked) }),
      gate(
        'R14-500-wall',
        of(small.asked, (one) => one.ran.wall / 1000),
        2,
        small.asked,
        { in: 's, the whole command' },
      ),
      gate('R14-5000', ratioOf(large), 1.5, large.asked, { in: 'makespan at the stub / 2.0 s', all: all(large.asked) }),
      gate('R14-5000-memory', Math.round(Math.max(...large.asked.map((one) => one.ran.peak))), 300, large.asked, {
        in: 'MB',
      }),
      gate('R14-500-memory', Math.round(Math.max(...small.asked.map((one) => one.ran.peak))), 250, small.asked, {
        in: 'MB',
      }),
      gate('R14-start', round(median(starts) / 1000), 0.5, small.asked, {
        in: 's, millrace --version',
        all: starts.map(round),
      }),
      gate('R20', ratioOf(talks), 1.25, talks.asked, { in: 'makespan at the stub / 0.6 s', all: all(talks.asked) }),
    ]
  } finally {
    await folder.close()
  }
}
