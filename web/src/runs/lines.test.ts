/** The lines of a log: asked for where they are looked at, put where they belong. */
import { expect, test } from 'vitest'
import type { Event as RunEvent } from '../api.ts'
import { levelOf, openLines, textOf } from './lines.ts'

const event = (n: number, more: Partial<RunEvent> = {}): RunEvent => ({
  n,
  at: '2026-11-21T12:00:00.000Z',
  kind: 'log',
  task: null,
  data: { text: `line ${n}` },
  ...more,
})

/** A log of so many lines, and what was asked of it. */
function logOf(last: number) {
  const asked: number[] = []
  const lines = openLines(async (after, limit) => {
    asked.push(after)
    return { items: Array.from({ length: Math.min(limit, last - after) }, (_, i) => event(after + i + 1)), last }
  })
  const changed = () => new Promise<void>((resolve) => lines.subscribe(resolve))
  return { lines, asked, changed }
}

test('only the page that is looked at is asked for, once, wherever in the log it is', async () => {
  const { lines, asked, changed } = logOf(100_000)
  lines.reach(100_000)
  const there = changed()
  expect([lines.at(99_900), lines.at(99_901)]).toEqual([undefined, undefined])
  await there
  expect(lines.at(99_900)?.data).toEqual({ text: 'line 99900' })
  expect(asked).toEqual([99_500])
})

test('what comes live is put where it belongs, and what lies between is asked for', async () => {
  const { lines, asked, changed } = logOf(1_204)
  lines.add([event(1_203), event(1_204)])
  expect([lines.last, lines.at(1_204)?.n, asked.length]).toEqual([1_204, 1_204, 0])
  const there = changed()
  expect(lines.at(1_100)).toBeUndefined()
  await there
  expect([lines.at(1_100)?.n, lines.at(1_204)?.n, asked]).toEqual([1_100, 1_204, [1_000]])
})

test('a line of a log is its text with its fields, and other events say what they count', () => {
  expect(textOf(event(1, { data: { text: 'asked', level: 'warn', model: 'a', n: 2 } }))).toBe('asked  model=a n=2')
  const closed = { succeeded: 7, failed: 2, cancelled: 0, again: 1, total: 10 }
  expect(textOf(event(1, { kind: 'tasks.closed', data: closed }))).toBe(
    'tasks.closed  9 of 10 ended, 2 failed, 1 tried again',
  )
  expect(textOf(event(1, { kind: 'run.running', data: {} }))).toBe('run.running')
})

test('how much a line matters is what it was given, or what its kind says', () => {
  const levels = [
    event(1),
    event(1, { data: { text: 'x', level: 'ERROR' } }),
    event(1, { kind: 'progress' }),
    event(1, { kind: 'run.failed', data: {} }),
    event(1, { kind: 'tasks.closed', data: { again: 1 } }),
  ].map(levelOf)
  expect(levels).toEqual(['info', 'error', 'debug', 'error', 'warn'])
})
