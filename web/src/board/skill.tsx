/** One skill: what it says of itself, its files, its versions, and who trusts which. */
import { FileQuestion, ShieldCheck, ShieldOff, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useLocation, useParams, useSearchParams } from 'wouter'
import { ask, problemIn, type StoredSkill } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { Actor } from '../shell/actor.tsx'
import { may, useMe } from '../shell/me.ts'
import { bytes } from '../shown.ts'
import {
  Badge,
  Button,
  ButtonLink,
  Card,
  CodeBlock,
  ConfirmDialog,
  CopyButton,
  Dialog,
  Empty,
  Facts,
  Field,
  JsonView,
  Page,
  States,
  Switch,
  tell,
  tellProblem,
  Textarea,
  Time,
  useAct,
} from '../ui/index.ts'
import { one as words, words as list } from '../words/skills.ts'
import { Remarks } from './remarks.tsx'
import { TrustMark } from './trust.tsx'

const ABOVE = [[list.title, '/skills']] as const

export default function SkillPage() {
  const { id = '' } = useParams()
  return /^\d{1,9}$/.test(id) ? <Known key={id} id={Number(id)} /> : <None />
}

function None() {
  return (
    <Page title={words.none} above={ABOVE}>
      <Empty icon={FileQuestion} title={words.none}>
        <ButtonLink href="/skills">{list.title}</ButtonLink>
      </Empty>
    </Page>
  )
}

function Known({ id }: { id: number }) {
  const [params] = useSearchParams()
  const version = Number(params.get('version') ?? 0)
  const [asked, again] = useAsked('/api/skills/{id}', { path: { id }, query: version > 0 ? { version } : {} })
  if (asked.state === 'failed' && asked.problem.status === 404) return <None />
  if (asked.data === undefined) {
    return (
      <Page title={list.title} above={ABOVE}>
        <States of={asked} again={again} lines={6}>
          {() => null}
        </States>
      </Page>
    )
  }
  return <Shown skill={asked.data} />
}

/** Of the version that is shown. */
const trustOf = ({ versions, shown, trustLevel }: StoredSkill) =>
  versions.find(({ version }) => version === shown)?.trustLevel ?? trustLevel

function Shown({ skill }: { skill: StoredSkill }) {
  return (
    <Page
      title={skill.name}
      above={ABOVE}
      lead={skill.description}
      mark={
        <>
          <TrustMark of={trustOf(skill)} />
          <Badge>{list.version(skill.shown)}</Badge>
          {skill.goneAt === null ? null : <Badge tone="warn">{list.gone}</Badge>}
        </>
      }
      actions={<Controls skill={skill} />}
    >
      <div className="grid items-start gap-5 lg:grid-cols-3">
        <div className="flex min-w-0 flex-col gap-5 lg:col-span-2">
          {skill.diagnostics.length === 0 ? null : (
            <Card title={words.diagnostics}>
              <Remarks of={skill.diagnostics} />
            </Card>
          )}
          <Card title={words.prompt}>
            <CodeBlock text={skill.promptTemplate} label={words.prompt} />
          </Card>
          <Files skill={skill} />
          <Card title={words.inputs}>
            {skill.inputSchema === null ? (
              <p className="text-dim">{words.anything}</p>
            ) : (
              <JsonView value={skill.inputSchema} label={words.inputs} />
            )}
          </Card>
          <Card title={words.outputs}>
            {skill.outputSchema === null ? (
              <p className="text-dim">{words.anything}</p>
            ) : (
              <JsonView value={skill.outputSchema} label={words.outputs} />
            )}
          </Card>
        </div>
        <div className="flex min-w-0 flex-col gap-5">
          <About skill={skill} />
          <Versions skill={skill} />
          <Acts skill={skill} />
        </div>
      </div>
    </Page>
  )
}

