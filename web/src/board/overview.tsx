/** What a card is about, what runs on it, what its gates found, and what is asked of people. */
import { CircleCheck, CircleDashed, CircleX, MessageCircleQuestion, Pencil, TriangleAlert } from 'lucide-react'
import { useEffect, useState } from 'react'
import { ask, problemIn, type KeptGateResult, type Question } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import {
  Badge,
  Button,
  Card,
  Dialog,
  Facts,
  Field,
  Input,
  Link,
  States,
  tell,
  Textarea,
  Time,
  useAct,
} from '../ui/index.ts'
import { words as ofBoard } from '../words/board.ts'
import { words } from '../words/card.ts'
import type { WholeCard } from './card.tsx'
import { Evidence } from './evidence.tsx'
import { LevelMark } from './marks.tsx'
import { Prose } from './prose.tsx'
import { RunCard } from './run-card.tsx'

interface OverviewProps {
  readonly card: WholeCard
  readonly stage: string
  readonly writes: boolean
}

export function Overview({ card, stage, writes }: OverviewProps) {
  const [recipes] = useAsked('/api/stage-recipes', {})
  const recipe = recipes.data?.recipes.find((one) => one.stage === card.stage)
  return (
    <div className="grid items-start gap-5 lg:grid-cols-3">
      <div className="flex min-w-0 flex-col gap-5 lg:col-span-2">
        <RunCard card={card} />
        {card.questions.length === 0 ? null : <Questions card={card} writes={writes} />}
        <Gates card={card} />
        <Description card={card} writes={writes} />
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        <Card title={words.facts}>
          <Facts
            of={[
              [words.stage, stage],
              [words.level, recipes.data === undefined ? '…' : <LevelMark key="level" recipe={recipe} />],
              [words.here, <Time key="here" at={card.enteredAt} />],
              [ofBoard.priority, ofBoard.priorities[card.priority]],
              [words.changed, <Time key="changed" at={card.updatedAt} />],
              [
                words.created,
                <span key="created">
                  <Time at={card.createdAt} />{' '}
                  <span className="text-dim">
                    {words.by} <Actor of={card.createdBy} />
                  </span>
                </span>,
              ],
              ...Object.entries(card.metadata).map(
                ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const,
              ),
            ]}
          />
        </Card>
        {card.questions.length > 0 ? null : <Questions card={card} writes={writes} />}
      </div>
    </div>
  )
}

function Description({ card, writes }: { card: WholeCard; writes: boolean }) {
  const [draft, setDraft] = useState<{ title: string; description: string; version: number }>()
  const [busy, act] = useAct((error) => {
    const { code, detail, title } = problemIn(error)
    setProblem(detail ?? title)
    // What he wrote stays; the next time it is saved over what is there now.
    if (code === 'CARD_CHANGED' && draft !== undefined) setDraft({ ...draft, version: card.version })
  })
  const [problem, setProblem] = useState<string>()
  const save = () =>
    act(async () => {
      if (draft === undefined) return
      try {
        await ask('patch', '/api/cards/{id}', { path: { id: card.id }, body: draft })
        tell(words.saved)
        setDraft(undefined)
        setProblem(undefined)
      } finally {
        askAgain(`/api/cards/${card.id}`, '/api/board')
      }
    })
  if (draft === undefined) {
    return (
      <Card
        title={words.description}
        actions={
          writes ? (
            <Button
              size="small"
              look="quiet"
              icon={Pencil}
              onClick={() => setDraft({ title: card.title, description: card.description, version: card.version })}
            >
              {words.edit}
            </Button>
          ) : undefined
        }
      >
        {card.description.trim() === '' ? (
          <p className="text-dim">{words.noDescription}</p>
        ) : (
          <Prose text={card.description} />
        )}
      </Card>
    )
  }
  return (
    <Card title={words.description}>
      <div className="flex flex-col gap-3">
        <Field label={words.title} problem={problem}>
          <Input value={draft.title} maxLength={300} onChange={(title) => setDraft({ ...draft, title })} />
        </Field>
        <Field label={words.description}>
          <Textarea
            rows={12}
            value={draft.description}
            maxLength={100_000}
            onChange={(description) => setDraft({ ...draft, description })}
          />
        </Field>
        <div className="flex gap-2">
          <Button look="primary" busy={busy} disabled={draft.title.trim() === ''} onClick={save}>
            {words.save}
          </Button>
          <Button look="quiet" onClick={() => setDraft(undefined)}>
            {words.drop}
          </Button>
        </div>
      </div>
    </Card>
  )
}

function Gates({ card }: { card: WholeCard }) {
  const run = card.run?.id
  const [asked, again] = useAsked(
    '/api/cards/{id}/gates',
    { path: { id: card.id }, query: run === undefined ? {} : { run } },
    { when: run !== undefined, moves: true },
  )
  useEffect(() => {
    if (run !== undefined) void again()
  }, [run, card.run?.status, card.run?.awaits, again])
  if (run === undefined) return null
  const results = newestOf(asked.data?.results ?? [])
  if (asked.data !== undefined && results.length === 0) return null
  return (
    <Card title={words.gates} flush actions={<span className="text-xs text-faint">{words.gatesOf(run)}</span>}>
      <States of={asked} again={again}>
        {() => (
          <ul>
            {results.map((gate) => (
              <Gate key={gate.id} gate={gate} />
            ))}
          </ul>
        )}
      </States>
    </Card>
  )
}

