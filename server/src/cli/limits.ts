/** `millrace limits …`: how much at a time and a minute. */
import { Refusal, type Limit, type LimitChange } from '@millrace/engine'
import { operator } from '../app.ts'
import { grouped, remark, say, table } from './screen.ts'
import { withApp } from './session.ts'

export async function listLimits(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const limits = await engine.limits.list(operator)
    if (options.json === true) say(JSON.stringify(limits))
    else if (limits.length === 0)
      say('There are no keys yet: the first task under a key brings it, and so does `millrace limits set KEY …`.')
    else say(limitTable(limits))
    return 0
  })
}

function limitTable(limits: readonly Limit[]): string {
  const amount = (value: number | null) => (value === null ? '–' : grouped(value))
  return table(
    ['key', 'at a time', 'running', 'requests/min', 'tokens/min', 'waiting', ''],
    limits.map((limit) => [
      limit.key,
      amount(limit.concurrency),
      limit.running,
      amount(limit.requestsPerMinute),
      amount(limit.tokensPerMinute),
      limit.waiting,
      limit.stopped !== null
        ? `stopped (${limit.stopped}) since ${limit.stoppedAt?.toISOString() ?? '?'}`
        : limit.until === null
          ? ''
          : `paused until ${limit.until.toISOString()}`,
    ]),
  )
}

export interface SetOptions {
  readonly concurrency?: number | 'none'
  readonly requests?: number | 'none'
  readonly tokens?: number | 'none'
}

const orNull = (value: number | 'none') => (value === 'none' ? null : value)

export async function setLimit(key: string, { concurrency, requests, tokens }: SetOptions): Promise<number> {
  const change: LimitChange = {
    ...(concurrency === undefined ? {} : { concurrency: orNull(concurrency) }),
    ...(requests === undefined ? {} : { requestsPerMinute: orNull(requests) }),
    ...(tokens === undefined ? {} : { tokensPerMinute: orNull(tokens) }),
  }
  if (Object.keys(change).length === 0) {
    throw new Refusal('NOTHING_TO_SET', 'Nothing was said that is to be limited.', {
      remedy: 'Say --concurrency, --requests or --tokens, each with a number or `none`.',
    })
  }
  return withApp(async ({ engine }) => {
    const known = (await engine.limits.list(operator)).map((limit) => limit.key)
    say(limitTable([await engine.limits.set(operator, key, change)]))
    if (!known.includes(key))
      remark(`No task has had this key yet.${known.length === 0 ? '' : ` Known are: ${known.join(', ')}.`}`)
    return 0
  })
}

export async function stopKey(key: string): Promise<number> {
  return withApp(async ({ engine }) => {
    const { running } = await engine.limits.stop(operator, key)
    const under = running === 0 ? '' : ` ${grouped(running)} that ${running === 1 ? 'is' : 'are'} under way will end.`
    say(`Nothing begins under ${key} from now on.${under}`)
    remark(`\`millrace limits release ${key}\` lets it go on.`)
    return 0
  })
}

export async function releaseKey(key: string): Promise<number> {
  return withApp(async ({ engine }) => {
    const { waiting } = await engine.limits.release(operator, key)
    say(`${key} goes on; ${grouped(waiting)} ${waiting === 1 ? 'task waits' : 'tasks wait'} under it.`)
    return 0
  })
}
