/**
 * Outside calls, recorded once: an intent before, a receipt after, written in
 * batches.  A receipt is kept whoever brings it, also an attempt that lost its
 * lease; the next attempt with the same request uses it instead of paying again.
 */
import { createHash } from 'node:crypto'
import type { Claimed } from './attempt.ts'
import { isConnectionLoss, type Tx } from './database.ts'
import { toJson } from './json.ts'

interface Entry {
  readonly claimed: Claimed
  readonly name: string
  readonly entry: 'intent' | 'receipt'
  readonly hash: Buffer
  readonly receipt: string | null
  readonly written: () => void
  readonly refused: (error: unknown) => void
}

export interface Ledger {
  remember<T>(claimed: Claimed, name: string, request: unknown, call: () => Promise<T>): Promise<T>
  /** Waits until all that was handed in is written. */
  settled(): Promise<void>
}

const BATCH = 200
const NOTE = { name: 'note', text: 'select engine.note($1, $2, $3, $4, $5, $6, $7)' }
const FIND = {
  name: 'find receipt',
  text: `select receipt from engine.ledger
    where run_id = $1 and n = $2 and name = $3 and entry = 'receipt' and request_hash = $4 order by attempt limit 1`,
}

export function openLedger(query: Tx['query']): Ledger {
  const waiting: Entry[] = []
  let writing: Promise<void> | undefined

  function write(claimed: Claimed, name: string, entry: Entry['entry'], hash: Buffer, receipt: string | null) {
    return new Promise<void>((written, refused) => {
      waiting.push({ claimed, name, entry, hash, receipt, written, refused })
      writing ??= drain()
    })
  }

  async function drain() {
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) await writeBatch(waiting.splice(0, BATCH))
    // In the same breath as the look: what is handed in later begins a new drain.
    writing = undefined
  }

  async function writeBatch(batch: readonly Entry[]) {
    for (let pause = 50; ; pause = Math.min(2_000, pause * 2)) {
      try {
        await query(NOTE, [
          batch.map((e) => e.claimed.run),
          batch.map((e) => e.claimed.task),
          batch.map((e) => e.claimed.attempt),
          batch.map((e) => e.name),
          batch.map((e) => e.entry),
          batch.map((e) => e.hash),
          batch.map((e) => e.receipt),
        ])
        for (const e of batch) e.written()
        return
      } catch (error) {
        if (!isConnectionLoss(error)) {
          // One receipt that the database refuses must not take the others with it.
          if (batch.length > 1) {
            for (const e of batch) await writeBatch([e])
            return
          }
          batch[0]?.refused(error)
          return
        }
        // An answer that was paid for is not dropped because the database is away.
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
  }

  return {
    async remember<T>(claimed: Claimed, name: string, request: unknown, call: () => Promise<T>) {
      const hash = createHash('sha256').update(toJson(request)).digest()
      // A first attempt has no predecessor that could have left a receipt.
      if (claimed.attempt > 1) {
        const { rows } = await query<{ receipt: { value: T } }>(FIND, [claimed.run, claimed.task, name, hash])
        if (rows[0] !== undefined) return rows[0].receipt.value
      }
      await write(claimed, name, 'intent', hash, null)
      const receipt = toJson({ value: await call() })
      await write(claimed, name, 'receipt', hash, receipt)
      return (JSON.parse(receipt) as { value: T }).value
    },
    async settled() {
      while (writing !== undefined) await writing
    },
  }
}
