/** Which definition is asked; and where there is none, how to get one. */
import { Sparkles } from 'lucide-react'
import example from '../../../examples/value-dilemma/definition.yaml?raw'
import { fetched, type Definition } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { Button, ButtonLink, Combobox, States, useAct } from '../ui/index.ts'
import { words } from '../words/start.ts'
import type { Form } from './form.ts'

const MOST = 200

interface DefinitionsProps {
  readonly form: Form
  readonly set: (change: Partial<Form>) => void
  readonly onLeave: () => void
}

export function Definitions({ form, set, onLeave }: DefinitionsProps) {
  const [asked, again] = useAsked('/api/definitions', { query: { limit: MOST } })
  const [busy, act] = useAct()
  const take = () =>
    act(async () => {
      const kept = (await fetched('/api/definitions/import', {
        method: 'POST',
        body: example,
        type: 'application/yaml',
      })) as Definition
      askAgain('/api/definitions')
      set({ definition: kept.id, version: null })
    })
  return (
    <section>
      <h3 className="mb-1.5">{words.definition}</h3>
      <States
        of={asked}
        again={again}
        lines={1}
        isEmpty={({ items }) => items.length === 0}
        empty={
          <div className="rounded-md bg-wash p-4">
            <p className="font-medium">{words.none.title}</p>
            <p className="mb-3 text-dim">{words.none.lead}</p>
            <div className="flex flex-wrap gap-2">
              <Button look="primary" icon={Sparkles} busy={busy} onClick={take}>
                {words.none.example}
              </Button>
              <span onClickCapture={onLeave}>
                <ButtonLink href="/definitions/new">{words.none.write}</ButtonLink>
              </span>
            </div>
          </div>
        }
      >
        {({ items }) => (
          <div className="flex flex-wrap items-center gap-3">
            <div className="w-full max-w-lg">
              <Combobox
                label={words.chooseDefinition}
                value={form.definition === null ? null : String(form.definition)}
                none={words.noDefinition}
                of={items.map(({ id, name }) => ({ value: String(id), label: `${name} · #${id}` }))}
                onChange={(value) => set({ definition: value === null ? null : Number(value), version: null })}
              />
            </div>
            {form.version === null ? null : <span className="text-sm text-dim">{words.version(form.version)}</span>}
          </div>
        )}
      </States>
    </section>
  )
}
