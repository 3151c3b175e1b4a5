/** The one stream of a browser, tried without a browser: whom it tells what, and where it goes on. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openHub, type News } from './feed-hub.ts'

/** A stream as the browser's own is, as far as the hub looks at it. */
class Stream extends EventTarget {
  static readonly all: Stream[] = []
  readonly CLOSED = 2
  readyState = 0
  readonly address: string
  constructor(address: string) {
    super()
    this.address = address
    Stream.all.push(this)
  }
  close() {
    this.readyState = this.CLOSED
  }
  say(name: string, data: unknown) {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }))
  }
  static get now() {
    const last = Stream.all.at(-1)
    if (last === undefined) throw new Error('nothing was opened')
    return last
  }
}

const events = (run: number, numbers: readonly number[], ended = false) => ({
  run,
  ended,
  events: numbers.map((n) => ({ n, at: '', kind: 'log', task: null, data: {} })),
})

function seat(hub: ReturnType<typeof openHub>) {
  const heard: News[] = []
  return { heard, ...hub.join((news) => heard.push(news)) }
}

beforeEach(() => {
  vi.useFakeTimers()
  Stream.all.length = 0
})
afterEach(() => void vi.useRealTimers())

const open = () => openHub((address) => new Stream(address) as unknown as EventSource)

test('two tabs share one stream, and each hears of the runs that it follows', async () => {
  const hub = open()
  const [one, two] = [seat(hub), seat(hub)]
  one.hear({ kind: 'follow', run: 7, after: 3 })
  await vi.advanceTimersByTimeAsync(100)
  expect(Stream.all.filter(({ readyState }) => readyState !== 2)).toHaveLength(1)
  expect(Stream.now.address).toBe('/api/feed?stream=true&runs=7:3')
  Stream.now.say('events', events(7, [4, 5]))
  expect(one.heard.at(-1)).toMatchObject({ kind: 'events', run: 7 })
  expect(two.heard.some(({ kind }) => kind === 'events')).toBe(false)
})

test('a stream that is opened anew goes on after the last event of each run that is still followed', async () => {
  const hub = open()
  const [one, two] = [seat(hub), seat(hub)]
  one.hear({ kind: 'follow', run: 7, after: 0 })
  two.hear({ kind: 'follow', run: 8, after: 10 })
  await vi.advanceTimersByTimeAsync(100)
  Stream.now.say('events', events(7, [1, 2, 3]))
  Stream.now.say('events', events(8, [11], true))
  // The server refuses it: then it is closed, and the hub comes again by itself.
  Stream.now.close()
  Stream.now.dispatchEvent(new Event('error'))
  expect(one.heard.at(-1)).toEqual({ kind: 'state', state: 'lost' })
  await vi.advanceTimersByTimeAsync(1_100)
  expect(Stream.now.address).toBe('/api/feed?stream=true&runs=7:3')
  Stream.now.dispatchEvent(new Event('open'))
  expect(one.heard.at(-1)).toEqual({ kind: 'state', state: 'open' })
})

test('when the last tab has gone nothing is held open', async () => {
  const hub = open()
  const [one, two] = [seat(hub), seat(hub)]
  await vi.advanceTimersByTimeAsync(10)
  one.leave()
  expect(Stream.now.readyState).not.toBe(2)
  two.leave()
  expect(Stream.now.readyState).toBe(2)
})

test('a tab that comes later is told what is known, and many changes at once come as one message', async () => {
  const hub = open()
  const first = seat(hub)
  await vi.advanceTimersByTimeAsync(10)
  for (let id = 1; id <= 30; id += 1) Stream.now.say('run', { id, lastEvent: 1 })
  await vi.advanceTimersByTimeAsync(100)
  expect(first.heard.filter(({ kind }) => kind === 'runs')).toHaveLength(1)
  const later = seat(hub)
  expect(later.heard.find(({ kind }) => kind === 'runs')).toMatchObject({ runs: { length: 30 } })
})
