/** One conversation: its turns, what each took, what was decided and why; and the ones before and after it. */
import { ArrowLeft, ChevronLeft, ChevronRight, FileQuestion } from 'lucide-react'
import { useEffect, useMemo } from 'react'
import { useLocation } from 'wouter'
import type { Answer, Given, Turn } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import type { WholeRun } from '../runs/tabs.ts'
import { useCommands } from '../shell/keys.ts'
import { count, duration } from '../shown.ts'
import { Badge, Button, ButtonLink, Card, CopyButton, Empty, Facts, Money, States, Time } from '../ui/index.ts'
import { Text } from '../ui/text.tsx'
import { opened as words, words as common } from '../words/results.ts'
import { Decided } from './decided.tsx'
import { evidenceIn, useScale } from './scale.ts'
import { FILTERS } from './transcripts.tsx'

export type Whole = Answer<'get', '/api/runs/{id}/transcripts/{n}'>
type Query = NonNullable<Given<'get', '/api/runs/{id}/transcripts/{n}'>['query']>

export function Opened({ run, n }: { run: WholeRun; n: number }) {
  const [filter] = useFilters(...FILTERS)
  const [, go] = useLocation()
  const query = filter as object as Query
  const [asked, again] = useAsked('/api/runs/{id}/transcripts/{n}', { path: { id: run.id, n }, query })
  const behind = Object.keys(filter).length === 0 ? '' : `?${new URLSearchParams(filter).toString()}`
  const list = `/runs/${run.id}/transcripts${behind}`
  const { previous = null, next = null } = asked.data ?? {}
  const to = (other: number | null) =>
    other === null ? undefined : () => go(`/runs/${run.id}/transcripts/${other}${behind}`)
  useCommands(
    useMemo(
      () => [
        ...(next === null ? [] : [{ name: words.next, keys: 'j', run: () => to(next)?.() }]),
        ...(previous === null ? [] : [{ name: words.previous, keys: 'k', run: () => to(previous)?.() }]),
        { name: words.back, keys: 'u', run: () => go(list) },
      ],
      [next, previous, list, behind],
    ),
  )
  // Another conversation begins at its top.
  useEffect(() => {
    const top = document.querySelector('#transcript')?.getBoundingClientRect().top ?? 0
    if (top < 0) document.querySelector('#transcript')?.scrollIntoView()
  }, [n])
  if (asked.state === 'failed' && asked.problem.status === 404) {
    return (
      <Empty icon={FileQuestion} title={words.missing}>
        <ButtonLink href={list}>{words.back}</ButtonLink>
      </Empty>
    )
  }
  return (
    <div id="transcript" className="flex scroll-mt-4 flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <ButtonLink href={list} look="quiet" size="small" icon={ArrowLeft}>
            {words.back}
          </ButtonLink>
          <h2 className="text-lg">{words.title(n)}</h2>
          <CopyButton text={location.href} label={words.copyLink} />
        </div>
        <div className="flex items-center gap-2">
          <span className="text-sm text-faint max-md:hidden">{words.keys}</span>
          <Button size="small" icon={ChevronLeft} disabled={previous === null} onClick={to(previous)}>
            {words.previous}
          </Button>
          <Button size="small" disabled={next === null} onClick={to(next)}>
            {words.next}
            <ChevronRight aria-hidden size={15} />
          </Button>
        </div>
      </div>
      <States of={asked} again={again} lines={10}>
        {(one) => (
          <Shown
            run={run}
            one={one}
            changed={() => {
              void again()
              askAgain(
                `/api/runs/${run.id}/results`,
                `/api/runs/${run.id}/matrix`,
                `/api/runs/${run.id}/transcripts`,
                `/api/runs/${run.id}/analysis`,
              )
            }}
          />
        )}
      </States>
    </div>
  )
}

