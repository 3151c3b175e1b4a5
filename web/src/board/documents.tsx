/** The documents of a card: their versions, what changed between two, and a new version by hand. */
import { Download, FilePlus2, FileText, Pencil } from 'lucide-react'
import { useState } from 'react'
import { useSearchParams } from 'wouter'
import { ask, problemIn, type Document } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import { bytes, count } from '../shown.ts'
import {
  Button,
  Card,
  CopyButton,
  Dialog,
  Empty,
  Field,
  Input,
  Select,
  States,
  Switch,
  tell,
  Textarea,
  Time,
  useAct,
} from '../ui/index.ts'
import { docs as words, words as ofCard } from '../words/card.ts'
import type { WholeCard } from './card.tsx'
import { Difference } from './difference.tsx'
import { Prose } from './prose.tsx'

export function Documents({ card, writes }: { card: WholeCard; writes: boolean }) {
  const [params, setParams] = useSearchParams()
  const [asked, again] = useAsked('/api/cards/{id}/documents', { path: { id: card.id } }, { moves: true })
  const [writing, setWriting] = useState(false)
  const path = params.get('path') ?? asked.data?.documents[0]?.path
  const open = (next: string) => setParams(new URLSearchParams({ path: next }))
  const write = writes ? (
    <Button size="small" icon={FilePlus2} onClick={() => setWriting(true)}>
      {words.write}
    </Button>
  ) : null
  return (
    <>
      <States
        of={asked}
        again={again}
        isEmpty={({ documents }) => documents.length === 0}
        empty={
          <section className="rounded-lg border border-line bg-box shadow-low">
            <Empty icon={FileText} title={words.none} lead={words.noneLead}>
              {write}
            </Empty>
          </section>
        }
      >
        {({ documents }) => (
          <div className="grid items-start gap-5 lg:grid-cols-[16rem_1fr]">
            <nav aria-label={words.list} className="flex flex-col gap-2">
              <ul className="flex flex-col overflow-clip rounded-lg border border-line bg-box shadow-low">
                {documents.map((one) => (
                  <li key={one.path} className="border-b border-line last:border-b-0">
                    <button
                      type="button"
                      aria-current={one.path === path ? 'true' : undefined}
                      onClick={() => open(one.path)}
                      className={`w-full px-3 py-2 text-left ${one.path === path ? 'bg-wash' : 'hover:bg-sunk'}`}
                    >
                      <span className="cut block font-medium" title={one.path}>
                        {one.path}
                      </span>
                      <span className="text-xs text-dim">
                        {words.version} {count(one.version)} · {bytes(one.bytes)} · <Time at={one.updatedAt} />
                      </span>
                    </button>
                  </li>
                ))}
              </ul>
              {write === null ? null : <div>{write}</div>}
            </nav>
            {path === undefined ? null : <One key={path} card={card.id} path={path} writes={writes} />}
          </div>
        )}
      </States>
      {writing ? (
        <NewDocument
          card={card.id}
          onClose={(made) => {
            setWriting(false)
            if (made !== undefined) open(made)
          }}
        />
      ) : null}
    </>
  )
}

function One({ card, path, writes }: { card: number; path: string; writes: boolean }) {
  const [params, setParams] = useSearchParams()
  const version = Number(params.get('version') ?? 0)
  const from = Number(params.get('from') ?? 0)
  const at = { id: card, path }
  const [asked, again] = useAsked(
    '/api/cards/{id}/documents/{path}',
    { path: at, query: version > 0 ? { version } : {} },
    { moves: true },
  )
  const [versions] = useAsked('/api/cards/{id}/documents/{path}/versions', { path: at }, { moves: true })
  const [plain, setPlain] = useState(false)
  const [draft, setDraft] = useState<{ content: string; base: number }>()
  const set = (name: string, value: number) =>
    setParams((before) => {
      const next = new URLSearchParams(before)
      next.set('path', path)
      if (value === 0) next.delete(name)
      else next.set(name, String(value))
      return next
    })
  return (
    <States of={asked} again={again}>
      {(document) => (
        <Card
          title={<span dir="auto">{path}</span>}
          actions={
            <>
              <CopyButton text={document.content} />
              <Button size="small" look="quiet" icon={Download} onClick={() => save(document)}>
                {words.download}
              </Button>
              {writes && draft === undefined ? (
                <Button
                  size="small"
                  icon={Pencil}
                  onClick={() => setDraft({ content: document.content, base: document.latest })}
                >
                  {words.edit}
                </Button>
              ) : null}
            </>
          }
        >
          <div className="mb-4 flex flex-wrap items-center gap-2">
            <Select
              label={words.version}
              value={String(document.version)}
              onChange={(value) => set('version', Number(value) === document.latest ? 0 : Number(value))}
              of={(versions.data?.versions ?? [document]).map((one) => ({
                value: String(one.version),
                label: words.versionOf(one.version, document.latest),
              }))}
            />
            {document.latest > 1 ? (
              <Select
                label={words.compare}
                value={String(from)}
                onChange={(value) => set('from', Number(value))}
                of={[
                  { value: '0', label: words.compareNone },
                  ...(versions.data?.versions ?? [])
                    .filter((one) => one.version !== document.version)
                    .map((one) => ({ value: String(one.version), label: String(one.version) })),
                ]}
              />
            ) : null}
            <Switch label={words.plain} checked={plain} onChange={setPlain} />
            <span className="text-sm text-dim">
              {words.origin[document.origin]} · <Actor of={document.by} /> · <Time at={document.at} />
            </span>
          </div>
          {draft !== undefined ? (
            <Editor
              card={card}
              path={path}
              draft={draft}
              onChange={setDraft}
              onDone={() => {
                setDraft(undefined)
                setParams(new URLSearchParams({ path }))
              }}
            />
          ) : from > 0 && from !== document.version ? (
            <Difference card={card} path={path} from={from} to={document.version} />
          ) : plain ? (
            <pre tabIndex={0} dir="auto" className="overflow-x-auto font-mono text-sm whitespace-pre-wrap">
              {document.content}
            </pre>
          ) : (
            <Prose text={document.content} />
          )}
        </Card>
      )}
    </States>
  )
}

