/** A child process: one contender, one way to work, told by its arguments. */
import { contender } from './contenders/index.ts'
import { acts, type Given } from './acts/index.ts'
import type { Contender, Work } from './contender.ts'
import type { Place } from './server.ts'

export type Order =
  | { readonly contender: string; readonly place: Place; readonly drain: string; readonly work: Work }
  | { readonly contender: string; readonly place: Place; readonly listen: true }
  | { readonly contender: string; readonly place: Place; readonly bells: string }
  | { readonly contender: string; readonly place: Place; readonly act: string; readonly given: Given }

/** What a child says. */
export interface Said {
  readonly ready?: true
  readonly worked?: unknown
  readonly heard?: unknown
}

const say = (said: Said) => process.send?.(said)
const order = JSON.parse(process.argv[2] ?? '') as Order

const hand = await open(await contender(order.contender))
say({ ready: true })
process.on('message', (word) => void obey(word as string))
process.on('disconnect', () => process.exit())

async function open(contender: Contender): Promise<{ go?: () => Promise<unknown>; close(): Promise<void> }> {
  if ('drain' in order) {
    const drain = contender.drains[order.drain]
    if (drain === undefined) throw new Error(`${order.contender} cannot ${order.drain}`)
    return drain(order.place, order.work)
  }
  if ('bells' in order) return hear(order.place, order.bells)
  if ('act' in order) {
    const act = await acts[order.act]?.()
    if (act === undefined) throw new Error(`there is no act ${order.act}`)
    return act(order.place, order.given, (heard) => say({ heard }))
  }
  if (contender.listen === undefined) throw new Error(`${order.contender} cannot listen`)
  return contender.listen(order.place, (heard) => say({ heard }))
}

async function hear(place: Place, channel: string) {
  const { default: pg } = await import('pg')
  const { now } = await import('./contender.ts')
  const client = new pg.Client(place.owner)
  await client.connect()
  client.on('notification', ({ payload }) => say({ heard: { n: Number(payload), at: now() } }))
  await client.query(`listen ${channel}`)
  return { close: () => client.end() }
}

async function obey(word: string): Promise<void> {
  if (word === 'go') say({ worked: await hand.go?.() })
  if (word !== 'close') return
  await hand.close()
  process.exit()
}
