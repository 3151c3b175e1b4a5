/** The log of a run: live, searched, and as long as it is; only the lines that are seen are drawn. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, Download, ScrollText } from 'lucide-react'
import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from 'react'
import { ask, type Event as RunEvent } from '../api.ts'
import { useFeedState } from '../feed.ts'
import { useFilters } from '../filters.ts'
import { exactly, count, timeOfDay } from '../shown.ts'
import { Button, Empty, SearchInput, Select, Switch, tellProblem } from '../ui/index.ts'
import { log as words } from '../words/runs.ts'
import { levelOf, linesOf, textOf } from './lines.ts'
import { isOver } from './live.ts'
import type { WholeRun } from './tabs.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
type Level = (typeof LEVELS)[number]
const LINE = 22
/** Milliseconds after the last key. */
const PAUSE = 250
const PAGE = 500

const TONES: Readonly<Record<Level, string>> = { debug: 'text-faint', info: '', warn: 'text-warn', error: 'text-bad' }

export default function Log({ run }: { run: WholeRun }) {
  const lines = linesOf(run.id)
  useSyncExternalStore(lines.subscribe, lines.version)
  const [filter, set] = useFilters('level', 'search')
  const level = LEVELS.find((one) => one === filter.level) ?? 'debug'
  const [text, setText] = useState(filter.search ?? '')
  const search = useQuiet(text.trim())
  useEffect(() => set('search', search), [search])
  const chosen = level !== 'debug' || search !== ''
  const found = useFound(run.id, chosen ? { level, search } : null, lines.last)
  const total = chosen ? found.items.length : lines.last
  const at = (i: number): RunEvent | undefined => (chosen ? found.items[i] : lines.at(i + 1))

  const box = useRef<HTMLDivElement>(null)
  const [follow, setFollow] = useState(!isOver(run))
  const [seen, setSeen] = useState(0)
  // A line of a phone is short.
  const [wrap, setWrap] = useState(innerWidth < 640)
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => LINE,
    overscan: 20,
    ...(wrap ? { measureElement: (line: Element) => line.getBoundingClientRect().height } : {}),
  })
  useEffect(() => virtual.measure(), [wrap, virtual])
  useEffect(() => {
    if (!follow || total === 0) return
    virtual.scrollToIndex(total - 1, { align: 'end' })
    setSeen(total)
  }, [follow, total, virtual])
  // A line that the address names is shown.
  const named = Number(/^#L(\d+)$/.exec(location.hash)?.[1] ?? 0)
  useEffect(() => {
    if (named === 0 || chosen || lines.last < named) return
    setFollow(false)
    virtual.scrollToIndex(named - 1, { align: 'center' })
  }, [named, lines.last >= named])
  function scrolled() {
    const { current } = box
    if (current === null) return
    const end = current.scrollHeight - current.scrollTop - current.clientHeight < LINE * 2
    if (!end && follow && !moving.current) setFollow(false)
    if (end && !follow && !isOver(run)) setFollow(true)
  }
  /** Only a hand on the wheel, the bar or the keys ends following. */
  const moving = useRef(true)
  const byHand = () => (moving.current = false)
  useEffect(() => {
    if (follow) moving.current = true
  }, [follow])
  const lost = useFeedState() === 'lost' && !isOver(run)
  const items = virtual.getVirtualItems()
  const state = lost ? words.lost : isOver(run) ? words.ended : ''
  return (
    <section className="overflow-clip rounded-lg border border-line bg-box shadow-low">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-2.5">
        <div className="w-64 max-sm:w-full">
          <SearchInput label={words.search} value={text} onChange={setText} />
        </div>
        <Select
          label={words.level}
          value={level}
          onChange={(next) => set('level', next === 'debug' ? '' : next)}
          of={LEVELS.map((value) => ({ value, label: words.levels[value] }))}
        />
        <Switch label={words.follow} checked={follow} onChange={setFollow} disabled={isOver(run)} />
        <Switch label={words.wide} checked={wrap} onChange={setWrap} />
        <span className="ml-auto text-sm text-dim">
          {chosen ? words.found(count(total), found.more) : words.lines(count(total))}
        </span>
        <Button size="small" look="quiet" icon={Download} onClick={() => void download(run.id, lines.last)}>
          {words.download}
        </Button>
      </div>
      <div className="relative">
        {total === 0 ? (
          <Empty icon={ScrollText} title={chosen ? words.none : words.waiting} />
        ) : (
          <div
            ref={box}
            role="log"
            aria-label={words.title}
            aria-live="off"
            tabIndex={0}
            onScroll={scrolled}
            onWheel={byHand}
            onPointerDown={byHand}
            onKeyDown={byHand}
            onTouchMove={byHand}
            className="h-[min(38rem,62dvh)] overflow-auto bg-sunk font-mono text-sm focus-visible:-outline-offset-2"
          >
            <div style={{ height: virtual.getTotalSize() }} className="relative w-full min-w-max">
              {items.map(({ index, start, key }) => {
                const event = at(index)
                const n = event?.n ?? index + 1
                return (
                  <div
                    key={key}
                    data-index={index}
                    ref={wrap ? virtual.measureElement : undefined}
                    style={{ transform: `translateY(${start}px)` }}
                    className={`absolute top-0 left-0 flex w-full items-start px-3 hover:bg-line/50 ${n === named ? 'bg-warn-wash' : ''} ${wrap ? 'max-w-[calc(100vw-4rem)]' : 'h-5.5'}`}
                  >
                    {event === undefined ? (
                      <span className="text-faint">…</span>
                    ) : (
                      <Line event={event} search={search} wrap={wrap} />
                    )}
                  </div>
                )
              })}
            </div>
          </div>
        )}
        {!follow && !isOver(run) && !chosen && total > seen ? (
          <div className="absolute inset-x-0 bottom-3 flex justify-center">
            <Button size="small" look="primary" icon={ArrowDown} onClick={() => setFollow(true)}>
              {words.newer(count(total - seen))}
            </Button>
          </div>
        ) : null}
      </div>
      <div role="status" className="min-h-8 border-t border-line px-4 py-1.5 text-sm text-dim">
        {state}
      </div>
    </section>
  )
}

