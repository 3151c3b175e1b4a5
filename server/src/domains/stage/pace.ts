/** How often a worker looks for stage runs though nobody rang: as the boards say, read again now and then. */
import { openApi, type Settings } from '@millrace/engine'

/** Milliseconds between two readings of the settings. */
const AGAIN = 5_000

export interface Pace {
  /** Milliseconds; what is given where no board says anything. */
  readonly every: number
  close(): Promise<void>
}

/** `worker`: its login reads the settings of all boards. */
export async function openPace(worker: Settings, otherwise: number): Promise<Pace> {
  const api = openApi(worker, 1)
  let every = otherwise
  // A database that is away, or older, changes nothing.
  const read = () =>
    api
      .as({ sub: 'worker', workspaces: {} }, (tx) =>
        tx.query<{ every: number | null }>('select stage.poll_interval() as every'),
      )
      .then(
        ({ rows }) => void (every = rows[0]?.every ?? otherwise),
        () => {},
      )
  let reading = read()
  await reading
  const timer = setInterval(() => void (reading = read()), AGAIN)
  timer.unref()
  return {
    get every() {
      return every
    },
    async close() {
      clearInterval(timer)
      await reading
      await api.close()
    },
  }
}
