/** Random verbs beside a small model, in short form; the long one is `npm run model -- --verbs 2000000`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LENGTH, play, sequenceFrom, shorten } from '../model/play.ts'
import { openStage, type Stage } from '../model/stage.ts'
import { freshDatabase, type TestDatabase } from '../testing/index.ts'

/** Every day another one beside those that are always played. */
const today = Math.floor(Date.now() / 86_400_000)

let db: TestDatabase
let stage: Stage
beforeAll(async () => {
  db = await freshDatabase()
  stage = await openStage(db.owner)
})
afterAll(async () => {
  await stage?.close()
  await db?.drop()
})

/** The first difference in so many sequences. */
async function difference(sequences: number, bent: readonly string[] = []): Promise<string | undefined> {
  for (let seed = 1; seed <= sequences; seed += 1) {
    const { differences } = await play(stage, sequenceFrom(seed, LENGTH), { bent })
    if (differences.length > 0) return differences.join('; ')
  }
  return undefined
}

test.each([1, 2, 3, 4, 5, 6, today])(
  'whatever is asked in whatever order, the database does and answers what was promised (seed %i)',
  async (seed) => {
    const commands = sequenceFrom(seed, LENGTH)
    const { differences, verbs } = await play(stage, commands)
    if (differences.length > 0) {
      const short = await shorten(stage, commands, {}, 10)
      expect.unreachable([...short.played.differences, ...short.played.script].join('\n'))
    }
    expect(verbs).toBeGreaterThan(50)
  },
)

describe('the model sees', () => {
  test('a rule that is not the promised one', async () => {
    expect(await difference(10, ['later costs a try'])).toMatch(/tasks: |was claimed as/)
  })

  /** Functions of the engine, and a word in each without which a promise is broken. */
  const planted: Record<string, [name: string, word: string, instead: string]> = {
    'a settle that counts no try': ['settle', "(g.outcome in ('again', 'failed'))::integer", '0'],
    'a limit that lets one more through': ['room', 'slots <= 0', 'slots < 0'],
    'a claim that does not ask the bound': ['take_within', 'l.bound_id = any(roofs)', 'true'],
    'a bound that does not count what ran when it was set': [
      'put_limit',
      'x.id in (l.limit_id, l.bound_id)',
      'x.id = l.limit_id',
    ],
    'a rescue that forgives': ['rescue', 't.crashes >= 2', 't.crashes >= 20'],
    'a lane that looks past what came back': ['wake_lanes', 'least(l.first, q.n)', 'l.first'],
  }
  test.each(Object.entries(planted))('%s', async (_what, [name, word, instead]) => {
    const [row] = await db.sql<{ text: string }>(
      `select pg_get_functiondef(p.oid) as text from pg_proc p where p.proname = $1 and p.pronamespace = 'engine'::regnamespace`,
      [name],
    )
    const good = row?.text ?? ''
    expect(good).toContain(word)
    await db.sql(good.replaceAll(word, instead))
    try {
      expect(await difference(60)).toBeDefined()
    } finally {
      await db.sql(good)
    }
  })
})
