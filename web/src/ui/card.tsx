/** A box with a heading: the unit that pages are made of. */
import type { ReactNode } from 'react'

interface CardProps {
  readonly title?: ReactNode
  readonly actions?: ReactNode
  /** Tables and lists go to the edge. */
  readonly flush?: boolean
  readonly children: ReactNode
}

export function Card({ title, actions, flush = false, children }: CardProps) {
  return (
    <section className="overflow-clip rounded-lg border border-line bg-box shadow-low">
      {title === undefined ? null : (
        <header className="flex min-h-11 flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-1.5">
          <h2 className="text-base">{title}</h2>
          {actions === undefined ? null : <div className="flex items-center gap-1.5">{actions}</div>}
        </header>
      )}
      <div className={flush ? '' : 'p-4'}>{children}</div>
    </section>
  )
}

/** A number that is looked at from afar. */
export function Figure({ label, value, remark }: { label: string; value: ReactNode; remark?: ReactNode }) {
  return (
    <div className="min-w-0">
      <div className="text-sm text-dim">{label}</div>
      <div className="cut text-xl font-semibold tracking-tight">{value}</div>
      {remark === undefined ? null : <div className="text-xs text-faint">{remark}</div>}
    </div>
  )
}

/** Names and values, one beside the other. */
export function Facts({ of }: { of: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(7rem,max-content)_1fr] gap-x-6 gap-y-1.5">
      {of.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-dim">{name}</dt>
          <dd className="min-w-0">{value}</dd>
        </div>
      ))}
    </dl>
  )
}
