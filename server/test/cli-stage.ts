/** The stage of the journeys: a folder with a definition, a database of its own, a model that waits behind a gate. */
import { expect } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { install, type Installation } from '../testing/cli.ts'
import { definitionText, startGatedServer, type GatedServer } from '../testing/probe.ts'

/** What a test leaves behind, to be taken away after it. */
export const left: (() => Promise<void>)[] = []
export async function leave(): Promise<void> {
  for (const one of left.splice(0).toReversed()) await one()
}

export async function stage(
  options: { empty?: boolean; server?: GatedServer; scenarios?: number; followups?: number } = {},
) {
  const db: TestDatabase = await freshDatabase(rooms.slice(1), { empty: options.empty === true })
  left.push(() => db.drop())
  const settings = options.server === undefined ? {} : { OPENAI_COMPATIBLE_URL: options.server.url }
  const place: Installation = await install(db, settings)
  left.push(() => place.remove())
  await place.file('d.yaml', definitionText(options.scenarios ?? 4, options.followups ?? 0))
  return { db, place }
}

export async function gated(): Promise<GatedServer> {
  const server = await startGatedServer()
  left.push(() => server.close())
  return server
}

/** The one line of JSON that a command gave. */
export const document = (text: string): unknown => {
  expect(text.endsWith('\n')).toBe(true)
  expect(text.trimEnd().split('\n')).toHaveLength(1)
  return JSON.parse(text)
}
