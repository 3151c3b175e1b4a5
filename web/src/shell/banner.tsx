/** One line on every page, for what concerns everything: the server lost, no worker. */
import { CloudOff, Hammer, Hourglass, type LucideIcon } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useAsked } from '../asked.ts'
import { useFeedState } from '../feed.ts'
import { words } from '../words/shell.ts'

/** Milliseconds: a break that is shorter is nobody's business. */
const PATIENCE = 1_500
const LOOK_AGAIN = 10_000

export function Banner() {
  const lost = useLasting(useFeedState() === 'lost')
  const [{ data }] = useAsked('/api/workers', {}, { every: LOOK_AGAIN })
  const states = data?.workers.map(({ state }) => state)
  if (lost) return <Line icon={CloudOff} text={words.banner.lost} bad />
  if (states !== undefined && !states.includes('alive')) {
    return states.includes('stale') ? (
      <Line icon={Hourglass} text={words.banner.staleWorker} />
    ) : (
      <Line icon={Hammer} text={words.banner.noWorker} />
    )
  }
  return null
}

function useLasting(now: boolean): boolean {
  const [lasting, setLasting] = useState(false)
  useEffect(() => {
    if (!now) {
      setLasting(false)
      return undefined
    }
    const timer = setTimeout(() => setLasting(true), PATIENCE)
    return () => clearTimeout(timer)
  }, [now])
  return lasting
}

function Line({ icon: Icon, text, bad = false }: { icon: LucideIcon; text: string; bad?: boolean }) {
  return (
    <div
      role="status"
      className={`flex items-center gap-2 px-4 py-2 text-sm sm:px-6 lg:px-8 ${bad ? 'bg-bad-wash text-bad' : 'bg-warn-wash text-warn'}`}
    >
      <Icon aria-hidden size={15} className="shrink-0" />
      <span>
        {text.split(/`([^`]+)`/).map((part, i) =>
          i % 2 === 1 ? (
            <code key={part} className="font-mono">
              {part}
            </code>
          ) : (
            part
          ),
        )}
      </span>
    </div>
  )
}
