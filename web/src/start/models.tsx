/** Which models are asked, provider by provider: those that are ready, and what the others lack. */
import { CircleCheck, KeyRound, Plus, Search, X } from 'lucide-react'
import { useState } from 'react'
import type { Answer } from '../api.ts'
import { useAsked } from '../asked.ts'
import { dollars } from '../shown.ts'
import { Badge, Button, Field, Input, SearchInput, States } from '../ui/index.ts'
import { words } from '../words/start.ts'

type Offer = Answer<'get', '/api/models'>
const SHOWN = 8
const KEYLESS = 'fake'

interface ModelsProps {
  readonly chosen: readonly string[]
  readonly onChange: (models: readonly string[]) => void
}

export function Models({ chosen, onChange }: ModelsProps) {
  const [asked, again] = useAsked('/api/models', {})
  const [search, setSearch] = useState('')
  const toggle = (spec: string) =>
    onChange(chosen.includes(spec) ? chosen.filter((one) => one !== spec) : [...chosen, spec])
  return (
    <section>
      <h3 className="mb-1.5">
        {words.models} <span className="text-sm font-normal text-dim">· {words.chosen(chosen.length)}</span>
      </h3>
      {chosen.length === 0 ? null : (
        <ul className="mb-2 flex flex-wrap gap-1.5">
          {chosen.map((spec) => (
            <li key={spec} className="flex h-7 max-w-full items-center gap-1 rounded-md bg-wash pr-1 pl-2.5 text-sm">
              <span className="cut" title={spec}>
                {spec}
              </span>
              <button
                type="button"
                aria-label={words.drop(spec)}
                onClick={() => toggle(spec)}
                className="rounded-sm p-0.5 hover:bg-line"
              >
                <X aria-hidden size={13} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="rounded-md border border-line">
        <div className="border-b border-line p-2">
          <SearchInput label={words.searchModels} value={search} onChange={setSearch} />
        </div>
        <div className="max-h-72 overflow-y-auto" tabIndex={0} role="region" aria-label={words.models}>
          <States of={asked} again={again} lines={4}>
            {(offer) => (
              <Providers offer={offer} search={search.trim().toLowerCase()} chosen={chosen} toggle={toggle} />
            )}
          </States>
        </div>
        <Other chosen={chosen} onAdd={(spec) => onChange([...chosen, spec])} />
      </div>
    </section>
  )
}

interface ProvidersProps {
  readonly offer: Offer
  readonly search: string
  readonly chosen: readonly string[]
  readonly toggle: (spec: string) => void
}

function Providers({ offer: { models, providers }, search, chosen, toggle }: ProvidersProps) {
  const ready = providers.toSorted(
    (a, b) =>
      Number(a.failure !== null) - Number(b.failure !== null) || Number(a.id === KEYLESS) - Number(b.id === KEYLESS),
  )
  const shown = ready.flatMap((provider) => {
    const mine = models.filter(
      ({ providerId, spec, description }) =>
        providerId === provider.id && `${spec} ${description}`.toLowerCase().includes(search),
    )
    return search !== '' && mine.length === 0 ? [] : [{ provider, mine }]
  })
  if (shown.length === 0) {
    return (
      <p className="flex items-center gap-2 p-4 text-dim">
        <Search aria-hidden size={15} />
        {words.noModel}
      </p>
    )
  }
  return shown.map(({ provider, mine }) => (
    <fieldset key={provider.id} className="border-b border-line px-3 py-2.5 last:border-b-0">
      <legend className="float-left mb-1 flex w-full items-center gap-2 font-medium">
        <span
          aria-hidden
          className="flex size-6 items-center justify-center rounded-md bg-sunk text-xs font-semibold text-dim uppercase"
        >
          {provider.name.slice(0, 2)}
        </span>
        {provider.name}
        {provider.failure !== null ? (
          <Badge tone="warn" icon={KeyRound}>
            {words.notReady}
          </Badge>
        ) : (
          <Badge tone="good" icon={CircleCheck}>
            {provider.id === KEYLESS ? words.keyless : words.ready}
          </Badge>
        )}
      </legend>
      {provider.failure === null ? null : (
        <p className="clear-both text-sm text-dim">
          {provider.failure.message} {provider.failure.code === 'MISSING_API_KEY' ? words.whatToDo : ''}
        </p>
      )}
      <ul className="clear-both grid sm:grid-cols-2">
        {mine.slice(0, search === '' ? SHOWN : 60).map(({ spec, model, description, price }) => (
          <li key={spec}>
            <label className="flex items-start gap-2.5 rounded-md px-1.5 py-1 hover:bg-sunk" title={description}>
              <input
                type="checkbox"
                checked={chosen.includes(spec)}
                onChange={() => toggle(spec)}
                className="mt-1 size-4 shrink-0 accent-accent"
              />
              <span className="min-w-0">
                <span className="cut block">{model}</span>
                <span className="cut block text-xs text-dim">
                  {price === null || price.input + price.output === 0
                    ? description
                    : words.price(dollars(price.input), dollars(price.output))}
                  {price?.deprecated === true ? ` · ${words.deprecated}` : ''}
                </span>
              </span>
            </label>
          </li>
        ))}
      </ul>
      {search === '' && mine.length > SHOWN ? (
        <p className="px-1.5 text-sm text-faint">{words.more(mine.length - SHOWN)}</p>
      ) : null}
    </fieldset>
  ))
}

/** What no list names: a version, a model that is new. */
function Other({ chosen, onAdd }: { chosen: readonly string[]; onAdd: (spec: string) => void }) {
  const [text, setText] = useState('')
  const spec = text.trim()
  const ready = /^[^\s:]+:\S+$/.test(spec) && !chosen.includes(spec)
  return (
    <form
      className="flex items-end gap-2 border-t border-line p-2"
      onSubmit={(event) => {
        event.preventDefault()
        if (!ready) return
        onAdd(spec)
        setText('')
      }}
    >
      <div className="flex-1">
        <Field label={words.other}>
          <Input value={text} onChange={setText} placeholder={words.otherHint} />
        </Field>
      </div>
      <Button type="submit" icon={Plus} disabled={!ready}>
        {words.add}
      </Button>
    </form>
  )
}
