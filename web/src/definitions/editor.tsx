/** The editor: fields or YAML at the left, what comes of it at the right; nothing that was written is lost. */
import { Save, TriangleAlert, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { useFilters } from '../filters.ts'
import { count } from '../shown.ts'
import { Badge, Button, Card, ConfirmDialog, Field, Textarea } from '../ui/index.ts'
import { Text } from '../ui/text.tsx'
import { editor as words } from '../words/definitions.ts'
import type { Drafting } from './draft.ts'
import { Fields, type Inheritance } from './fields.tsx'

interface EditorProps {
  readonly drafting: Drafting
  /** The word of saving. */
  readonly save: string
  readonly busy: boolean
  /** Undefined: he may not. */
  readonly onSave: (() => void) | undefined
  readonly inheritance?: Inheritance | undefined
}

export function Editor({ drafting, save, busy, onSave, inheritance }: EditorProps) {
  const [filter, set] = useFilters('view')
  const [asking, setAsking] = useState(false)
  const yaml = filter.view === 'yaml'
  const { told, content, dirty, looking } = drafting
  const problems = told?.problems ?? []
  // A list whose item is wrong says so where no field of its own does.
  const at = (path: string) =>
    problems.find((one) => one.path === path || (one.path.startsWith(`${path}[`) && /(tags|options)$/.test(path)))
      ?.message
  const view = (next: 'form' | 'yaml') => set('view', next === 'yaml' ? 'yaml' : '')
  return (
    <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,1fr)_26rem]">
      <div className="min-w-0">
        <div className="mb-4 flex flex-wrap items-center justify-between gap-2">
          <div role="group" aria-label={words.views} className="flex rounded-md border border-edge p-0.5">
            {(['form', 'yaml'] as const).map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={(one === 'yaml') === yaml}
                onClick={() => view(one)}
                className={`rounded-sm px-3 py-1 text-sm ${(one === 'yaml') === yaml ? 'bg-wash font-medium text-accent' : 'text-dim hover:text-ink'}`}
              >
                {words[one]}
              </button>
            ))}
          </div>
          {onSave === undefined ? null : (
            <div className="flex items-center gap-2">
              {dirty ? (
                <>
                  <span className="text-sm text-warn max-md:hidden">{words.unsaved}</span>
                  <Button look="quiet" icon={Undo2} onClick={() => setAsking(true)}>
                    {words.discard}
                  </Button>
                </>
              ) : null}
              <Button
                look="primary"
                icon={Save}
                busy={busy}
                disabled={!dirty || looking || problems.length > 0 || told === undefined}
                onClick={onSave}
              >
                {save}
              </Button>
            </div>
          )}
        </div>
        {yaml ? (
          <Card>
            {told?.draft === null ? (
              <p role="alert" className="mb-2 text-sm text-bad">
                {words.unreadable}
              </p>
            ) : null}
            <Field label={words.yaml}>
              <Textarea
                mono
                rows={32}
                spellCheck={false}
                value={drafting.yaml}
                onChange={(text) => drafting.setYaml(text)}
              />
            </Field>
          </Card>
        ) : (
          <Fields content={content} set={(next) => drafting.setContent(next)} at={at} inheritance={inheritance} />
        )}
      </div>
      <div className="xl:sticky xl:top-4">
        <Preview drafting={drafting} />
      </div>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={words.discardAsk}
        lead={words.discardLead}
        confirm={words.discard}
        onConfirm={() => drafting.reset()}
      />
    </div>
  )
}

function Preview({ drafting: { told, looking, failed } }: { drafting: Drafting }) {
  return (
    <Card
      title={
        <span className="flex items-center gap-2">
          {words.preview}
          {told?.scenarios == null ? null : <Badge tone="good">{words.scenarios(count(Number(told.scenarios)))}</Badge>}
          {told === undefined || told.problems.length === 0 ? null : (
            <Badge tone="bad">{words.problems(told.problems.length)}</Badge>
          )}
        </span>
      }
    >
      <div
        aria-live="polite"
        tabIndex={0}
        role="region"
        aria-label={words.preview}
        className={`flex max-h-[76vh] flex-col gap-4 overflow-y-auto ${looking ? 'opacity-60' : ''}`}
      >
        {failed === undefined ? null : <p className="text-bad">{`${words.offline}: ${failed}`}</p>}
        {told === undefined ? (
          <p className="text-dim">{words.checking}</p>
        ) : (
          <>
            {told.problems.length === 0 ? null : (
              <ul className="flex flex-col gap-2">
                {told.problems.map(({ path, line, message }, i) => (
                  <li key={i} className="flex gap-2">
                    <TriangleAlert aria-hidden size={15} className="mt-1 shrink-0 text-bad" />
                    <span className="min-w-0 break-words">
                      {path === '' ? null : <code className="font-mono text-sm text-dim">{path} </code>}
                      {message}
                      {line === null ? null : <span className="text-faint"> · {words.line(line)}</span>}
                    </span>
                  </li>
                ))}
              </ul>
            )}
            {told.warnings.map((one) => (
              <p key={one} className="flex gap-2">
                <TriangleAlert aria-hidden size={15} className="mt-1 shrink-0 text-warn" />
                {one}
              </p>
            ))}
            {told.first.length === 0 ? null : <p className="text-sm text-dim">{words.first(told.first.length)}</p>}
            {told.first.map(({ key, dimensions, prompt }) => (
              <div key={key} className="rounded-md bg-sunk p-3">
                <p className="mb-1.5 flex flex-wrap gap-1">
                  {Object.entries(dimensions).map(([name, { label, score }]) => (
                    <Badge key={name}>
                      <span className="max-w-48 truncate" title={`${name}: ${label}`}>
                        {label} · {score}
                      </span>
                    </Badge>
                  ))}
                </p>
                <div className="text-sm">
                  <Text text={prompt} />
                </div>
              </div>
            ))}
          </>
        )}
      </div>
    </Card>
  )
}
