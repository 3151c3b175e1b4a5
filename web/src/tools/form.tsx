/** A form made from the schema of what a tool takes; what is wrong is told at its field. */
import { Upload } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button, Field, Input, NumberField, Select, Switch, tellProblem, Textarea } from '../ui/index.ts'
import { words } from '../words/tools.ts'
import { saidOf, sortOf, type JsonSchema } from './schema.ts'

export type Values = Readonly<Record<string, unknown>>

interface FormProps {
  readonly schema: JsonSchema
  readonly value: Values
  readonly onChange: (value: Values) => void
  /** By pointer. */
  readonly issues: ReadonlyMap<string, string>
  readonly above?: string
}

export function Form({ schema, value, onChange, issues, above = '' }: FormProps) {
  const fields = Object.entries(schema.properties ?? {})
  return (
    <div className="flex flex-col gap-4">
      {fields.map(([name, one]) => (
        <One
          key={name}
          name={name}
          schema={one}
          required={schema.required?.includes(name) === true && one.default === undefined}
          value={value[name]}
          issues={issues}
          at={`${above}/${name}`}
          onChange={(next) => {
            const { [name]: _, ...rest } = value
            onChange(next === undefined ? rest : { ...value, [name]: next })
          }}
        />
      ))}
    </div>
  )
}

interface OneProps {
  readonly name: string
  readonly schema: JsonSchema
  readonly required: boolean
  readonly value: unknown
  readonly at: string
  readonly issues: ReadonlyMap<string, string>
  /** Undefined: left out. */
  readonly onChange: (value: unknown) => void
}

/** A longer text gets a box of lines, and a file can be put into it. */
const LONG = 300

function One({ name, schema, required, value, at, issues, onChange }: OneProps) {
  const problem = problemUnder(issues, at, sortOf(schema) === 'group')
  // A switch shows by itself what it is otherwise.
  const otherwise =
    schema.default === undefined || sortOf(schema) === 'switch'
      ? undefined
      : words.orDefault(JSON.stringify(schema.default))
  const hint = [schema.description, otherwise].filter((part) => part !== undefined).join(' · ')
  const label = required ? `${name} *` : name
  const shared = { label, problem, ...(hint === '' ? {} : { hint }) }
  switch (sortOf(schema)) {
    case 'number':
      return (
        <div>
          <NumberField
            label={label}
            {...(hint === '' ? {} : { hint })}
            value={typeof value === 'number' ? value : null}
            onChange={(next) => onChange(next ?? undefined)}
            min={schema.minimum ?? Number.MIN_SAFE_INTEGER}
            max={schema.maximum ?? Number.MAX_SAFE_INTEGER}
          />
          {problem === undefined ? null : <p className="mt-1 text-sm text-bad">{problem}</p>}
        </div>
      )
    case 'switch':
      return (
        <div>
          <Switch label={label} checked={(value ?? schema.default) === true} onChange={onChange} />
          {hint === '' ? null : <p className="mt-1 text-sm text-dim">{hint}</p>}
          {problem === undefined ? null : <p className="text-sm text-bad">{problem}</p>}
        </div>
      )
    case 'choice':
      return (
        <div className="flex flex-col items-start gap-1">
          <Select
            label={label}
            value={typeof value === 'string' ? value : ''}
            onChange={(next) => onChange(next === '' ? undefined : next)}
            of={[
              { value: '', label: words.notSet },
              ...(schema.enum ?? []).map((one) => ({ value: String(one), label: shownChoice(String(one)) })),
            ]}
          />
          {hint === '' ? null : <p className="text-sm text-dim">{hint}</p>}
          {problem === undefined ? null : <p className="text-sm text-bad">{problem}</p>}
        </div>
      )
    case 'text': {
      const text = typeof value === 'string' ? value : ''
      const change = (next: string) => onChange(next === '' && !required ? undefined : next)
      if ((schema.maxLength ?? LONG) <= LONG && schema.maxLength !== undefined)
        return (
          <Field {...shared}>
            <Input value={text} onChange={change} />
          </Field>
        )
      if (schema.format !== undefined)
        return (
          <Field {...shared}>
            <Input value={text} onChange={change} placeholder={schema.format} />
          </Field>
        )
      return (
        <div className="flex flex-col gap-1.5">
          <Field {...shared}>
            <Textarea value={text} onChange={change} rows={text.length > 200 ? 8 : 4} />
          </Field>
          <FileButton name={name} base64={/base64/i.test(schema.description ?? '')} onLoad={onChange} />
        </div>
      )
    }
    case 'lines':
      return (
        <Field {...shared} hint={hint === '' ? words.linesHint : `${hint} · ${words.linesHint}`}>
          <Textarea
            value={Array.isArray(value) ? value.join('\n') : ''}
            onChange={(next) => onChange(next === '' && !required ? undefined : next.split('\n'))}
            rows={3}
          />
        </Field>
      )
    case 'group':
      return (
        <fieldset className="rounded-md border border-line p-3">
          <legend className="px-1 text-sm font-medium">{label}</legend>
          {hint === '' ? null : <p className="mb-2 text-sm text-dim">{hint}</p>}
          <Form
            schema={schema}
            value={typeof value === 'object' && value !== null ? (value as Values) : {}}
            onChange={(next) => onChange(Object.keys(next).length === 0 && !required ? undefined : next)}
            issues={issues}
            above={at}
          />
          {problem === undefined ? null : <p className="mt-2 text-sm text-bad">{problem}</p>}
        </fieldset>
      )
    default:
      return <AsJson {...shared} said={saidOf(schema)} value={value} onChange={onChange} />
  }
}

