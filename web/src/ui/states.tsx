/**
 * The states of what was asked, told apart everywhere: loading, never used, filtered
 * to nothing, failed, offline, not allowed.  `States` shows the one that it is.
 */
import { CircleAlert, CloudOff, Lock, RotateCw, SearchX, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { reasonsIn, type Problem as ProblemData } from '../api.ts'
import type { Asked } from '../asked.ts'
import { words } from '../words/ui.ts'
import { Button } from './button.tsx'

export function Skeleton({ lines = 3 }: { lines?: number }) {
  const widths = ['w-11/12', 'w-3/4', 'w-5/6', 'w-2/3']
  return (
    <div role="status" aria-label={words.loading} className="animate-wait flex flex-col gap-3 p-4">
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className={`h-3.5 rounded-sm bg-line ${widths[line % widths.length]}`} />
      ))}
    </div>
  )
}

interface EmptyProps {
  readonly icon: LucideIcon
  readonly title: string
  /** What it is for, and what to do first. */
  readonly lead?: ReactNode
  readonly children?: ReactNode
}

export function Empty({ icon: Icon, title, lead, children }: EmptyProps) {
  return (
    <div className="flex flex-col items-center gap-1 px-6 py-12 text-center">
      <Icon aria-hidden size={26} strokeWidth={1.5} className="mb-1 text-faint" />
      <p className="font-medium">{title}</p>
      {lead === undefined ? null : <p className="max-w-md text-dim">{lead}</p>}
      {children === undefined ? null : <div className="mt-3 flex flex-wrap justify-center gap-2">{children}</div>}
    </div>
  )
}

/** Nothing is left by the filters. */
export function Filtered({ title, clear, onClear }: { title: string; clear: string; onClear: () => void }) {
  return (
    <Empty icon={SearchX} title={title}>
      <Button onClick={onClear}>{clear}</Button>
    </Empty>
  )
}

/** What, why, what to do: a problem as RFC 9457 tells it. */
export function Problem({ problem, again }: { problem: ProblemData; again?: (() => void) | undefined }) {
  const { title, detail, remedy, code, correlationId } = problem
  const reasons = reasonsIn(problem)
  return (
    <div role="alert" className="flex gap-3 p-4">
      <CircleAlert aria-hidden size={18} className="mt-0.5 shrink-0 text-bad" />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{title}</p>
        {detail === undefined || detail === title ? null : <p className="text-dim">{detail}</p>}
        {reasons.length === 0 ? null : (
          <ul className="mt-1 list-disc pl-5 text-dim">
            {reasons.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        )}
        {remedy === undefined ? null : <p className="mt-1">{remedy}</p>}
        <p className="mt-1 font-mono text-xs text-faint">
          {code}
          {correlationId === '' ? '' : ` · ${words.requestId} ${correlationId}`}
        </p>
        {again === undefined ? null : (
          <div className="mt-2">
            <Button size="small" icon={RotateCw} onClick={again}>
              {words.again}
            </Button>
          </div>
        )}
      </div>
    </div>
  )
}

interface StatesProps<T> {
  readonly of: Asked<T>
  readonly again: () => unknown
  /** Grey lines while it loads. */
  readonly lines?: number
  /** Is there nothing in it?  Then `empty` is shown: never used, or filtered to nothing. */
  readonly isEmpty?: (data: T) => boolean
  readonly empty?: ReactNode
  readonly children: (data: T) => ReactNode
}

/** What came is shown also while it cannot be asked again; the frame's banner says that it may be old. */
export function States<T>({ of: asked, again, lines, isEmpty, empty, children }: StatesProps<T>) {
  if (asked.data !== undefined) {
    const data = asked.data as T
    return isEmpty?.(data) === true ? empty : children(data)
  }
  switch (asked.state) {
    case 'failed':
      return <Problem problem={asked.problem} again={() => void again()} />
    case 'offline':
      return (
        <Empty icon={CloudOff} title={asked.problem.title} lead={asked.problem.detail}>
          <Button icon={RotateCw} onClick={() => void again()}>
            {words.again}
          </Button>
        </Empty>
      )
    case 'not_allowed':
      return <Empty icon={Lock} title={words.notAllowed.title} lead={words.notAllowed.detail} />
    default:
      return <Skeleton {...(lines === undefined ? {} : { lines })} />
  }
}
