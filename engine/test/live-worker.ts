/** A worker process for tests that kill it: begins tasks of `wait` and never ends them. */
import { startWorker, type Settings } from '../src/index.ts'
import { savingRun, waitingRun } from './live-kinds.ts'

const { settings, name } = JSON.parse(process.env['LIVE'] ?? '{}') as { settings: Settings; name: string }
const say = (word: string) => process.stdout.write(`${word}\n`)
const forever = () => new Promise<void>(() => {})

await startWorker({
  settings,
  name,
  slots: 6,
  kinds: [
    waitingRun(async (hand) => {
      say('begun')
      await Promise.race([forever(), new Promise((_, reject) => hand.signal.addEventListener('abort', reject))])
    }),
    savingRun(async () => {
      say('saving')
      await new Promise((resolve) => setTimeout(resolve, 400))
    }),
  ],
})
say('ready')
