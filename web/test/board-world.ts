/** A board on which something has happened, and its pages: for the check of barriers, and for pictures. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { until } from '../../engine/testing/index.ts'
import type { HttpStage } from '../../server/test/http-stage.ts'

const EXAMPLE = new URL('../../examples/board/', import.meta.url)
const text = (path: string) => readFileSync(new URL(path, EXAMPLE), 'utf8')

export interface BoardWorld {
  /** Waits for answers: a gate has asked. */
  readonly asked: number
  /** Waits for approval. */
  readonly waiting: number
  /** Has been through the jury. */
  readonly judged: number
  /** A skill. */
  readonly skill: number
}

/** Recipes as the example has them, with the keyless provider. */
export async function cook(http: HttpStage): Promise<void> {
  await must(http.ask('/api/skills', { body: { action: 'sync' } }))
  await must(http.ask('/api/stage-recipes', { body: { action: 'initialize', provider: 'fake' } }))
  for (const stage of ['discovery', 'prd', 'design', 'prototype', 'tickets']) {
    const { stage: _, ...body } = parse(text(`recipes/${stage}.yaml`)) as Record<string, unknown>
    await must(http.ask(`/api/stage-recipes/${stage}`, { method: 'PATCH', body }))
  }
  await must(http.ask('/api/board/settings', { method: 'PATCH', body: { automationStopStage: 'tickets' } }))
}

export async function addCard(http: HttpStage, body: object): Promise<number> {
  const made = await must(http.ask('/api/cards', { body }))
  return made.body.card.id as number
}

/** Until a card stands somewhere, with a run that is so. */
export async function rests(http: HttpStage, card: number, stage: string, status: string): Promise<void> {
  await until(
    async () => (await http.ask(`/api/cards/${card}`)).body,
    (seen) => seen.stage === stage && seen.run?.status === status,
    60,
  )
}

/** The workers that are there go on with it. */
export async function fillBoard(http: HttpStage): Promise<BoardWorld> {
  const call = text('call.md')
  const judged = await addCard(http, { title: 'Shared packing list', description: call, priority: 'high' })
  await http.ask(`/api/cards/${judged}/documents/pricing.md`, {
    method: 'PUT',
    body: { content: text('pricing.md'), baseVersion: 0 },
  })
  await rests(http, judged, 'validate', 'awaiting_approval')
  const { run } = (await http.ask(`/api/cards/${judged}`)).body
  await must(http.ask(`/api/runs/${run.id}`, { body: { action: 'approve', reason: 'the requirements are agreed' } }))
  await rests(http, judged, 'validate', 'succeeded')
  const waiting = await addCard(http, { title: 'Remind me of what I forgot last time', description: call })
  await http.ask(`/api/cards/${waiting}/documents/pricing.md`, {
    method: 'PUT',
    body: { content: '# Free', baseVersion: 0 },
  })
  await rests(http, waiting, 'validate', 'awaiting_approval')
  const asked = await addCard(http, {
    title: 'A very long title that somebody wrote because nobody said how long one may be 🌊 שלום <b>not bold</b>',
    description: call,
    priority: 'urgent',
  })
  await rests(http, asked, 'prd', 'awaiting_approval')
  for (const [title, stage, priority] of [
    ['Import from a spreadsheet', 'build', 'low'],
    ['Print the list', 'build', 'medium'],
    ['Families with two homes', 'alpha', 'medium'],
  ]) {
    await addCard(http, { title, stage, priority })
  }
  await must(
    http.ask(`/api/cards/${judged}/documents/pricing.md`, {
      method: 'PUT',
      body: { content: `${text('pricing.md')}\nClubs pay by the year.\n`, baseVersion: 1 },
    }),
  )
  await must(
    http.ask(`/api/cards/${judged}/artifacts`, {
      body: { type: 'url', label: 'Preview', uri: 'https://preview.example.org/' },
    }),
  )
  const skills = await must(http.ask('/api/skills?q=prd'))
  return { asked, waiting, judged, skill: skills.body.items[0].id as number }
}

async function must(asked: ReturnType<HttpStage['ask']>) {
  const answer = await asked
  if (answer.status >= 400) throw new Error(`${answer.status}: ${answer.text}`)
  return answer
}

interface Shown {
  readonly name: string
  readonly path: (world: BoardWorld) => string
  /** Also looked at where there is nothing yet. */
  readonly empty?: true
}

export const BOARD_PAGES: readonly Shown[] = [
  { name: 'board', empty: true, path: () => '/board' },
  { name: 'board-filtered', path: () => '/board?q=zzz' },
  { name: 'board-inbox', empty: true, path: () => '/board/inbox' },
  { name: 'board-recipe', empty: true, path: () => '/board/recipes/prd' },
  { name: 'board-settings', path: () => '/board/settings' },
  { name: 'card', path: ({ judged }) => `/board/${judged}` },
  { name: 'card-asked', path: ({ asked }) => `/board/${asked}` },
  { name: 'card-documents', path: ({ judged }) => `/board/${judged}/documents?path=prd.md` },
  { name: 'card-changes', path: ({ judged }) => `/board/${judged}/documents?path=pricing.md&from=1` },
  { name: 'card-results', path: ({ judged }) => `/board/${judged}/results` },
  { name: 'card-history', path: ({ judged }) => `/board/${judged}/history` },
  { name: 'card-missing', path: () => '/board/999999' },
  { name: 'skills', empty: true, path: () => '/skills' },
  { name: 'skill', path: ({ skill }) => `/skills/${skill}` },
]
