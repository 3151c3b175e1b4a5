/** The gates of a recipe as they are edited, each type with its own fields; and tried on a card. */
import { ArrowDown, ArrowUp, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'
import { ask, type Answer } from '../api.ts'
import { useAsked } from '../asked.ts'
import {
  Badge,
  Button,
  Card,
  Combobox,
  Field,
  IconButton,
  Input,
  Select,
  Switch,
  tellProblem,
  Textarea,
} from '../ui/index.ts'
import { work as ofCard } from '../words/card.ts'
import { words } from '../words/recipes.ts'
import { Gate } from './overview.tsx'
import { swapped, type DraftGate } from './recipe-draft.ts'
import { LinesField } from './recipe-steps.tsx'

const TYPES = ['file_exists', 'content_check', 'artifact_exists', 'metric_threshold', 'custom'] as const
const CONFIGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  file_exists: { pattern: '' },
  content_check: { file: '', requiredSections: [] },
  artifact_exists: { artifactType: 'url' },
  metric_threshold: { metric: '', operator: '>=', threshold: 0 },
  custom: { tool: '', input: {} },
}

interface GatesProps {
  readonly gates: readonly DraftGate[]
  readonly onChange: (gates: readonly DraftGate[]) => void
}

export function Gates({ gates, onChange }: GatesProps) {
  if (gates.length === 0) return <p className="p-4 text-dim">{words.noGates}</p>
  return (
    <ol>
      {gates.map((gate, i) => {
        const set = (change: Partial<DraftGate>) => onChange(gates.with(i, { ...gate, ...change }))
        const name = `${words.gate} ${gate.id}`
        return (
          <li key={gate.key} className="flex flex-col gap-3 border-b border-line p-4 last:border-b-0">
            <div className="flex flex-wrap items-center gap-2">
              <div className="w-40">
                <Input
                  aria-label={`${words.gate} ${i + 1}: ${words.id}`}
                  value={gate.id}
                  onChange={(id) => set({ id })}
                  maxLength={64}
                />
              </div>
              <Select
                label={words.type}
                value={gate.type}
                onChange={(type) => set({ type, config: CONFIGS[type] ?? {} })}
                of={TYPES.map((value) => ({ value: value as string, label: words.types[value] }))}
              />
              <Switch label={words.required} checked={gate.required} onChange={(required) => set({ required })} />
              <div className="ml-auto flex">
                <IconButton
                  label={`${name}: ${words.up}`}
                  icon={ArrowUp}
                  size="small"
                  disabled={i === 0}
                  onClick={() => onChange(swapped(gates, i, -1))}
                />
                <IconButton
                  label={`${name}: ${words.down}`}
                  icon={ArrowDown}
                  size="small"
                  disabled={i === gates.length - 1}
                  onClick={() => onChange(swapped(gates, i, 1))}
                />
                <IconButton
                  label={`${name}: ${words.remove}`}
                  icon={Trash2}
                  size="small"
                  onClick={() => onChange(gates.toSpliced(i, 1))}
                />
              </div>
            </div>
            <div className="grid gap-3 sm:grid-cols-2">
              <Config gate={gate} onChange={(config) => set({ config })} />
              <Field label={words.message}>
                <Input value={gate.message} onChange={(message) => set({ message })} maxLength={500} />
              </Field>
            </div>
          </li>
        )
      })}
    </ol>
  )
}

