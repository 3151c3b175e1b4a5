/** A definition as fields, each with what is wrong with it beside it. */
import { Plus, Undo2, X } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import type { Definition } from '../api.ts'
import { Badge, Button, Card, Field, IconButton, Input, Select, Textarea } from '../ui/index.ts'
import { editor as words } from '../words/definitions.ts'
import { Dimensions } from './dimensions.tsx'
import type { Content } from './draft.ts'

export type FieldName = NonNullable<Definition['overridden']>[number]

export interface Inheritance {
  readonly overridden: readonly FieldName[]
  /** Undefined while it cannot be done. */
  readonly inherit: ((field: FieldName) => void) | undefined
}

export interface FieldsProps {
  readonly content: Content
  readonly set: (content: Content) => void
  /** What is wrong at exactly this path. */
  readonly at: (path: string) => string | undefined
  /** Undefined for what is no fork. */
  readonly inheritance: Inheritance | undefined
}

/** Whose a field of a fork is. */
function Mark({ of, field }: { of: Inheritance | undefined; field: FieldName }) {
  if (of === undefined) return null
  if (!of.overridden.includes(field)) return <Badge>{words.inherited}</Badge>
  const { inherit } = of
  return (
    <span className="flex items-center gap-1.5">
      <Badge tone="busy">{words.own}</Badge>
      {inherit === undefined ? null : (
        <IconButton size="small" icon={Undo2} label={words.inherit} onClick={() => inherit(field)} />
      )}
    </span>
  )
}

/** A heading, what it is for, and whose it is. */
function Part({
  title,
  hint,
  mark,
  problem,
  actions,
  children,
}: {
  title: string
  hint?: string
  mark?: ReactNode
  problem?: string | undefined
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <Card
      title={
        <span className="flex items-center gap-2">
          {title}
          {mark}
        </span>
      }
      actions={actions}
    >
      {hint === undefined ? null : <p className="-mt-1 mb-3 text-sm text-dim">{hint}</p>}
      {problem === undefined ? null : (
        <p role="alert" className="mb-3 text-sm text-bad">
          {problem}
        </p>
      )}
      {children}
    </Card>
  )
}

export function Fields({ content, set, at, inheritance }: FieldsProps) {
  const change = (some: Partial<Content>) => set({ ...content, ...some })
  const { preamble: _, ...withoutPreamble } = content
  const mark = (field: FieldName) => <Mark of={inheritance} field={field} />
  return (
    <div className="flex flex-col gap-5">
      <Card>
        <div className="grid gap-4 sm:grid-cols-2">
          <div>
            <Field label={words.name} problem={at('name')}>
              <Input value={content.name} onChange={(name) => change({ name })} />
            </Field>
            <div className="mt-1 empty:hidden">{mark('name')}</div>
          </div>
          <div>
            <Tags tags={content.tags} onChange={(tags) => change({ tags })} problem={at('tags')} />
            <div className="mt-1 empty:hidden">{mark('tags')}</div>
          </div>
        </div>
      </Card>
      <Part title={words.template} hint={words.templateHint} mark={mark('template')}>
        <Field label={words.prompt} problem={at('template')}>
          <Textarea rows={7} value={content.template} onChange={(template) => change({ template })} />
        </Field>
        {content.dimensions.length === 0 ? null : (
          <div className="mt-2 flex flex-wrap items-center gap-1.5 text-sm text-dim">
            {words.insertHint}:
            {content.dimensions.map(({ name }, i) =>
              name.trim() === '' ? null : (
                <button
                  key={i}
                  type="button"
                  onClick={() => change({ template: `${content.template}${words.insert(name)}` })}
                  className="rounded-sm bg-sunk px-1.5 font-mono text-xs leading-5.5 hover:bg-wash hover:text-accent"
                >
                  {words.insert(name)}
                </button>
              ),
            )}
          </div>
        )}
      </Part>
      <Part title={words.dimensions} hint={words.dimensionsHint} mark={mark('dimensions')} problem={at('dimensions')}>
        <Dimensions content={content} set={set} at={at} />
      </Part>
      <Part
        title={words.decision}
        hint={words.decisionHint}
        mark={mark('decision')}
        problem={at('decision') ?? at('decision.labels')}
      >
        <Decision content={content} set={set} at={at} />
      </Part>
      <Part title={words.preamble} hint={words.preambleHint} mark={mark('preamble')}>
        <Field label={words.preamble} problem={at('preamble')}>
          <Textarea
            rows={3}
            value={content.preamble ?? ''}
            onChange={(preamble) => set(preamble === '' ? withoutPreamble : { ...content, preamble })}
          />
        </Field>
        <div className="mt-3 flex items-center gap-2">
          <Select
            label={words.preambleAs}
            value={content.preambleAs}
            onChange={(preambleAs) => change({ preambleAs })}
            of={[
              { value: 'system', label: words.asSystem },
              { value: 'user', label: words.asUser },
            ]}
          />
          {mark('preambleAs')}
        </div>
      </Part>
      <Part title={words.followups} hint={words.followupsHint} mark={mark('followups')} problem={at('followups')}>
        <Followups content={content} set={set} at={at} />
      </Part>
    </div>
  )
}