/** Of each gate what it said last; a new round writes new lines. */
function newestOf(results: readonly KeptGateResult[]): readonly KeptGateResult[] {
  const last = new Map<string, KeptGateResult>()
  for (const one of results.toSorted((a, b) => a.at.localeCompare(b.at))) last.set(one.id, one)
  return [...last.values()]
}

type GateSaid = Pick<KeptGateResult, 'id' | 'name' | 'type' | 'required' | 'passed' | 'message' | 'evidence'>

export function Gate({ gate }: { gate: GateSaid }) {
  const [Icon, tone, word] =
    gate.passed === true
      ? ([CircleCheck, 'text-good', words.passed] as const)
      : gate.passed === null
        ? ([CircleDashed, 'text-faint', words.notAsked] as const)
        : gate.required
          ? ([CircleX, 'text-bad', words.notPassed] as const)
          : ([TriangleAlert, 'text-warn', words.warned] as const)
  return (
    <li className="border-b border-line px-4 py-3 last:border-b-0">
      <div className="flex items-start gap-2.5">
        <Icon aria-hidden size={17} className={`mt-0.5 shrink-0 ${tone}`} />
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-center gap-x-2">
            <span className="font-medium">{gate.name}</span>
            <span className={`text-sm ${tone}`}>{word}</span>
          </div>
          {gate.message === null ? null : (
            <p dir="auto" className="text-dim">
              {gate.message}
            </p>
          )}
          <details className="mt-1" open={gate.passed === false}>
            <summary className="w-fit text-sm text-dim hover:text-ink">{words.evidence}</summary>
            <Evidence of={gate.evidence} />
          </details>
        </div>
      </div>
    </li>
  )
}

function Questions({ card, writes }: { card: WholeCard; writes: boolean }) {
  const [asking, setAsking] = useState(false)
  const [text, setText] = useState('')
  const [busy, act] = useAct()
  const submit = () =>
    act(async () => {
      try {
        await ask('post', '/api/cards/{id}/questions', { path: { id: card.id }, body: { question: text.trim() } })
        setAsking(false)
        setText('')
      } finally {
        askAgain(`/api/cards/${card.id}`, '/api/board')
      }
    })
  const open = card.questions.filter(({ answer }) => answer === null)
  const rest = card.questions.filter(({ answer }) => answer !== null)
  return (
    <Card
      title={words.questions}
      flush
      actions={
        writes ? (
          <Button size="small" look="quiet" icon={MessageCircleQuestion} onClick={() => setAsking(true)}>
            {words.askOne}
          </Button>
        ) : undefined
      }
    >
      {card.questions.length === 0 ? <p className="p-4 text-dim">{words.noQuestions}</p> : null}
      <ul>
        {[...open, ...rest].map((question) => (
          <AskedOne key={question.id} card={card.id} question={question} writes={writes} />
        ))}
      </ul>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title={words.askOne}
        actions={
          <Button look="primary" busy={busy} disabled={text.trim() === ''} onClick={submit}>
            {words.askSubmit}
          </Button>
        }
      >
        <Field label={words.question}>
          <Textarea value={text} onChange={setText} rows={3} maxLength={2_000} />
        </Field>
      </Dialog>
    </Card>
  )
}

/** A question with its answer, or the place where it is answered. */
export function AskedOne({ card, question, writes }: { card: number; question: Question; writes: boolean }) {
  const [text, setText] = useState('')
  const [busy, act] = useAct()
  const answer = () =>
    act(async () => {
      await ask('post', '/api/cards/{id}/questions/{q}', {
        path: { id: card, q: question.id },
        body: { answer: text.trim() },
      })
      tell(words.answered)
      askAgain(`/api/cards/${card}`, '/api/board', '/api/approvals')
    })
  return (
    <li className="flex flex-col gap-2 border-b border-line px-4 py-3 last:border-b-0">
      <div className="flex flex-wrap items-baseline justify-between gap-x-3">
        <p dir="auto" className="min-w-0 font-medium [overflow-wrap:anywhere]">
          {question.question}
        </p>
        <span className="text-xs text-faint">
          {question.gate === null ? words.fromPerson : words.fromGate(question.gate)} · <Time at={question.askedAt} />
          {question.run === null ? null : (
            <>
              {' · '}
              <Link href={`/runs/${question.run}`}>{words.runNumber(question.run)}</Link>
            </>
          )}
        </span>
      </div>
      {question.answer !== null ? (
        <div className="border-l-2 border-line pl-3">
          <p dir="auto" className="whitespace-pre-wrap [overflow-wrap:anywhere]">
            {question.answer}
          </p>
          <p className="text-xs text-faint">
            <Actor of={question.answeredBy ?? ''} /> · <Time at={question.answeredAt} />
          </p>
        </div>
      ) : writes ? (
        <div className="flex flex-col items-start gap-2">
          <div className="w-full">
            <Field label={words.answer}>
              <Textarea value={text} onChange={setText} rows={2} maxLength={20_000} />
            </Field>
          </div>
          <Button size="small" look="primary" busy={busy} disabled={text.trim() === ''} onClick={answer}>
            {words.answerIt}
          </Button>
        </div>
      ) : (
        <Badge tone="warn">{ofBoard.awaits.questions}</Badge>
      )}
    </li>
  )
}
