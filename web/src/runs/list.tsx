/** Runs: found by filters that stand in the address, watched live, steered many at a time. */
import { Activity, ArrowUp, CirclePause, CirclePlay, CircleX, Play } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import type { Given, Run } from '../api.ts'
import { useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { useCommands } from '../shell/keys.ts'
import { may, narrowedTo, useMe } from '../shell/me.ts'
import { count } from '../shown.ts'
import {
  Button,
  ButtonLink,
  ConfirmDialog,
  Empty,
  Filtered,
  LoadMore,
  Page,
  PausedSearch,
  Select,
  States,
  Table,
  usePages,
} from '../ui/index.ts'
import { useStart } from '../start/open.tsx'
import { places } from '../words/places.ts'
import { words } from '../words/runs.ts'
import { words as states } from '../words/ui.ts'
import { COLUMNS } from './columns.tsx'
import { newer, useMoved } from './live.ts'
import { CAN, steerMany, type Verb } from './steer.ts'

const PAGE = 50
const FILTERS = ['kind', 'status', 'definition', 'model', 'search', 'parent', 'since', 'until'] as const
type Query = NonNullable<Given<'get', '/api/runs'>['query']>

export default function Runs() {
  const me = useMe()
  const start = useStart()
  const [given, set, clear] = useFilters(...FILTERS)
  const filtered = Object.keys(given).length > 0
  const workspace = narrowedTo(me)
  // The server looks at what stands in the address; what is no value is refused there, in words.
  const filter = { ...given, ...(workspace === undefined ? {} : { workspaceId: workspace }) } as object as Query
  const [asked, again, pages] = usePages('/api/runs', { query: { ...filter, limit: PAGE } }, ({ id }) => id, {
    moves: true,
  })
  const { status: _, ...countable } = filter
  const [counted, countAgain] = useAsked('/api/runs/counts', { query: countable }, { moves: true })
  const [kinds] = useAsked('/api/kinds', {})
  const moved = useMoved()
  const rows = pages.items.map((run) => newer(run, moved.get(run.id) ?? run))
  const newest = asked.data?.items[0]?.id ?? 0
  const fresh = [...moved.values()].filter(
    (run) => asked.data !== undefined && run.id > newest && fits(run, filter),
  ).length
  // At the top new runs come by themselves; who reads further down is told, and nothing moves under his hand.
  useEffect(() => {
    if (fresh > 0 && scrollY < 80) void again()
  }, [fresh, again])
  const stamp = [...moved.values()].map(({ id, status }) => `${id}${status}`).join()
  useEffect(() => {
    if (stamp !== '') void countAgain()
  }, [stamp, countAgain])

  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set())
  const [asking, setAsking] = useState(false)
  const ids = rows.map(({ id }) => id).join()
  useCommands(
    useMemo(() => {
      const all = ids === '' ? [] : ids.split(',').map(Number)
      /** The row that has the focus goes to the one beside it. */
      const step = (by: number) => () => {
        const at = all.indexOf(focused() ?? 0)
        const next = all[at === -1 ? 0 : Math.max(0, Math.min(at + by, all.length - 1))]
        document.querySelector<HTMLElement>(`[data-row="${next}"] a`)?.focus()
      }
      return [
        { name: words.next, keys: 'j', quiet: true, run: step(1) },
        { name: words.previous, keys: 'k', quiet: true, run: step(-1) },
        {
          name: words.choose,
          keys: 'x',
          quiet: true,
          run() {
            const id = focused()
            if (id !== undefined)
              setChosen((before) =>
                before.has(id) ? new Set([...before].filter((one) => one !== id)) : new Set([...before, id]),
              )
          },
        },
        {
          name: words.focusSearch,
          keys: '/',
          quiet: true,
          run: () => document.querySelector<HTMLInputElement>('#content input[type=search]')?.focus(),
        },
      ]
    }, [ids]),
  )

  const many = rows.filter(({ id }) => chosen.has(id))
  const bulk = (verb: Verb) => {
    void steerMany(
      many.filter(({ status }) => CAN[verb].includes(status)).map(({ id }) => id),
      verb,
    )
    setChosen(new Set())
  }
  const total = Object.values(counted.data?.counts ?? {}).reduce((n, one) => n + one, 0)
  const statuses = Object.keys(states.status) as (keyof typeof states.status)[]
  return (
    <Page
      title={words.title}
      actions={
        may(me, 'runs:write') ? (
          <Button look="primary" icon={Play} onClick={() => start({})}>
            {places.start}
          </Button>
        ) : null
      }
      lead={counted.data === undefined ? ' ' : words.counts(count(total), counted.data.capped)}
    >
      <section className="overflow-clip rounded-lg border border-line bg-box shadow-low">
        <div className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-3">
          <div className="w-64 max-sm:w-full">
            <PausedSearch label={words.search} value={given.search ?? ''} onChange={(value) => set('search', value)} />
          </div>
          <Select
            label={words.status}
            value={given.status ?? ''}
            onChange={(value) => set('status', value)}
            of={[
              { value: '', label: words.anyStatus },
              ...statuses.map((value) => {
                const n = counted.data?.counts[value]
                return {
                  value,
                  label: n === undefined ? states.status[value] : `${states.status[value]} (${count(n)})`,
                }
              }),
            ]}
          />
          <Select
            label={words.kind}
            value={given.kind ?? ''}
            onChange={(value) => set('kind', value)}
            of={[
              { value: '', label: words.anyKind },
              ...(kinds.data?.kinds ?? []).map(({ name }) => ({ value: name, label: name })),
            ]}
          />
          <div className="w-44 max-sm:w-full">
            <PausedSearch label={words.model} value={given.model ?? ''} onChange={(value) => set('model', value)} />
          </div>
          {filtered ? (
            <Button look="quiet" size="small" onClick={clear}>
              {words.clear}
            </Button>
          ) : null}
          {fresh > 0 ? (
            <Button
              size="small"
              icon={ArrowUp}
              onClick={() => {
                scrollTo(0, 0)
                void again()
              }}
            >
              {words.newer(fresh)}
            </Button>
          ) : null}
        </div>
        {many.length === 0 ? null : (
          <div className="sticky top-0 z-20 flex flex-wrap items-center gap-2 border-b border-line bg-wash px-4 py-2">
            <span className="mr-2 font-medium">{words.chosen(many.length)}</span>
            <Button size="small" icon={CirclePause} disabled={!can(many, 'pause')} onClick={() => bulk('pause')}>
              {words.pause}
            </Button>
            <Button size="small" icon={CirclePlay} disabled={!can(many, 'resume')} onClick={() => bulk('resume')}>
              {words.resume}
            </Button>
            <Button
              size="small"
              icon={CircleX}
              look="danger"
              disabled={!can(many, 'cancel')}
              onClick={() => setAsking(true)}
            >
              {words.cancel}
            </Button>
            <Button size="small" look="quiet" onClick={() => setChosen(new Set())}>
              {words.drop}
            </Button>
          </div>
        )}
        <States
          of={asked}
          again={again}
          lines={8}
          isEmpty={({ items, next }) => items.length === 0 && next === null}
          empty={
            filtered ? (
              <Filtered title={words.filtered} clear={words.clear} onClear={clear} />
            ) : (
              <Empty icon={Activity} title={words.empty.title} lead={words.empty.lead}>
                <ButtonLink href="/">{words.empty.home}</ButtonLink>
              </Empty>
            )
          }
        >
          {() => (
            <>
              {rows.length === 0 ? (
                <p className="px-4 py-6 text-center text-dim">{pages.more ? words.notAmong : words.filtered}</p>
              ) : (
                <Table
                  name="runs"
                  label={words.table}
                  columns={COLUMNS}
                  rows={rows}
                  idOf={({ id }) => id}
                  nameOf={({ id }) => words.run(id)}
                  {...(may(me, 'runs:write') ? { selection: { chosen, onChange: setChosen } } : {})}
                />
              )}
              <LoadMore of={pages} />
            </>
          )}
        </States>
      </section>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={words.cancelAsk(many.filter(({ status }) => CAN.cancel.includes(status)).length)}
        lead={words.cancelLead}
        confirm={words.cancel}
        onConfirm={() => bulk('cancel')}
      />
    </Page>
  )
}

/** The run whose row has the focus. */
function focused(): number | undefined {
  const row = document.activeElement?.closest<HTMLElement>('[data-row]')
  return row === null || row === undefined ? undefined : Number(row.dataset['row'])
}

const can = (some: readonly Run[], verb: Verb) => some.some(({ status }) => CAN[verb].includes(status))

/** Does a run that just came belong into the list?  What only the server can tell is left to it. */
function fits(run: Run, { status, kind, parent, definition, workspaceId }: Query): boolean {
  return (
    (workspaceId === undefined || run.workspace === workspaceId) &&
    (status === undefined || run.status === status) &&
    (kind === undefined || run.kind === kind) &&
    (parent === undefined || run.parent === Number(String(parent))) &&
    (definition === undefined || run.definition?.id === Number(String(definition)))
  )
}
