/** What automation may do on the board, its stages, and the workers. */
import { Save } from 'lucide-react'
import { useEffect, useState } from 'react'
import { ask, problemIn, type BoardSettings } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import { may, useMe } from '../shell/me.ts'
import {
  Button,
  Card,
  Link,
  NumberField,
  Page,
  Select,
  States,
  Switch,
  tell,
  tellProblem,
  Time,
  useAct,
} from '../ui/index.ts'
import { words as ofBoard } from '../words/board.ts'
import { words } from '../words/board-settings.ts'
import { Parts } from './parts.tsx'
import { StagesCard } from './stages.tsx'
import { Workers } from './workers.tsx'

export default function SettingsPage() {
  const admin = may(useMe(), 'admin')
  const [settings, again] = useAsked('/api/board/settings', {})
  const [board, askBoard] = useAsked('/api/board', { query: { limit: 50 } })
  return (
    <Page title={words.title} lead={words.lead} above={[[ofBoard.title, '/board']]}>
      <Parts />
      {admin ? null : <p className="rounded-lg bg-warn-wash px-4 py-2.5">{words.notAllowed}</p>}
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-5">
          <States of={settings} again={again} lines={5}>
            {(data) => (
              <Automation key={data.version} settings={data} stages={board.data?.columns ?? []} admin={admin} />
            )}
          </States>
          <Workers admin={admin} />
        </div>
        <div className="flex min-w-0 flex-col gap-5">
          <States of={board} again={askBoard} lines={8}>
            {({ columns }) => (
              <StagesCard
                key={columns.map(({ key, name }) => `${key}=${name}`).join()}
                columns={columns}
                admin={admin}
              />
            )}
          </States>
          {admin ? (
            <p className="text-dim">
              {words.told} <Link href="/settings/webhooks">{words.webhooks}</Link>
            </p>
          ) : null}
        </div>
      </div>
    </Page>
  )
}

interface AutomationProps {
  readonly settings: BoardSettings
  readonly stages: readonly { readonly key: string; readonly name: string }[]
  readonly admin: boolean
}

const NAMES = [
  'automationMode',
  'automationStopStage',
  'aiExecutionMode',
  'workerEnabled',
  'fourEyes',
  'workerMaxConcurrency',
  'workerPollIntervalMs',
] as const

function Automation({ settings, stages, admin }: AutomationProps) {
  const [draft, setDraft] = useState(settings)
  const [busy, act] = useAct((error) => {
    if (problemIn(error).code === 'SETTINGS_CHANGED') tell(words.changed)
    else tellProblem(error)
  })
  useEffect(() => setDraft(settings), [settings])
  const changes = Object.fromEntries(
    NAMES.filter((name) => draft[name] !== settings[name]).map((name) => [name, draft[name]]),
  )
  const changed = Object.keys(changes).length > 0
  const set = (change: Partial<BoardSettings>) => setDraft({ ...draft, ...change })
  const save = () =>
    act(async () => {
      try {
        await ask('patch', '/api/board/settings', { body: { version: settings.version, ...changes } })
        tell(words.saved)
      } finally {
        askAgain('/api/board')
      }
    })
  const { file } = settings
  return (
    <Card title={words.automation}>
      <fieldset disabled={!admin} className="flex flex-col items-start gap-4">
        <div className="flex flex-wrap gap-3">
          <Select
            label={words.mode}
            value={draft.automationMode}
            onChange={(automationMode) => set({ automationMode })}
            of={entries(words.modes)}
          />
          <Select
            label={words.stop}
            value={draft.automationStopStage ?? ''}
            onChange={(key) => set({ automationStopStage: key === '' ? null : key })}
            of={[{ value: '', label: words.noStop }, ...stages.map(({ key, name }) => ({ value: key, label: name }))]}
          />
          <Select
            label={words.ai}
            value={draft.aiExecutionMode}
            onChange={(aiExecutionMode) => set({ aiExecutionMode })}
            of={entries(words.ais)}
          />
        </div>
        <Switch
          label={words.worker}
          disabled={!admin}
          checked={draft.workerEnabled}
          onChange={(workerEnabled) => set({ workerEnabled })}
        />
        <Switch
          label={words.four}
          disabled={!admin}
          checked={draft.fourEyes}
          onChange={(fourEyes) => set({ fourEyes })}
        />
        <div className="flex flex-wrap gap-6">
          <NumberField
            label={words.concurrency}
            hint={words.concurrencyHint}
            min={1}
            max={1_000}
            value={draft.workerMaxConcurrency}
            onChange={(n) => n === null || set({ workerMaxConcurrency: n })}
          />
          <NumberField
            label={words.poll}
            hint={words.pollHint}
            min={0.1}
            max={3_600}
            value={draft.workerPollIntervalMs / 1_000}
            onChange={(n) => n === null || set({ workerPollIntervalMs: Math.round(n * 1_000) })}
          />
        </div>
        {admin ? (
          <div className="flex gap-2">
            <Button look="primary" icon={Save} busy={busy} disabled={!changed} onClick={save}>
              {words.save}
            </Button>
            {changed ? (
              <Button look="quiet" onClick={() => setDraft(settings)}>
                {words.drop}
              </Button>
            ) : null}
          </div>
        ) : null}
      </fieldset>
      {settings.version === 1 ? null : (
        <p className="mt-4 text-sm text-dim">
          {words.changedBy} <Time at={settings.changedAt} /> · <Actor of={settings.changedBy} />
        </p>
      )}
      {file === null ? null : (
        <div className={`mt-1 text-sm [overflow-wrap:anywhere] ${file.state === 'refused' ? 'text-bad' : 'text-dim'}`}>
          {words.file[file.state](file.path)}
          {file.problems.length === 0 ? null : (
            <ul className="list-disc pl-5">
              {file.problems.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          )}
          {file.ignored.length === 0 ? null : (
            <p>
              {words.ignored} {file.ignored.join(', ')}
            </p>
          )}
        </div>
      )}
    </Card>
  )
}

const entries = <T extends string>(of: Readonly<Record<T, string>>) =>
  (Object.entries(of) as [T, string][]).map(([value, label]) => ({ value, label }))
