/** The steps of a recipe as they are edited. */
import { ArrowDown, ArrowUp, Plus, Trash2, X } from 'lucide-react'
import type { Skill } from '../api.ts'
import { Badge, Button, Combobox, Field, IconButton, Input, NumberField, Textarea } from '../ui/index.ts'
import { words } from '../words/recipes.ts'
import { paramsOf, swapped, type DraftStep, type Lines } from './recipe-draft.ts'

interface StepsProps {
  readonly steps: readonly DraftStep[]
  readonly skills: readonly Skill[]
  readonly onChange: (steps: readonly DraftStep[]) => void
}

export function Steps({ steps, skills, onChange }: StepsProps) {
  if (steps.length === 0) return <p className="p-4 text-dim">{words.noSteps}</p>
  return (
    <ol>
      {steps.map((step, i) => (
        <li key={step.key} className="flex flex-col gap-4 border-b border-line p-4 last:border-b-0">
          <Step
            step={step}
            n={i + 1}
            last={i === steps.length - 1}
            skills={skills}
            onChange={(next) => onChange(steps.with(i, next))}
            onMove={(by) => onChange(swapped(steps, i, by))}
            onRemove={() => onChange(steps.toSpliced(i, 1))}
          />
        </li>
      ))}
    </ol>
  )
}

interface StepProps {
  readonly step: DraftStep
  readonly n: number
  readonly last: boolean
  readonly skills: readonly Skill[]
  readonly onChange: (step: DraftStep) => void
  readonly onMove: (by: -1 | 1) => void
  readonly onRemove: () => void
}

function Step({ step, n, last, skills, onChange, onMove, onRemove }: StepProps) {
  const set = <K extends keyof DraftStep>(name: K, value: DraftStep[K]) => onChange({ ...step, [name]: value })
  const name = words.step(n)
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="w-16 font-semibold">{name}</h3>
        <div className="w-64 max-w-full">
          <Combobox
            label={`${name}: ${words.skill}`}
            placeholder={words.skill}
            none={words.noSkill}
            value={step.skillId === '' ? null : step.skillId}
            of={skills.map((skill) => ({ value: String(skill.id), label: skill.name }))}
            onChange={(id) => onChange({ ...step, skillId: id ?? '', skillVersion: undefined })}
          />
        </div>
        <Badge>{step.skillVersion === undefined ? words.newestPin : words.pinned(step.skillVersion)}</Badge>
        <div className="ml-auto flex">
          <IconButton
            label={`${name}: ${words.up}`}
            icon={ArrowUp}
            size="small"
            disabled={n === 1}
            onClick={() => onMove(-1)}
          />
          <IconButton
            label={`${name}: ${words.down}`}
            icon={ArrowDown}
            size="small"
            disabled={last}
            onClick={() => onMove(1)}
          />
          <IconButton label={`${name}: ${words.remove}`} icon={Trash2} size="small" onClick={onRemove} />
        </div>
      </div>
      <LinesField
        label={`${name}: ${words.inputs}`}
        title={words.inputs}
        hint={words.inputsHint}
        names={[words.name, words.from]}
        arrow="←"
        lines={step.inputs}
        onChange={(lines) => set('inputs', lines)}
      />
      <LinesField
        label={`${name}: ${words.outputs}`}
        title={words.outputs}
        hint={words.outputsHint}
        names={[words.field, words.to]}
        arrow="→"
        lines={step.outputs}
        onChange={(lines) => set('outputs', lines)}
      />
      <div className="flex flex-wrap items-start gap-4">
        <NumberField
          label={words.timeout}
          min={1}
          max={1_800}
          value={step.seconds}
          onChange={(value) => set('seconds', value)}
        />
        <NumberField
          label={words.retries}
          min={0}
          max={10}
          value={step.retryCount}
          onChange={(value) => set('retryCount', value)}
        />
        <div className="min-w-56 flex-1">
          <Field
            label={words.params}
            hint={words.paramsHint}
            problem={paramsOf(step.params) === undefined ? words.paramsWrong : undefined}
          >
            <Textarea mono rows={2} value={step.params} onChange={(value) => set('params', value)} placeholder="{}" />
          </Field>
        </div>
      </div>
    </>
  )
}

interface LinesProps {
  readonly label: string
  readonly title: string
  readonly hint?: string
  readonly names: readonly [string, string]
  readonly arrow: string
  readonly lines: Lines
  readonly onChange: (lines: Lines) => void
}

/** Names and where they come from or go to, a line each. */
export function LinesField({ label, title, hint, names, arrow, lines, onChange }: LinesProps) {
  return (
    <fieldset aria-label={label} className="flex flex-col gap-1.5">
      <div className="text-sm font-medium">{title}</div>
      {lines.map(([name, value], i) => (
        <div key={i} className="flex items-center gap-2">
          <div className="w-2/5 max-w-56">
            <Bare
              label={`${label}, ${names[0]} ${i + 1}`}
              value={name}
              onChange={(next) => onChange(lines.with(i, [next, value]))}
            />
          </div>
          <span aria-hidden className="text-faint">
            {arrow}
          </span>
          <div className="min-w-0 flex-1">
            <Bare
              label={`${label}, ${names[1]} ${i + 1}`}
              value={value}
              onChange={(next) => onChange(lines.with(i, [name, next]))}
            />
          </div>
          <IconButton
            label={`${label}: ${words.removeLine} ${i + 1}`}
            icon={X}
            size="small"
            onClick={() => onChange(lines.toSpliced(i, 1))}
          />
        </div>
      ))}
      <div className="flex flex-wrap items-center gap-3">
        <Button size="small" look="quiet" icon={Plus} onClick={() => onChange([...lines, ['', '']])}>
          {words.addLine}
        </Button>
        {hint === undefined ? null : <span className="font-mono text-xs text-faint">{hint}</span>}
      </div>
    </fieldset>
  )
}

function Bare({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return <Input aria-label={label} value={value} onChange={onChange} spellCheck={false} maxLength={2_000} />
}