function Config({ gate, onChange }: { gate: DraftGate; onChange: (config: DraftGate['config']) => void }) {
  const { config } = gate
  const textOf = (name: string) => {
    const value = config[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const field = (name: string, label: string, hint?: string) => (
    <Field label={label} hint={hint}>
      <Input
        value={textOf(name)}
        onChange={(value) => {
          const { [name]: _, ...rest } = config
          onChange(value === '' && (name === 'label' || name === 'unit') ? rest : { ...config, [name]: value })
        }}
      />
    </Field>
  )
  switch (gate.type) {
    case 'file_exists':
      return field('pattern', words.pattern, words.patternHint)
    case 'content_check':
      return (
        <>
          {field('file', words.file)}
          <Field label={words.sections}>
            <Textarea
              rows={4}
              value={(Array.isArray(config['requiredSections']) ? config['requiredSections'] : [])
                .map(String)
                .join('\n')}
              onChange={(text) => onChange({ ...config, requiredSections: text === '' ? [] : text.split('\n') })}
            />
          </Field>
        </>
      )
    case 'artifact_exists':
      return (
        <>
          <div className="flex items-end">
            <Select
              label={words.artifactType}
              value={textOf('artifactType')}
              onChange={(artifactType) => onChange({ ...config, artifactType })}
              of={Object.entries(ofCard.types).map(([value, label]) => ({ value, label }))}
            />
          </div>
          {field('label', words.label)}
        </>
      )
    case 'metric_threshold':
      return (
        <>
          {field('metric', words.metric)}
          <div className="flex items-end gap-2">
            <Select
              label={words.operator}
              value={textOf('operator')}
              onChange={(operator) => onChange({ ...config, operator })}
              of={['>=', '>', '<=', '<', '==', '!='].map((value) => ({ value, label: value }))}
            />
            <Threshold value={config['threshold']} onChange={(threshold) => onChange({ ...config, threshold })} />
          </div>
          {field('unit', words.unit)}
        </>
      )
    case 'custom':
      return (
        <>
          {field('tool', words.tool)}
          <LinesField
            label={words.toolInput}
            title={words.toolInput}
            names={[words.name, words.from]}
            arrow="←"
            lines={Object.entries((config['input'] ?? {}) as Record<string, string>)}
            onChange={(lines) => onChange({ ...config, input: Object.fromEntries(lines) })}
          />
        </>
      )
    default:
      return null
  }
}

/** What is typed stays; as long as it is no number, the server says so. */
function Threshold({ value, onChange }: { value: unknown; onChange: (value: unknown) => void }) {
  const [text, setText] = useState(typeof value === 'number' || typeof value === 'string' ? String(value) : '')
  return (
    <Field label={words.threshold}>
      <Input
        value={text}
        inputMode="decimal"
        onChange={(next) => {
          setText(next)
          onChange(next.trim() !== '' && Number.isFinite(Number(next)) ? Number(next) : next)
        }}
      />
    </Field>
  )
}

type Tried = Answer<'post', '/api/stage-recipes/{stage}/preview'>

/** What the gates of the saved recipe say of a card as it is now. */
export function TryGates({ stage }: { stage: string }) {
  const [cards] = useAsked('/api/cards', { query: { limit: 100 } })
  const [card, setCard] = useState<string | null>(null)
  const [tried, setTried] = useState<Tried>()
  const [busy, setBusy] = useState(false)
  const asking = useRef(0)
  async function go(id: string | null) {
    setCard(id)
    setTried(undefined)
    // Another card may be picked while one is looked at: only the last one's answer is shown.
    const nth = (asking.current += 1)
    setBusy(id !== null)
    if (id === null) return
    try {
      const body = { cardId: Number(id) }
      const answer = await ask('post', '/api/stage-recipes/{stage}/preview', { path: { stage }, body })
      if (nth === asking.current) setTried(answer)
    } catch (error) {
      tellProblem(error)
    }
    if (nth === asking.current) setBusy(false)
  }
  return (
    <Card
      title={words.preview}
      flush
      actions={
        tried === undefined ? undefined : (
          <Badge tone={tried.blocked ? 'warn' : 'good'}>{tried.blocked ? words.blocked : words.free}</Badge>
        )
      }
    >
      <div className="flex flex-col gap-2 p-4">
        <p className="text-sm text-dim">{words.previewHint}</p>
        <div className="flex items-center gap-2">
          <div className="min-w-0 flex-1">
            <Combobox
              label={words.card}
              none={words.noCard}
              value={card}
              of={(cards.data?.items ?? []).map(({ id, title }) => ({ value: String(id), label: title }))}
              onChange={(id) => void go(id)}
            />
          </div>
          {card === null ? null : (
            <Button size="small" busy={busy} onClick={() => void go(card)}>
              {words.checkAgain}
            </Button>
          )}
        </div>
      </div>
      {tried === undefined ? null : (
        <ul className="border-t border-line">
          {tried.results.map((gate) => (
            <Gate key={gate.id} gate={gate} />
          ))}
        </ul>
      )}
    </Card>
  )
}
