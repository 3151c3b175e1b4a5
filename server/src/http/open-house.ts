/** Opens what the routes stand on, and closes it again in order. */
import { openApi, type Settings } from '@millrace/engine'
import { openAccesses } from '../domains/probe/accesses.ts'
import { findRuns } from '../runs/find-runs.ts'
import { listCards } from '../domains/stage/cards.ts'
import { listNotices } from '../domains/stage/notices.ts'
import { NEWEST, openBoards } from './boards.ts'
import { openFeeds } from './feeds.ts'
import type { House } from './house.ts'
import { MOST_EXPORTS } from './routes/export.ts'

export interface OpenHouse extends House {
  close(): Promise<void>
}

export function openHouse(
  given: Omit<House, 'exports' | 'accesses' | 'feeds' | 'boards' | 'cards' | 'notices'>,
  settings: Settings,
): OpenHouse {
  const { engine } = given
  const exports = openApi(settings, MOST_EXPORTS)
  const accesses = openAccesses(engine)
  const feeds = openFeeds(engine)
  const boards = openBoards(engine, {
    find: (who) => findRuns(engine, who, { limit: NEWEST }),
    stamp: (run) => `${run.lastEvent} ${run.status} ${run.round}`,
  })
  const cards = openBoards(engine, {
    find: (who) => listCards(engine, who, { limit: NEWEST, touched: true }),
    stamp: ({ version, status, run, openQuestions }) =>
      [version, status, openQuestions, run?.id, run?.status, run?.awaits, run?.percent].join(' '),
  })
  const notices = openBoards(engine, {
    find: (who) => listNotices(engine, who, { limit: NEWEST }),
    stamp: ({ id }) => String(id),
  })
  return {
    ...given,
    exports,
    accesses,
    feeds,
    boards,
    cards,
    notices,
    async close() {
      await Promise.all([feeds.close(), boards.close(), cards.close(), notices.close(), accesses.close()])
      await exports.close()
    },
  }
}
