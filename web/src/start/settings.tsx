/** How much is asked, and how. */
import { ChevronRight } from 'lucide-react'
import { Field, Input, NumberField, Select, Slider, Switch } from '../ui/index.ts'
import { words } from '../words/start.ts'
import type { Form } from './form.ts'

export function Settings({ form, set }: { form: Form; set: (change: Partial<Form>) => void }) {
  return (
    <section>
      <h3 className="mb-2">{words.how}</h3>
      <div className="grid gap-x-8 gap-y-4 sm:grid-cols-2">
        <Slider
          label={words.sample}
          value={form.samplePercentage}
          min={1}
          max={100}
          shown={words.percent}
          onChange={(samplePercentage) => set({ samplePercentage })}
        />
        <NumberField
          label={words.samples}
          hint={words.samplesHint}
          value={form.samplesPerScenario}
          min={1}
          max={1_000}
          onChange={(samplesPerScenario) => set({ samplesPerScenario })}
        />
      </div>
      <details className="group mt-4">
        <summary className="flex list-none items-center gap-1 font-medium text-dim hover:text-ink">
          <ChevronRight aria-hidden size={16} className="transition-transform group-open:rotate-90" />
          {words.further}
        </summary>
        <div className="mt-3 grid gap-x-8 gap-y-4 sm:grid-cols-2">
          <Field label={words.seed} hint={words.seedHint}>
            <Input inputMode="numeric" value={form.sampleSeed} onChange={(sampleSeed) => set({ sampleSeed })} />
          </Field>
          <NumberField
            label={words.temperature}
            hint={words.temperatureHint}
            value={form.temperature}
            min={0}
            max={2}
            step={0.1}
            onChange={(temperature) => set({ temperature })}
          />
          <NumberField
            label={words.maxTokens}
            value={form.maxTokens}
            min={1}
            max={1_000_000}
            onChange={(maxTokens) => set({ maxTokens })}
          />
          <NumberField
            label={words.maxTurns}
            value={form.maxTurns}
            min={1}
            max={100}
            onChange={(maxTurns) => set({ maxTurns })}
          />
          <NumberField
            label={words.budget}
            hint={words.budgetHint}
            value={form.budget}
            min={0}
            max={1_000_000}
            onChange={(budget) => set({ budget })}
          />
          <div className="flex flex-col items-start gap-3">
            <Select
              label={words.worker}
              value={form.worker}
              onChange={(worker) => set({ worker })}
              of={[
                { value: 'inline', label: words.workers.inline },
                { value: 'python', label: words.workers.python },
              ]}
            />
            <Select
              label={words.priority}
              value={form.priority}
              onChange={(priority) => set({ priority })}
              of={(['low', 'normal', 'high'] as const).map((value) => ({ value, label: words.priorities[value] }))}
            />
            <Switch label={words.hold} checked={form.hold} onChange={(hold) => set({ hold })} />
          </div>
        </div>
      </details>
    </section>
  )
}
