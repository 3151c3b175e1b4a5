/** The shared worker of all tabs of this browser: it holds the one stream. */
import { openHub, type Wish } from './feed-hub.ts'

/** What a tab says first: the lock that it holds as long as it lives. */
export interface Hello {
  readonly lock: string
}

const hub = openHub()

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  if (port === undefined) return
  const seat = hub.join((news) => port.postMessage(news))
  port.addEventListener('message', ({ data }: MessageEvent<Wish | Hello>) => {
    if (!('lock' in data)) return seat.hear(data)
    // A tab that crashes says nothing; its lock is free then.
    void navigator.locks.request(data.lock, () => seat.leave())
  })
  port.start()
})
