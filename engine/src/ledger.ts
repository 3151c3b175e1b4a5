/**
 * Outside calls, recorded once: an intent before, a receipt after, written in
 * batches.  A receipt is kept whoever brings it, also an attempt that lost its
 * lease; the next attempt with the same request uses it instead of paying again.
 */
import { createHash } from 'node:crypto'
import type { Claimed } from './attempt.ts'
import { whenConnected, type Tx } from './database.ts'
import { toJson } from './json.ts'
import type { Remember } from './kinds.ts'

interface Entry {
  readonly claimed: Claimed
  readonly name: string
  readonly entry: 'intent' | 'receipt'
  readonly hash: Buffer
  readonly receipt: string | null
  readonly tokens: number
  readonly micros: number
  readonly written: () => void
  readonly refused: (error: unknown) => void
}

export interface Ledger {
  remember<T>(
    claimed: Claimed,
    name: string,
    request: unknown,
    call: () => Promise<T>,
    options?: Remember<T>,
  ): Promise<T>
  /** Waits until all that was handed in is written. */
  settled(): Promise<void>
}

const BATCH = 200
const NOTE = { name: 'note', text: 'select engine.note($1, $2, $3, $4, $5, $6, $7, $8, $9)' }
const FIND = {
  name: 'find receipt',
  text: `select receipt from engine.ledger
    where run_id = $1 and n = $2 and name = $3 and entry = 'receipt' and request_hash = $4 order by attempt limit 1`,
}

export function openLedger(query: Tx['query'], transact: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>): Ledger {
  const waiting: Entry[] = []
  let writing: Promise<void> | undefined

  function write(entry: Omit<Entry, 'written' | 'refused'>) {
    return new Promise<void>((written, refused) => {
      waiting.push({ ...entry, written, refused })
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
    try {
      // An answer that was paid for is not dropped because the database is away.
      await whenConnected(() => query(NOTE, columnsOf(batch)))
      for (const e of batch) e.written()
    } catch (error) {
      // One receipt that the database refuses must not take the others with it.
      if (batch.length === 1) batch[0]?.refused(error)
      else for (const e of batch) await writeBatch([e])
    }
  }

  return {
    async remember<T>(
      claimed: Claimed,
      name: string,
      request: unknown,
      call: () => Promise<T>,
      { used, vault }: Remember<T> = {},
    ) {
      const hash = createHash('sha256').update(toJson(request)).digest()
      const entry = { claimed, name, hash, receipt: null, tokens: 0, micros: 0 }
      // A first attempt has no predecessor that could have left a receipt.
      if (claimed.attempt > 1) {
        const values = [claimed.run, claimed.task, name, hash]
        const { rows } = await whenConnected(() => query<{ receipt: { value: T } | { place: number } }>(FIND, values))
        const receipt = rows[0]?.receipt
        if (receipt !== undefined && 'value' in receipt) return receipt.value
        if (receipt !== undefined && vault !== undefined) return vault.get({ query }, receipt.place)
      }
      await write({ ...entry, entry: 'intent' })
      const value = await call()
      const { tokens = 0, micros = 0 } = used?.(value) ?? {}
      const bought = { ...entry, entry: 'receipt' as const, tokens, micros }
      if (vault !== undefined) {
        // The answer and the word that it came: both or neither.
        await whenConnected(() =>
          transact(async (tx) => {
            const receipt = toJson({ place: await vault.put(tx, value) })
            await tx.query(NOTE, columnsOf([{ ...bought, receipt }]))
          }),
        )
        return value
      }
      const receipt = toJson({ value })
      await write({ ...bought, receipt })
      return (JSON.parse(receipt) as { value: T }).value
    },
    async settled() {
      while (writing !== undefined) await writing
    },
  }
}

function columnsOf(entries: readonly Omit<Entry, 'written' | 'refused'>[]) {
  return [
    entries.map((e) => e.claimed.run),
    entries.map((e) => e.claimed.task),
    entries.map((e) => e.claimed.attempt),
    entries.map((e) => e.name),
    entries.map((e) => e.entry),
    entries.map((e) => e.hash),
    entries.map((e) => e.receipt),
    entries.map((e) => Math.max(0, Math.ceil(e.tokens))),
    entries.map((e) => Math.max(0, Math.ceil(e.micros))),
  ]
}
