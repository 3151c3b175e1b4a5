/** What the journeys of `millrace up` stand on: an installation, and what it serves. */
import { freshDatabase, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { install, type Command, type Installation } from '../testing/cli.ts'
import { left } from './cli-stage.ts'

export async function stage(empty: boolean): Promise<{ db: TestDatabase; place: Installation }> {
  const db = await freshDatabase(rooms.slice(1), { empty })
  left.push(() => db.drop())
  const place = await install(db, { PORT: '0' })
  left.push(() => place.remove())
  return { db, place }
}

export async function urlOf(up: Command): Promise<string> {
  await up.says(/serves on http:\/\/\S+/)
  return /serves on (http:\/\/\S+)/.exec(up.stdout)?.[1] ?? ''
}

export async function ask(url: string) {
  const response = await fetch(url)
  const body: unknown = await response.json()
  return { status: response.status, body }
}