function Controls({ skill }: { skill: StoredSkill }) {
  const me = useMe()
  const [, go] = useLocation()
  const [judging, setJudging] = useState<'vetted' | 'community'>()
  const [removing, setRemoving] = useState(false)
  const trust = trustOf(skill)
  async function remove() {
    try {
      await ask('delete', '/api/skills/{id}', { path: { id: skill.id } })
      tell(words.removed)
      askAgain('/api/skills')
      go('/skills')
    } catch (error) {
      tellProblem(error)
    }
  }
  return (
    <>
      {!may(me, 'admin') ? null : trust === 'vetted' ? (
        <Button icon={ShieldOff} onClick={() => setJudging('community')}>
          {words.withdraw}
        </Button>
      ) : (
        <Button icon={ShieldCheck} look="primary" onClick={() => setJudging('vetted')}>
          {words.vet}
        </Button>
      )}
      {may(me, 'board:write') ? (
        <Button icon={Trash2} look="danger" onClick={() => setRemoving(true)}>
          {words.remove}
        </Button>
      ) : null}
      {judging === undefined ? null : <Judge skill={skill} level={judging} onClose={() => setJudging(undefined)} />}
      <ConfirmDialog
        open={removing}
        onClose={() => setRemoving(false)}
        title={words.removeAsk}
        lead={words.removeLead}
        confirm={words.remove}
        onConfirm={() => void remove()}
      />
    </>
  )
}