function Tags({
  tags,
  onChange,
  problem,
}: {
  tags: readonly string[]
  onChange: (tags: readonly string[]) => void
  problem: string | undefined
}) {
  const [text, setText] = useState(tags.join(', '))
  const read = (value: string) =>
    value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
  // What is typed stays as it is typed, until the tags come from elsewhere.
  const shown = read(text).join() === tags.join() ? text : tags.join(', ')
  return (
    <Field label={words.tags} hint={words.tagsHint} problem={problem}>
      <Input
        value={shown}
        onChange={(value) => {
          setText(value)
          onChange(read(value))
        }}
      />
    </Field>
  )
}

type PartProps = Pick<FieldsProps, 'content' | 'set' | 'at'>

const SCALE = [1, 2, 3, 4, 5].map((n) => ({ code: String(n), label: String(n) }))

function Decision({ content, set, at }: PartProps) {
  const { decision, ...rest } = content
  if (decision === undefined) {
    return (
      <Button
        icon={Plus}
        onClick={() =>
          set({
            ...content,
            decision: { instruction: 'Begin your answer with one line: "Rating: N", N from 1 to 5.', labels: SCALE },
          })
        }
      >
        {words.addDecision}
      </Button>
    )
  }
  const change = (some: Partial<typeof decision>) => set({ ...content, decision: { ...decision, ...some } })
  const label = (i: number, some: Partial<(typeof decision.labels)[number]>) =>
    change({ labels: decision.labels.map((one, j) => (i === j ? { ...one, ...some } : one)) })
  const { instruction: _, ...withoutInstruction } = decision
  return (
    <div className="flex flex-col gap-4">
      <Field label={words.instruction} hint={words.instructionHint} problem={at('decision.instruction')}>
        <Textarea
          rows={3}
          value={decision.instruction ?? ''}
          onChange={(instruction) =>
            set({ ...content, decision: instruction === '' ? withoutInstruction : { ...decision, instruction } })
          }
        />
      </Field>
      <ul className="flex flex-col gap-2">
        {decision.labels.map((one, i) => (
          <li key={i} className="flex items-end gap-2">
            <div className="w-20 shrink-0">
              <Field label={words.code} problem={at(`decision.labels[${i}].code`)}>
                <Input value={one.code} onChange={(code) => label(i, { code })} />
              </Field>
            </div>
            <div className="min-w-0 flex-1">
              <Field label={words.meaning} problem={at(`decision.labels[${i}].label`) ?? at(`decision.labels[${i}]`)}>
                <Input value={one.label} onChange={(text) => label(i, { label: text })} />
              </Field>
            </div>
            <IconButton
              icon={X}
              label={words.dropCode(one.code)}
              onClick={() => change({ labels: decision.labels.filter((_one, j) => i !== j) })}
            />
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap gap-2">
        <Button
          size="small"
          icon={Plus}
          onClick={() =>
            change({ labels: [...decision.labels, { code: String(decision.labels.length + 1), label: '' }] })
          }
        >
          {words.addCode}
        </Button>
        <Button size="small" look="quiet" icon={X} onClick={() => set(rest)}>
          {words.dropDecision}
        </Button>
      </div>
    </div>
  )
}

function Followups({ content, set, at }: PartProps) {
  const { followups } = content
  const change = (next: Content['followups']) => set({ ...content, followups: next })
  return (
    <div className="flex flex-col gap-4">
      {followups.map((one, i) => (
        <div key={i} className="flex items-start gap-2">
          <div className="grid min-w-0 flex-1 gap-3 sm:grid-cols-[10rem_1fr]">
            <Field label={words.label} problem={at(`followups[${i}].label`)}>
              <Input
                value={one.label}
                onChange={(label) => change(followups.map((other, j) => (i === j ? { ...other, label } : other)))}
              />
            </Field>
            <Field label={words.prompt} problem={at(`followups[${i}].prompt`)}>
              <Textarea
                rows={2}
                value={one.prompt}
                onChange={(prompt) => change(followups.map((other, j) => (i === j ? { ...other, prompt } : other)))}
              />
            </Field>
          </div>
          <IconButton
            icon={X}
            label={words.dropFollowup(one.label)}
            onClick={() => change(followups.filter((_one, j) => i !== j))}
          />
        </div>
      ))}
      <div>
        <Button
          size="small"
          icon={Plus}
          onClick={() => change([...followups, { label: `follow-up ${followups.length + 1}`, prompt: '' }])}
        >
          {words.addFollowup}
        </Button>
      </div>
    </div>
  )
}
