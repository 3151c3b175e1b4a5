/** How much, as a number: a piece that the first page has no need of, so it is loaded with the page that has. */
import { NumberField as BaseNumber } from '@base-ui/react/number-field'
import { Minus, Plus } from 'lucide-react'
import { useId, type ReactNode } from 'react'
import { words } from '../words/ui.ts'

export interface Amount {
  readonly value: number
  readonly onChange: (value: number) => void
  readonly min: number
  readonly max: number
  readonly step?: number
}

export function NumberField({
  label,
  hint,
  value,
  onChange,
  min,
  max,
  step = 1,
}: Omit<Amount, 'value' | 'onChange'> & {
  label: string
  hint?: ReactNode
  value: number | null
  onChange: (value: number | null) => void
}) {
  const id = useId()
  const button = 'flex w-8 items-center justify-center text-dim hover:bg-sunk hover:text-ink'
  return (
    <BaseNumber.Root
      id={id}
      value={value}
      min={min}
      max={max}
      step={step}
      onValueChange={onChange}
      className="flex flex-col gap-1"
    >
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <BaseNumber.Group className="flex h-8 w-36 overflow-clip rounded-md border border-edge bg-box focus-within:border-accent">
        <BaseNumber.Decrement aria-label={words.decrease} className={button}>
          <Minus aria-hidden size={14} />
        </BaseNumber.Decrement>
        <BaseNumber.Input className="w-full min-w-0 border-x border-line bg-transparent text-center focus-visible:outline-1 focus-visible:-outline-offset-1" />
        <BaseNumber.Increment aria-label={words.increase} className={button}>
          <Plus aria-hidden size={14} />
        </BaseNumber.Increment>
      </BaseNumber.Group>
      {hint === undefined ? null : <div className="text-sm text-dim">{hint}</div>}
    </BaseNumber.Root>
  )
}
