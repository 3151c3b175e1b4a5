/** Opens what the routes stand on, and closes it again in order. */
import { openApi, type Settings } from '@millrace/engine'
import { openAccesses } from '../domains/probe/accesses.ts'
import { openBoards } from './boards.ts'
import { openFeeds } from './feeds.ts'
import type { House } from './house.ts'
import { MOST_EXPORTS } from './routes/export.ts'

export interface OpenHouse extends House {
  close(): Promise<void>
}

export function openHouse(
  given: Omit<House, 'exports' | 'accesses' | 'feeds' | 'boards'>,
  settings: Settings,
): OpenHouse {
  const { engine } = given
  const exports = openApi(settings, MOST_EXPORTS)
  const accesses = openAccesses(engine)
  const feeds = openFeeds(engine)
  const boards = openBoards(engine)
  return {
    ...given,
    exports,
    accesses,
    feeds,
    boards,
    async close() {
      await Promise.all([feeds.close(), boards.close(), accesses.close()])
      await exports.close()
    },
  }
}