function Line({ event, search, wrap }: { event: RunEvent; search: string; wrap: boolean }) {
  const date = new Date(event.at)
  return (
    <>
      <a
        href={`#L${event.n}`}
        aria-label={words.line(event.n)}
        className="w-14 shrink-0 pr-3 text-right text-faint hover:text-accent"
      >
        {event.n}
      </a>
      <time dateTime={event.at} title={exactly(date)} className="w-28 shrink-0 text-faint">
        {timeOfDay(date)}
      </time>
      <span
        className={`${TONES[levelOf(event)]} ${wrap ? 'whitespace-pre-wrap [overflow-wrap:anywhere]' : 'max-w-[160rem] cut whitespace-pre'}`}
      >
        {event.task === null ? null : <span className="text-faint">{words.task(event.task)} </span>}
        <Marked text={textOf(event)} search={search} />
      </span>
    </>
  )
}

function Marked({ text, search }: { text: string; search: string }): ReactNode {
  if (search === '') return text
  const parts: ReactNode[] = []
  const lower = text.toLowerCase()
  const wanted = search.toLowerCase()
  let from = 0
  for (let i = lower.indexOf(wanted); i !== -1 && parts.length < 40; i = lower.indexOf(wanted, from)) {
    parts.push(
      text.slice(from, i),
      <mark key={i} className="rounded-sm bg-warn-wash text-warn">
        {text.slice(i, i + wanted.length)}
      </mark>,
    )
    from = i + wanted.length
  }
  return [...parts, text.slice(from)]
}

/** A text when nobody has typed for a moment. */
function useQuiet(text: string): string {
  const [quiet, setQuiet] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setQuiet(text), PAUSE)
    return () => clearTimeout(timer)
  }, [text])
  return quiet
}

/** The lines that are like what is looked for, found by the server; and those that came since. */
function useFound(run: number, wanted: { level: Level; search: string } | null, last: number) {
  const [state, setState] = useState<{ key: string; items: readonly RunEvent[]; upTo: number; more: boolean }>({
    key: '',
    items: [],
    upTo: 0,
    more: false,
  })
  const key = wanted === null ? '' : `${run} ${wanted.level} ${wanted.search}`
  const upTo = state.key === key ? state.upTo : 0
  const query = useMemo(() => wanted, [key])
  useEffect(() => {
    if (query === null || upTo >= last) return undefined
    const abort = new AbortController()
    const { level, search } = query
    ask(
      'get',
      '/api/runs/{id}/logs',
      { path: { id: run }, query: { after: upTo, limit: PAGE, level, search: search === '' ? undefined : search } },
      { signal: abort.signal },
    ).then(
      (page) => {
        if (page === undefined) return
        const full = page.items.length === PAGE
        setState((before) => ({
          key,
          items: [...(before.key === key ? before.items : []), ...page.items],
          upTo: full ? (page.items.at(-1)?.n ?? last) : Math.max(last, page.last, page.items.at(-1)?.n ?? 0),
          more: full,
        }))
      },
      (error: unknown) => abort.signal.aborted || tellProblem(error),
    )
    return () => abort.abort()
  }, [query, key, run, upTo, last])
  return state.key === key ? state : { items: [], more: true }
}

/** All of it, as a file of lines. */
async function download(run: number, last: number) {
  const parts: string[] = []
  try {
    for (let after = 0; after < last; after += PAGE) {
      const page = await ask('get', '/api/runs/{id}/logs', { path: { id: run }, query: { after, limit: PAGE } })
      for (const event of page?.items ?? []) {
        parts.push(
          `${event.at} ${levelOf(event).padEnd(5)} ${event.task === null ? '' : `${words.task(event.task)} `}${textOf(event)}\n`,
        )
      }
    }
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob(parts, { type: 'text/plain' }))
    link.download = `run-${run}.log`
    link.click()
    URL.revokeObjectURL(link.href)
  } catch (error) {
    tellProblem(error)
  }
}
