/** How long a claim takes, seen from one connection: of one task and of fifty, each committed. */
import pg from 'pg'
import { workerSettings } from '../../engine/src/database.ts'
import { now } from './contender.ts'
import { median } from './numbers.ts'
import type { Place } from './server.ts'

/** Numbers of claims, or milliseconds. */
export interface Claims {
  readonly one: number
  readonly fifty: number
}

export async function claim(place: Place, amounts: Claims): Promise<Claims> {
  const client = new pg.Client(workerSettings(place.worker))
  await client.connect()
  const { rows } = await client.query<{ id: number }>(
    "select engine.register('claims', array['bench.answer'], null, 10000) as id",
  )
  const worker = rows[0]?.id
  async function measure(free: number, times: number): Promise<number> {
    const text = 'select * from engine.claim($1, $2)'
    const took: number[] = []
    for (let n = 0; n < times; n += 1) {
      const at = now()
      const found = await client.query({ name: 'claim', text, values: [worker, free] })
      took.push(now() - at)
      if (found.rows.length !== free) throw new Error(`claimed ${found.rows.length} of ${free}`)
    }
    return median(took)
  }
  try {
    return { one: await measure(1, amounts.one), fifty: await measure(50, amounts.fifty) }
  } finally {
    await client.end()
  }
}
