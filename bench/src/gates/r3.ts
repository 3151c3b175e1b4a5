/** R3: a start on an idle queue; from its commit until a task's code begins in another process. */
import pg from 'pg'
import { now, wait, type Starter } from '../contender.ts'
import { hire, type Child } from '../crew.ts'
import { median, quantile, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import type { Stage } from '../stage.ts'

const PEERS = ['pg-boss', 'graphile', 'bullmq']
const CHANNEL = 'bench_bell'

interface Sampled {
  /** Milliseconds from the commit and from the call. */
  readonly committed: number[]
  readonly called: number[]
  readonly foreign: number
}

export async function r3(stage: Stage): Promise<Measured[]> {
  const rounds: { ours: Sampled; bell: Sampled; peers: Record<string, Sampled> }[] = []
  const bells = await openBells(stage)
  const ours = await openPair(stage, 'engine')
  const peers = await Promise.all(PEERS.map((name) => openPair(stage, name)))
  try {
    const enough = () => rounds.filter((one) => one.ours.foreign <= QUIET).length >= 5
    for (let n = 0; n < (stage.quick ? 1 : 8) && !enough(); n += 1) {
      const round = {
        bell: await sample(stage, bells, stage.size(200)),
        ours: await sample(stage, ours, stage.size(200)),
        peers: {} as Record<string, Sampled>,
      }
      for (const peer of peers) round.peers[peer.name] = await sample(stage, peer, stage.size(60))
      rounds.push(round)
      const words = [round.bell, round.ours, ...Object.values(round.peers)].map((one) => p(one.committed, 0.5))
      stage.tell(
        `  ${n + 1}  p50 ms: NOTIFY, ours, ${PEERS.join(', ')}: ${words.join(', ')}; foreign ${round.ours.foreign}`,
      )
    }
  } finally {
    for (const pair of [bells, ours, ...peers]) await pair.close()
  }
  const quiet = rounds.filter((one) => one.ours.foreign <= QUIET)
  const counted = quiet.length > 0 ? quiet : rounds
  const all = counted.flatMap((one) => one.ours.committed)
  const foreign = round(median(counted.map((one) => one.ours.foreign)))
  const p50 = median(counted.map((one) => quantile(one.ours.committed, 0.5)))
  const times = median(counted.map((one) => quantile(one.ours.committed, 0.5) / quantile(one.bell.committed, 0.5)))
  const detail = {
    in: 'ms from the commit of start to the code of the task',
    samples: all.length,
    ours: { p50: p(all, 0.5), p95: p(all, 0.95), p99: p(all, 0.99), max: p(all, 1) },
    fromTheCall: spread(counted.flatMap((one) => one.ours.called)),
    bareNotify: spread(counted.flatMap((one) => one.bell.committed)),
    peers: Object.fromEntries(
      // They notify inside their transaction, so their code may begin before the commit is known.
      PEERS.map((name) => {
        const samples = counted.flatMap((one) => one.peers[name] ?? [])
        const [committed, called] = [samples.flatMap((one) => one.committed), samples.flatMap((one) => one.called)]
        return [name, { ...spread(committed), fromTheCall: spread(called) }]
      }),
    ),
  }
  return [
    { id: 'R3-p50', value: round(p50), bound: { most: 1.5 }, foreign, absolute: true, detail },
    { id: 'R3-notify', value: round(times), bound: { most: 5 }, foreign, detail: { in: 'p50 / p50 of a bare NOTIFY' } },
    { id: 'R3-p99', value: p(all, 0.99), bound: { most: 15 }, foreign, absolute: true, detail: { in: 'ms' } },
  ]
}

const p = (values: readonly number[], share: number) => round(quantile(values, share))
const spread = (values: readonly number[]) => ({ p50: p(values, 0.5), p99: p(values, 0.99) })

interface Pair {
  readonly name: string
  readonly starter: Starter
  readonly child: Child
  close(): Promise<void>
}

async function openPair(stage: Stage, name: string): Promise<Pair> {
  const { contender, place } = await stage.enter(name)
  const child = await hire({ contender: name, place, listen: true })
  const starter = await contender.openStarter?.(place)
  if (starter === undefined) throw new Error(`${name} cannot start one`)
  return { name, child, starter, close: () => both(starter.close(), child.close()) }
}

/** A notification from one connection to another, and nothing else. */
async function openBells(stage: Stage): Promise<Pair> {
  const { place } = await stage.enter('raw')
  const child = await hire({ contender: 'raw', place, bells: CHANNEL })
  const client = new pg.Client(place.owner)
  await client.connect()
  const starter = {
    async start(n: number) {
      const called = now()
      await client.query('select pg_notify($1, $2)', [CHANNEL, String(n)])
      return { called, committed: called }
    },
    close: () => client.end(),
  }
  return { name: 'NOTIFY', child, starter, close: () => both(starter.close(), child.close()) }
}

async function both(...ends: Promise<unknown>[]): Promise<void> {
  await Promise.all(ends)
}

let number = 0

async function sample(stage: Stage, { starter, child }: Pair, count: number): Promise<Sampled> {
  const committed: number[] = []
  const called: number[] = []
  // What a new connection and a cold plan cost is not the queue's.
  for (let warm = 0; warm < 3; warm += 1) await one()
  await stage.quiet()
  const usage = stage.meter.start()
  for (let n = 0; n < count; n += 1) {
    const { stamps, at } = await one()
    committed.push(at - stamps.committed)
    called.push(at - stamps.called)
  }
  return { committed, called, foreign: round(usage().foreign) }

  async function one() {
    number += 1
    const n = number
    const heard = child.heard(n)
    const stamps = await starter.start(n)
    const { at } = await heard
    // Until all is idle again.
    await wait(15 + Math.random() * 20)
    return { stamps, at }
  }
}
