/** Runs of one definition beside one another: which are chosen stands in the address. */
import { Plus, Scale, X } from 'lucide-react'
import { useState } from 'react'
import { useSearchParams } from 'wouter'
import type { Run } from '../api.ts'
import { useAsked } from '../asked.ts'
import { count } from '../shown.ts'
import { ButtonLink, Combobox, Empty, IconButton, Link, Page, States, Time } from '../ui/index.ts'
import { words } from '../words/compare.ts'
import { Compared } from './compared.tsx'
import { Efficiencies } from './efficiency.tsx'

const MOST = 20

export default function Compare() {
  const [params, setParams] = useSearchParams()
  const chosen = [
    ...new Set(
      (params.get('runs') ?? '')
        .split(',')
        .filter((one) => /^\d{1,15}$/.test(one))
        .map(Number),
    ),
  ]
  const choose = (next: readonly number[]) =>
    setParams(next.length === 0 ? {} : { runs: next.join(',') }, { replace: chosen.length > 0 })
  const [probes, probesAgain] = useAsked('/api/runs', { query: { kind: 'probe', limit: 100 } }, { moves: true })
  return (
    <Page title={words.title} lead={words.lead}>
      <States
        of={probes}
        again={probesAgain}
        isEmpty={({ items }) => items.length === 0 && chosen.length === 0}
        empty={
          <Empty icon={Scale} title={words.never.title} lead={words.never.lead}>
            <ButtonLink href="/definitions" look="primary">
              {words.never.go}
            </ButtonLink>
          </Empty>
        }
      >
        {({ items }) => (
          <>
            <Chosen known={items} chosen={chosen} choose={choose} />
            {chosen.length === 0 ? (
              <Suggested known={items} choose={choose} />
            ) : (
              <Both key={chosen.join()} runs={chosen} />
            )}
          </>
        )}
      </States>
    </Page>
  )
}

interface ChosenProps {
  readonly known: readonly Run[]
  readonly chosen: readonly number[]
  readonly choose: (runs: readonly number[]) => void
}

const nameOf = (run: Run | undefined, id: number) => (run?.name == null ? words.run(id) : `#${id} · ${run.name}`)

function Chosen({ known, chosen, choose }: ChosenProps) {
  const [typed, setTyped] = useState(0)
  const first = known.find(({ id }) => id === chosen[0])
  // What asks another definition is refused; what is sure to be refused is not offered.
  const others = known.filter(
    (run) => !chosen.includes(run.id) && (first === undefined || run.name === first.name) && run.progress.completed > 0,
  )
  return (
    <section aria-label={words.choose} className="flex flex-wrap items-center gap-2">
      {chosen.map((id) => (
        <span
          key={id}
          className="flex h-8 max-w-full items-center gap-1 rounded-md border border-line bg-box pr-0.5 pl-2.5"
        >
          <span className="cut max-w-64">
            <Link href={`/runs/${id}/results`}>
              {nameOf(
                known.find((run) => run.id === id),
                id,
              )}
            </Link>
          </span>
          <IconButton
            size="small"
            icon={X}
            label={words.remove(id)}
            onClick={() => choose(chosen.filter((one) => one !== id))}
          />
        </span>
      ))}
      {chosen.length >= MOST ? null : (
        <div className="flex items-center gap-1.5">
          <Plus aria-hidden size={16} className="text-faint" />
          <div className="w-72 max-w-[70vw]">
            <Combobox
              key={typed}
              label={words.add}
              value={null}
              none={words.noRuns}
              of={others.map((run) => ({
                value: String(run.id),
                label: `${nameOf(run, run.id)} · ${(run.models ?? []).join(', ')}`,
              }))}
              onChange={(value) => {
                if (value === null) return
                setTyped(typed + 1)
                choose([...chosen, Number(value)])
              }}
            />
          </div>
        </div>
      )}
    </section>
  )
}

/** Runs that can be looked at by themselves, or that ask the same. */
function Suggested({ known, choose }: { known: readonly Run[]; choose: (runs: readonly number[]) => void }) {
  const ready = known.filter(({ progress }) => progress.completed > 0)
  return (
    <section className="rounded-lg border border-line bg-box shadow-low">
      <Empty icon={Scale} title={words.first.title} lead={words.first.lead} />
      <ul className="border-t border-line">
        {ready.slice(0, 8).map((run) => (
          <li key={run.id} className="border-b border-line last:border-b-0">
            <button
              type="button"
              onClick={() => choose([run.id])}
              className="flex w-full items-center gap-3 px-4 py-2.5 text-left hover:bg-sunk"
            >
              <span className="min-w-0 flex-1">
                <span className="cut block">{nameOf(run, run.id)}</span>
                <span className="cut block text-sm text-dim">{(run.models ?? []).join(', ')}</span>
              </span>
              <span className="text-sm whitespace-nowrap text-dim">
                {count(run.progress.completed)} · <Time at={run.createdAt} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Both({ runs }: { runs: readonly number[] }) {
  const [asked, again] = useAsked('/api/compare', { query: { runs: runs.join(',') } })
  return (
    <>
      <States of={asked} again={again} lines={10}>
        {(comparison) => <Compared of={comparison} />}
      </States>
      <Efficiencies runs={runs} />
    </>
  )
}