/** The content that he looked at is named by its digest: another one is refused. */
function Judge({ skill, level, onClose }: { skill: StoredSkill; level: 'vetted' | 'community'; onClose: () => void }) {
  const [note, setNote] = useState('')
  const [busy, act] = useAct((error) => {
    if (problemIn(error).status === 409) tell(words.changed)
    else tellProblem(error)
  })
  const vets = level === 'vetted'
  const digest = skill.versions.find(({ version }) => version === skill.shown)?.digest
  const go = () =>
    act(async () => {
      try {
        await ask('patch', '/api/skills/{id}', {
          path: { id: skill.id },
          body: {
            trustLevel: level,
            version: skill.shown,
            ...(digest === undefined ? {} : { digest }),
            ...(note.trim() === '' ? {} : { note: note.trim() }),
          },
        })
        tell(vets ? words.vetted : words.withdrawn)
        onClose()
      } finally {
        askAgain('/api/skills', '/api/stage-recipes')
      }
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={vets ? words.vetAsk(skill.name, skill.shown) : words.withdrawAsk}
      lead={vets ? words.vetLead : words.withdrawLead}
      actions={
        <Button look={vets ? 'primary' : 'danger'} busy={busy} onClick={go}>
          {vets ? words.vet : words.withdraw}
        </Button>
      }
    >
      <Field label={words.note} hint={words.noteHint}>
        <Textarea value={note} onChange={setNote} rows={3} maxLength={2_000} />
      </Field>
    </Dialog>
  )
}

function About({ skill }: { skill: StoredSkill }) {
  const admin = may(useMe(), 'admin')
  const { about } = skill
  async function pin(pinVersion: boolean) {
    try {
      await ask('patch', '/api/skills/{id}', { path: { id: skill.id }, body: { pinVersion } })
    } catch (error) {
      tellProblem(error)
    }
    askAgain('/api/skills')
  }
  const digest = skill.versions.find(({ version }) => version === skill.shown)?.digest ?? skill.digest
  return (
    <Card title={words.facts}>
      <Facts
        of={[
          [words.by, list.ways[skill.cameBy]],
          [words.used, list.version(skill.version)],
          ...(skill.label === null ? [] : [[words.label, skill.label] as const]),
          [words.form, skill.form],
          ...(skill.tags.length === 0 ? [] : [[words.tags, skill.tags.join(', ')] as const]),
          ...(about.license === undefined ? [] : [[words.license, about.license] as const]),
          ...(about.compatibility === undefined ? [] : [[words.compatibility, about.compatibility] as const]),
          ...(about.allowedTools === undefined ? [] : [[words.tools, about.allowedTools] as const]),
          ...Object.entries(about.metadata ?? {}),
          [words.seen, <Time key="seen" at={skill.seenAt} />],
          [
            words.digest,
            <span key="digest" className="flex items-center gap-1">
              <span className="cut font-mono text-xs" title={digest}>
                {digest.slice(0, 16)}
              </span>
              <CopyButton text={digest} />
            </span>,
          ],
        ]}
      />
      <div className="mt-3">
        <Switch label={words.pin} checked={skill.pinned} disabled={!admin} onChange={(on) => void pin(on)} />
      </div>
      {skill.remoteMetadata === null ? null : (
        <div className="mt-3">
          <JsonView value={skill.remoteMetadata} label={words.remote} />
        </div>
      )}
    </Card>
  )
}

function Files({ skill }: { skill: StoredSkill }) {
  const [filter, set] = useFilters('file')
  const path = filter.file ?? skill.files.find((file) => file.path === 'SKILL.md')?.path ?? skill.files[0]?.path
  const [asked, again] = useAsked(
    '/api/skills/{id}/file',
    { path: { id: skill.id }, query: { path: path ?? '', version: skill.shown } },
    { when: path !== undefined },
  )
  if (path === undefined) return null
  return (
    <Card title={words.files} flush>
      <div className="grid md:grid-cols-[14rem_1fr]">
        <ul className="max-h-96 overflow-y-auto border-line max-md:border-b md:border-r">
          {skill.files.map((file) => (
            <li key={file.path}>
              <button
                type="button"
                aria-current={file.path === path ? 'true' : undefined}
                onClick={() => set('file', file.path, { replace: false })}
                className={`flex w-full items-baseline justify-between gap-2 px-4 py-1.5 text-left text-sm ${file.path === path ? 'bg-wash' : 'hover:bg-sunk'}`}
              >
                <span className="cut" title={file.path}>
                  {file.path}
                </span>
                <span className="shrink-0 text-xs text-faint">{bytes(file.size)}</span>
              </button>
            </li>
          ))}
        </ul>
        <div className="min-w-0 p-3">
          <States of={asked} again={again}>
            {({ text }) =>
              text === null ? <p className="text-dim">{words.binary}</p> : <CodeBlock text={text} label={path} />
            }
          </States>
        </div>
      </div>
    </Card>
  )
}

function Versions({ skill }: { skill: StoredSkill }) {
  const [, setParams] = useSearchParams()
  return (
    <Card title={words.versions} flush>
      <ul>
        {skill.versions.map((one) => (
          <li key={one.version} className="border-b border-line last:border-b-0">
            <button
              type="button"
              aria-current={one.version === skill.shown ? 'true' : undefined}
              onClick={() => setParams(one.version === skill.version ? {} : { version: String(one.version) })}
              className={`flex w-full flex-wrap items-center gap-2 px-4 py-2 text-left ${one.version === skill.shown ? 'bg-wash' : 'hover:bg-sunk'}`}
            >
              <span className="font-medium">{list.version(one.version)}</span>
              {one.version === skill.version ? <Badge tone="busy">{words.inUse}</Badge> : null}
              <TrustMark of={one.trustLevel} />
              <span className="ml-auto text-sm text-dim">
                <Time at={one.createdAt} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Acts({ skill }: { skill: StoredSkill }) {
  return (
    <Card title={words.acts} flush>
      {skill.trustActs.length === 0 ? <p className="p-4 text-dim">{words.noActs}</p> : null}
      <ul>
        {skill.trustActs.map((act, n) => (
          <li key={n} className="border-b border-line px-4 py-2.5 last:border-b-0">
            <div className="flex flex-wrap items-center gap-2">
              <TrustMark of={act.level} />
              <span>{list.version(act.version)}</span>
              <span className="ml-auto text-sm text-dim">
                <Actor of={act.by} /> · <Time at={act.at} />
              </span>
            </div>
            {act.note === null ? null : (
              <p dir="auto" className="mt-1 [overflow-wrap:anywhere]">
                {act.note}
              </p>
            )}
          </li>
        ))}
      </ul>
    </Card>
  )
}
