/** What is filled in: each with its name, what it is for, and what is wrong with it. */
import { Field as Base } from '@base-ui/react/field'
import { Switch as BaseSwitch } from '@base-ui/react/switch'
import { Search } from 'lucide-react'
import { useEffect, useState, type ComponentProps, type ReactNode } from 'react'

const BOX =
  'w-full rounded-md border border-edge bg-box px-2.5 text-base text-ink placeholder:text-faint hover:border-faint focus-visible:border-accent focus-visible:outline-1 focus-visible:-outline-offset-1 data-invalid:border-bad disabled:bg-sunk disabled:text-dim'

interface FieldProps {
  readonly label: string
  /** What it is for, in a sentence. */
  readonly hint?: ReactNode
  /** What is wrong with what was given. */
  readonly problem?: string | undefined
  readonly children: ReactNode
}

export function Field({ label, hint, problem, children }: FieldProps) {
  return (
    <Base.Root invalid={problem !== undefined} className="flex flex-col gap-1">
      <Base.Label className="text-sm font-medium">{label}</Base.Label>
      {children}
      {hint === undefined ? null : <Base.Description className="text-sm text-dim">{hint}</Base.Description>}
      <Base.Error match={problem !== undefined} className="text-sm text-bad">
        {problem}
      </Base.Error>
    </Base.Root>
  )
}

type InputProps = Omit<ComponentProps<'input'>, 'className' | 'onChange' | 'value' | 'defaultValue'> & {
  value: string
  onChange: (value: string) => void
}

/** Inside a `Field`. */
export function Input({ value, onChange, ...rest }: InputProps) {
  return <Base.Control {...rest} value={value} onValueChange={onChange} className={`${BOX} h-8`} />
}

type TextareaProps = Omit<ComponentProps<'textarea'>, 'className' | 'onChange' | 'value'> & {
  value: string
  mono?: boolean
  onChange: (value: string) => void
}

export function Textarea({ value, onChange, mono = false, ...rest }: TextareaProps) {
  return (
    <Base.Control
      render={<textarea {...rest} rows={rest.rows ?? 5} />}
      value={value}
      onValueChange={onChange}
      className={`${BOX} py-1.5 ${mono ? 'font-mono text-sm' : ''}`}
    />
  )
}

/** Stands alone, above a list; its name is for who does not see. */
export function SearchInput({ label, value, onChange, ...rest }: InputProps & { label: string }) {
  return (
    <div className="relative min-w-0">
      <Search
        aria-hidden
        size={15}
        className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-faint"
      />
      <input
        {...rest}
        type="search"
        aria-label={label}
        placeholder={rest.placeholder ?? label}
        value={value}
        onChange={({ target }) => onChange(target.value)}
        className={`${BOX} h-8 pl-8`}
      />
    </div>
  )
}

/** Milliseconds. */
const PAUSE = 200

/** Told when whoever types pauses: what is looked for by the server need not be asked letter by letter. */
export function PausedSearch({
  label,
  value,
  onChange,
}: {
  label: string
  value: string
  onChange: (value: string) => void
}) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text === value) return undefined
    const timer = setTimeout(() => onChange(text), PAUSE)
    return () => clearTimeout(timer)
  }, [text])
  return <SearchInput label={label} value={text} onChange={setText} />
}

export function Switch({
  label,
  checked,
  onChange,
  disabled = false,
}: {
  label: ReactNode
  checked: boolean
  onChange: (checked: boolean) => void
  disabled?: boolean
}) {
  return (
    <label className="inline-flex items-center gap-2 select-none">
      <BaseSwitch.Root
        checked={checked}
        disabled={disabled}
        onCheckedChange={onChange}
        className="flex h-5 w-9 shrink-0 rounded-full border border-transparent bg-edge p-0.5 transition-colors data-checked:bg-accent data-disabled:opacity-50"
      >
        <BaseSwitch.Thumb className="size-3.5 rounded-full bg-box transition-transform data-checked:translate-x-4" />
      </BaseSwitch.Root>
      {label}
    </label>
  )
}

/** A box that is ticked, in rows and lists. */
export function Checkbox({
  label,
  checked,
  some = false,
  onChange,
}: {
  label: string
  checked: boolean
  some?: boolean
  onChange: (checked: boolean) => void
}) {
  return (
    <input
      type="checkbox"
      aria-label={label}
      checked={checked}
      ref={(box) => {
        if (box !== null) box.indeterminate = some && !checked
      }}
      onChange={({ target }) => onChange(target.checked)}
      onClick={(event) => event.stopPropagation()}
      className="block size-4 accent-accent"
    />
  )
}
