/** The storm in short form; the long one is `node engine/chaos/storm.ts --seeds 20`. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStorm, type Storm } from '../chaos/storm.ts'

let storm: Storm
beforeAll(async () => {
  storm = await openStorm(console.log)
})
afterAll(async () => {
  await storm?.close()
})

test('workers killed, stopped and cut off, backends and servers killed: nothing is lost, nothing counts twice', async () => {
  let fenced = 0
  for (const seed of [1, 2]) {
    const told = await storm.run(seed, { brief: true })
    expect(told.violations).toEqual([])
    fenced += told.fenced + told.expired
  }
  // Otherwise nothing was proved.
  expect(fenced).toBeGreaterThan(0)
}, 60_000)
