/** Times, money, tokens, code: values as they are shown everywhere. */
import { Check, Copy } from 'lucide-react'
import { useState, useSyncExternalStore } from 'react'
import { ago, briefly, count, dated, dollars, exactly } from '../shown.ts'
import { useKept } from '../kept.ts'
import { words } from '../words/ui.ts'
import { IconButton } from './button.tsx'

/** One clock for all times on the page. */
const clock = {
  now: Date.now(),
  timer: undefined as ReturnType<typeof setInterval> | undefined,
  listeners: new Set<() => void>(),
}

function listen(listener: () => void) {
  clock.listeners.add(listener)
  clock.timer ??= setInterval(() => {
    clock.now = Date.now()
    for (const one of clock.listeners) one()
  }, 5_000)
  return () => {
    clock.listeners.delete(listener)
    if (clock.listeners.size > 0) return
    clearInterval(clock.timer)
    clock.timer = undefined
  }
}

/** Now, to five seconds. */
const useNow = () => useSyncExternalStore(listen, () => clock.now)

/** How long ago, or when, as one chose; the exact time on hover. */
export function Time({ at }: { at: string | null }) {
  const now = useNow()
  const [how] = useKept<'relative' | 'exact'>('times', 'relative')
  if (at === null) return <span className="text-faint">{words.unknown}</span>
  const date = new Date(at)
  return (
    <time dateTime={at} title={exactly(date)} className="whitespace-nowrap">
      {how === 'exact' ? dated(date) : ago(date, Math.max(now, clock.now))}
    </time>
  )
}

export function Money({ usd }: { usd: number | null }) {
  if (usd === null) return <span className="text-faint">{words.unknown}</span>
  return <span title={`$${usd}`}>{usd === 0 ? words.free : dollars(usd)}</span>
}

export function Tokens({ n }: { n: number }) {
  return <span title={count(n)}>{briefly(n)}</span>
}

export function CopyButton({ text, label = words.copy }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false)
  return (
    <IconButton
      size="small"
      label={copied ? words.copied : label}
      icon={copied ? Check : Copy}
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setCopied(true)
          setTimeout(() => setCopied(false), 1_500)
        })
      }}
    />
  )
}

/** As many characters are shown at first; a page with a megabyte is slow. */
const SHOWN = 20_000

export function CodeBlock({ text, label }: { text: string; label: string }) {
  const [whole, setWhole] = useState(false)
  const cut = !whole && text.length > SHOWN
  return (
    <div className="group relative overflow-clip rounded-md border border-line bg-sunk">
      <div className="absolute top-1 right-1">
        <CopyButton text={text} />
      </div>
      {/* A box that scrolls can be reached by keyboard. */}
      <pre
        tabIndex={0}
        role="region"
        aria-label={label}
        className="max-h-[32rem] overflow-auto p-3 pr-10 font-mono text-sm whitespace-pre-wrap"
      >
        {cut ? text.slice(0, SHOWN) : text}
      </pre>
      {cut ? (
        <button
          type="button"
          onClick={() => setWhole(true)}
          className="w-full border-t border-line py-1.5 text-sm text-accent hover:underline"
        >
          {words.folded} ({count(text.length)})
        </button>
      ) : null}
    </div>
  )
}

export function JsonView({ value, label }: { value: unknown; label: string }) {
  return <CodeBlock text={JSON.stringify(value, null, 2) ?? 'null'} label={label} />
}

export function Kbd({ keys }: { keys: string }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-edge bg-sunk px-1 font-sans text-xs text-dim">
      {keys}
    </kbd>
  )
}
