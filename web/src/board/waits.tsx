/** On Home: the runs of cards that wait for a person, first among them those that wait longest. */
import { useAsked } from '../asked.ts'
import { ButtonLink } from '../ui/index.ts'
import { words as ofBoard } from '../words/board.ts'
import { useMoves } from './live.ts'
import { Waiting } from './waiting.tsx'

const SHOWN = 4

export default function Waits() {
  const [waiting, again] = useAsked('/api/approvals', { query: { limit: 100 } }, { moves: true })
  useMoves(() => void again())
  const items = waiting.data?.items ?? []
  if (items.length === 0) return null
  return (
    <div className="border-t border-line">
      <ul>
        {items.slice(0, SHOWN).map((one) => (
          <Waiting key={one.run} of={one} stage={one.stage} brief />
        ))}
      </ul>
      <div className="border-t border-line p-2">
        <ButtonLink href="/board/inbox" size="small" look="quiet">
          {ofBoard.inbox}
        </ButtonLink>
      </div>
    </div>
  )
}