function Shown({ run, one, changed }: { run: WholeRun; one: Whole; changed: () => void }) {
  const { codes } = useScale(run.id)
  const [first] = one.turns
  const evidence = one.read === null ? undefined : evidenceIn(first?.answer ?? '', one.read)
  const whole = one.turns.map(({ prompt, answer }) => `${prompt}\n\n${answer}`).join('\n\n')
  return (
    <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
      <Card title={words.conversation} actions={<CopyButton text={whole} label={words.copyAll} />}>
        <ol className="flex flex-col gap-7">
          {one.turns.map((turn, i) => (
            <li key={i}>
              <Said turn={turn} model={one.model} evidence={i === 0 ? evidence : undefined} />
            </li>
          ))}
        </ol>
      </Card>
      <div className="flex flex-col gap-5 lg:sticky lg:top-4">
        <Decided run={run} one={one} codes={codes} evidence={evidence} changed={changed} />
        <Card title={words.facts}>
          <Facts
            of={[
              [
                common.model,
                <span key="m" className="break-all">
                  {one.model}
                </span>,
              ],
              [
                words.version,
                <span key="v" className="break-all">
                  {one.modelVersion ?? '—'}
                </span>,
              ],
              ...Object.entries(one.dimensions).map(
                ([name, { label, option, score }]) =>
                  [
                    name,
                    <span key={name} title={`${score} · ${option}`}>
                      {label}
                    </span>,
                  ] as const,
              ),
              [words.sample, count(one.sample)],
              [words.tokens, `${count(one.inputTokens)} / ${count(one.outputTokens)}`],
              [words.cost, <Money key="c" usd={one.costUsd} />],
              [words.took, duration(one.durationMs / 1_000)],
              [words.answered, <Time key="t" at={one.createdAt} />],
            ]}
          />
        </Card>
      </div>
    </div>
  )
}

function Said({ turn, model, evidence }: { turn: Turn; model: string; evidence: string | undefined }) {
  const seconds = (Date.parse(turn.completedAt) - Date.parse(turn.startedAt)) / 1_000
  const parameters = Object.entries(turn.settings.sent)
  return (
    <>
      <div className="mr-6 rounded-lg bg-sunk px-4 py-3 sm:mr-14">
        <div className="mb-1 flex items-center justify-between gap-2 text-sm text-dim">
          <span className="cut font-medium">{words.prompt(turn.label)}</span>
          <CopyButton text={turn.prompt} label={words.copyPrompt} />
        </div>
        <Text text={turn.prompt} />
      </div>
      <div className="mt-3 ml-6 rounded-lg border border-line bg-box px-4 py-3 sm:ml-14">
        <div className="mb-1 flex items-center justify-between gap-2 text-sm text-dim">
          <span className="cut font-medium" title={turn.modelVersion ?? model}>
            {turn.modelVersion ?? model}
          </span>
          <CopyButton text={turn.answer} label={words.copyAnswer} />
        </div>
        <Text text={turn.answer} mark={evidence} />
        <div className="mt-3 flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line pt-2 text-xs text-dim">
          <span title={words.tokens}>
            {count(turn.inputTokens)} → {count(turn.outputTokens)} {common.tokens.toLowerCase()}
            {turn.tokens === 'estimated' ? ` (${words.estimated})` : ''}
          </span>
          {turn.reasoningTokens === null || turn.reasoningTokens === 0 ? null : (
            <span>
              {count(turn.reasoningTokens)} {words.reasoning}
            </span>
          )}
          {turn.cachedTokens === null || turn.cachedTokens === 0 ? null : (
            <span>
              {count(turn.cachedTokens)} {words.cached}
            </span>
          )}
          <span title={words.took}>{duration(seconds)}</span>
          <span title={words.finish}>{turn.finishReason}</span>
          <span>
            {parameters.length === 0
              ? `${words.parameters}: ${words.noParameters}`
              : parameters.map(([name, value]) => `${name} ${value}`).join(', ')}
          </span>
          {turn.settings.dropped.length === 0 ? null : (
            <Badge tone="warn">{words.dropped(turn.settings.dropped.join(', '))}</Badge>
          )}
          {turn.truncated ? <Badge tone="warn">{words.truncated}</Badge> : null}
        </div>
      </div>
    </>
  )
}
