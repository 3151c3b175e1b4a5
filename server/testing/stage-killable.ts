/** A worker in a process of its own that somebody may kill: its login comes as the first message. */
import { startWorker, type Settings } from '@millrace/engine'
import { kindsOf } from './stage-kinds.ts'

process.once('disconnect', () => process.exit(1))
process.once('message', (settings: Settings) => {
  const work = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 30))
  }
  void startWorker({ settings, kinds: [kindsOf(work, () => true)], slots: 2 }).then(() => process.send?.('working'))
})