function AsJson({
  said,
  value,
  onChange,
  hint,
  problem,
  label,
}: {
  label: string
  hint?: string
  problem: string | undefined
  said: string
  value: unknown
  onChange: (value: unknown) => void
}) {
  const [text, setText] = useState(value === undefined ? '' : JSON.stringify(value, null, 2))
  const wrong = text.trim() !== '' && parsed(text) === undefined
  return (
    <Field
      label={label}
      hint={[hint, said, words.jsonHint].filter((one) => one !== undefined).join(' · ')}
      problem={wrong ? words.notJson : problem}
    >
      <Textarea
        mono
        value={text}
        onChange={(next) => {
          setText(next)
          const found = parsed(next)
          if (next.trim() === '') onChange(undefined)
          else if (found !== undefined) onChange(found.value)
        }}
      />
    </Field>
  )
}

/** The value in a text, or nothing. */
export function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

function FileButton({ name, base64, onLoad }: { name: string; base64: boolean; onLoad: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <div>
      <input
        ref={input}
        type="file"
        aria-label={`${words.load}: ${name}`}
        className="hidden"
        onChange={({ target }) => {
          const [file] = target.files ?? []
          if (file === undefined) return
          const loaded = base64 ? asBase64(file) : file.text()
          loaded.then(onLoad, tellProblem)
          target.value = ''
        }}
      />
      <Button size="small" look="quiet" icon={Upload} onClick={() => input.current?.click()}>
        {words.load}
      </Button>
    </div>
  )
}

async function asBase64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  let text = ''
  // As many as a call takes arguments.
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192))
  return btoa(text)
}

const shownChoice = (one: string) => (one === '\t' ? 'tab' : one === '' ? '""' : one)

/** What is wrong with it; of a part that has fields of its own, only what is not told there. */
function problemUnder(issues: ReadonlyMap<string, string>, at: string, group: boolean): string | undefined {
  const own = issues.get(at)
  if (own !== undefined || group) return own
  const below = [...issues].filter(([pointer]) => pointer.startsWith(`${at}/`))
  return below.length === 0 ? undefined : below.map(([pointer, message]) => `${pointer}: ${message}`).join('; ')
}
