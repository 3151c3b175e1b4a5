/** Moving a card: shown at once where it will be, and put right by what the server says. */
import { useCallback, useState } from 'react'
import { ask, problemIn, type Answer, type CardHead } from '../api.ts'
import { askAgain, setAsked } from '../asked.ts'
import { tell, tellProblem } from '../ui/index.ts'
import { words } from '../words/board.ts'

export type Board = Answer<'get', '/api/board'>

/** Where a card is to stand; `before` null: at the end. */
export interface Place {
  readonly to: string
  readonly before: number | null
}

export interface Asking extends Place {
  readonly card: CardHead
}

/** The board with a card in another place. */
export function placed({ columns, ...board }: Board, card: CardHead, { to, before }: Place): Board {
  return {
    ...board,
    columns: columns.map((column) => {
      const rest = column.cards.filter(({ id }) => id !== card.id)
      const was = rest.length < column.cards.length
      if (column.key !== to) return was ? { ...column, cards: rest, count: column.count - 1 } : column
      const at = before === null ? rest.length : rest.findIndex(({ id }) => id === before)
      // Until it has come, nothing of a run is known there.
      const moved = card.stage === to ? card : { ...card, stage: to, run: null }
      return {
        ...column,
        cards: rest.toSpliced(at === -1 ? rest.length : at, 0, moved),
        count: column.count + (was ? 0 : 1),
      }
    }),
  }
}

/** Gives what moves a card, and the question that has to be answered before an active run is cancelled. */
export function useMover(given: { query?: { limit?: number; archived?: 'true' } }, columns: Board['columns']) {
  const [asking, setAsking] = useState<Asking>()
  const nameOf = useCallback((key: string) => columns.find((column) => column.key === key)?.name ?? key, [columns])
  const move = useCallback(
    async (card: CardHead, place: Place, cancelActiveRun = false): Promise<void> => {
      setAsked('/api/board', given, (board) => placed(board, card, place))
      try {
        const { transition } = await ask('post', '/api/cards/{id}/move', {
          path: { id: card.id },
          body: {
            to: place.to,
            version: card.version,
            cancelActiveRun,
            ...(place.before === null ? {} : { before: place.before }),
          },
        })
        if (transition !== null) tell(words.moved(nameOf(place.to)), whatBegan(transition))
      } catch (error) {
        const { code } = problemIn(error)
        if (code === 'RUN_UNDER_WAY') setAsking({ card, ...place })
        else if (code === 'CARD_CHANGED') await tellLoser(card, nameOf)
        else tellProblem(error)
      }
      askAgain('/api/board', `/api/cards/${card.id}`, '/api/notifications')
    },
    [given.query?.archived, nameOf],
  )
  return { move, asking, answered: () => setAsking(undefined), nameOf }
}

async function tellLoser(card: CardHead, nameOf: (key: string) => string) {
  const now = await ask('get', '/api/cards/{id}', { path: { id: card.id } }).catch(() => undefined)
  tell(words.lost, words.lostNow(card.title, nameOf(now?.stage ?? card.stage)))
}

/** What the arrival in a stage has started, in a sentence. */
export function whatBegan({ run, notStarted }: { run: number | null; notStarted: string | null }): string | undefined {
  if (run !== null) return words.began(run)
  return notStarted === null ? undefined : (words.notStarted[notStarted] ?? notStarted)
}
