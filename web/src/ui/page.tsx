/** A page: its title (also the document's), where it stands, and what can be done there. */
import { ChevronRight } from 'lucide-react'
import { useEffect, useRef, type ReactNode } from 'react'
import { useLocation } from 'wouter'
import { words as frame } from '../words/shell.ts'
import { words } from '../words/ui.ts'
import { Button, Link } from './button.tsx'

interface PageProps {
  readonly title: string
  /** Shown beside the title. */
  readonly mark?: ReactNode
  readonly lead?: ReactNode
  /** The pages above this one. */
  readonly above?: readonly (readonly [name: string, href: string])[]
  readonly actions?: ReactNode
  readonly children: ReactNode
}

export function Page({ title, mark, lead, above = [], actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${frame.name}`
  }, [title])
  return (
    <div className="mx-auto flex w-full max-w-[84rem] flex-col gap-5 px-4 py-5 sm:px-6 lg:px-8 lg:py-7">
      <header className="flex flex-col gap-1">
        {above.length === 0 ? null : (
          <nav aria-label={words.breadcrumbs} className="flex flex-wrap items-center gap-1 text-sm">
            {above.map(([name, href]) => (
              <span key={href} className="flex items-center gap-1">
                <Link href={href}>{name}</Link>
                <ChevronRight aria-hidden size={14} className="text-faint" />
              </span>
            ))}
          </nav>
        )}
        <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
          <div className="min-w-0">
            <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
              <h1 className="min-w-0 text-xl">{title}</h1>
              {mark}
            </div>
            {lead === undefined ? null : <p className="mt-0.5 max-w-prose text-dim">{lead}</p>}
          </div>
          {actions === undefined ? null : <div className="flex flex-wrap items-center gap-2">{actions}</div>}
        </div>
      </header>
      {children}
    </div>
  )
}

interface TabsProps {
  readonly label: string
  readonly of: readonly { readonly name: string; readonly href: string; readonly mark?: ReactNode }[]
}

/** Parts of one page, each with an address of its own. */
export function Tabs({ label, of }: TabsProps) {
  const [here] = useLocation()
  return (
    <nav aria-label={label} className="-mb-px flex gap-1 overflow-x-auto border-b border-line">
      {of.map(({ name, href, mark }) => {
        // What is below a part belongs to it; the first part has the others' addresses below it.
        const current = here === href || (href !== of[0]?.href && here.startsWith(`${href}/`))
        return (
          <span key={href} className={`shrink-0 border-b-2 ${current ? 'border-accent' : 'border-transparent'}`}>
            <TabLink href={href} current={current}>
              {name}
              {mark}
            </TabLink>
          </span>
        )
      })}
    </nav>
  )
}

function TabLink({ href, current, children }: { href: string; current: boolean; children: ReactNode }) {
  const [, go] = useLocation()
  const link = useRef<HTMLAnchorElement>(null)
  // On a narrow screen not all fit: the one that is shown is in sight.
  useEffect(() => {
    const { current: a } = link
    const nav = a?.closest('nav')
    if (!current || a === null || nav == null) return
    const over = a.getBoundingClientRect().right - nav.getBoundingClientRect().right
    if (over > 0) nav.scrollLeft += over + 16
  }, [current])
  return (
    <a
      ref={link}
      href={href}
      aria-current={current ? 'page' : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
        event.preventDefault()
        go(href)
      }}
      className={`flex items-center gap-1.5 rounded-md px-3 py-2 font-medium ${current ? 'text-ink' : 'text-dim hover:text-ink'}`}
    >
      {children}
    </a>
  )
}

/** The end of a list that comes page by page, as `usePages` has it. */
export function LoadMore({ of: { more, busy, load } }: { of: { more: boolean; busy: boolean; load: () => void } }) {
  return (
    <div className="flex justify-center border-t border-line p-3">
      {more ? (
        <Button size="small" busy={busy} onClick={load}>
          {words.more}
        </Button>
      ) : (
        <span className="text-sm text-faint">{words.all}</span>
      )}
    </div>
  )
}