interface Draft {
  readonly content: string
  readonly base: number
}

function Editor({
  card,
  path,
  draft,
  onChange,
  onDone,
}: {
  card: number
  path: string
  draft: Draft
  onChange: (draft: Draft) => void
  onDone: () => void
}) {
  const [busy, act] = useAct(async (thrown) => {
    const said = problemIn(thrown)
    if (said.status === 409) {
      const now = await ask('get', '/api/cards/{id}/documents/{path}', { path: { id: card, path } }).catch(
        () => undefined,
      )
      setProblem(words.changed)
      if (now !== undefined) onChange({ ...draft, base: now.latest })
    } else setProblem([said.detail ?? said.title, ...(said.causes ?? [])].join(' '))
  })
  const [problem, setProblem] = useState<string>()
  const store = () =>
    act(async () => {
      try {
        const { version } = await write(card, path, draft)
        tell(words.saved(version))
        onDone()
      } finally {
        askAgain(`/api/cards/${card}/documents`)
      }
    })
  return (
    <div className="flex flex-col gap-3">
      <Field label={words.text} problem={problem}>
        <Textarea mono rows={22} value={draft.content} onChange={(content) => onChange({ ...draft, content })} />
      </Field>
      <div className="flex gap-2">
        <Button look="primary" busy={busy} onClick={store}>
          {words.save}
        </Button>
        <Button look="quiet" onClick={onDone}>
          {ofCard.drop}
        </Button>
      </div>
    </div>
  )
}

function NewDocument({ card, onClose }: { card: number; onClose: (made?: string) => void }) {
  const [path, setPath] = useState('')
  const [content, setContent] = useState('')
  const [busy, act] = useAct((error) => {
    const said = problemIn(error)
    setProblem([said.detail ?? said.title, ...(said.causes ?? [])].join(' '))
  })
  const [problem, setProblem] = useState<string>()
  const store = () =>
    act(async () => {
      const { version } = await write(card, path.trim(), { content, base: 0 })
      tell(words.saved(version))
      askAgain(`/api/cards/${card}/documents`)
      onClose(path.trim())
    })
  return (
    <Dialog
      open
      wide
      onClose={() => onClose()}
      title={words.write}
      actions={
        <Button look="primary" busy={busy} disabled={path.trim() === '' || content === ''} onClick={store}>
          {words.save}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={words.path} hint={words.pathHint} problem={problem}>
          <Input value={path} onChange={setPath} maxLength={200} />
        </Field>
        <Field label={words.text}>
          <Textarea mono rows={14} value={content} onChange={setContent} />
        </Field>
      </div>
    </Dialog>
  )
}

const write = (card: number, path: string, { content, base }: Draft) =>
  ask('put', '/api/cards/{id}/documents/{path}', { path: { id: card, path }, body: { content, baseVersion: base } })

/** The text as a file of its name. */
function save({ path, content }: Document) {
  const address = URL.createObjectURL(new Blob([content], { type: 'text/plain' }))
  const way = document.createElement('a')
  way.href = address
  way.download = path.split('/').at(-1) ?? 'document.txt'
  way.click()
  URL.revokeObjectURL(address)
}
