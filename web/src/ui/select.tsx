/** One of several, from a list that opens; `Combobox` where one types to find it. */
import { Combobox as BaseCombobox } from '@base-ui/react/combobox'
import { Select as Base } from '@base-ui/react/select'
import { Check, ChevronsUpDown } from 'lucide-react'

const TRIGGER =
  'flex h-8 min-w-0 items-center justify-between gap-2 rounded-md border border-edge bg-box px-2.5 text-base select-none hover:border-faint data-popup-open:border-accent'
const ITEM =
  'relative flex cursor-default items-center rounded-md py-1.5 pr-3 pl-7 outline-none select-none data-highlighted:bg-sunk'

export interface Choice<T extends string> {
  readonly value: T
  readonly label: string
}

interface SelectProps<T extends string> {
  /** Its name, for who does not see; shown before the value. */
  readonly label: string
  readonly value: T
  readonly of: readonly Choice<T>[]
  readonly onChange: (value: T) => void
}

export function Select<T extends string>({ label, value, of, onChange }: SelectProps<T>) {
  return (
    <Base.Root items={of} value={value} onValueChange={(next) => next === null || onChange(next)} modal={false}>
      <Base.Trigger aria-label={label} className={TRIGGER}>
        <span className="cut">
          <span className="text-dim">{label}: </span>
          <Base.Value />
        </span>
        <Base.Icon>
          <ChevronsUpDown aria-hidden size={14} className="text-faint" />
        </Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={4} alignItemWithTrigger={false} align="start" className="z-50">
          <Base.Popup className="raised max-h-[60vh] min-w-(--anchor-width) overflow-y-auto p-1">
            <Base.List>
              {of.map((one) => (
                <Base.Item key={one.value} value={one.value} className={ITEM}>
                  <Base.ItemIndicator className="absolute left-2">
                    <Check aria-hidden size={14} />
                  </Base.ItemIndicator>
                  <Base.ItemText>{one.label}</Base.ItemText>
                </Base.Item>
              ))}
            </Base.List>
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}

interface ComboboxProps<T extends string> {
  readonly label: string
  readonly placeholder?: string
  readonly value: T | null
  readonly of: readonly Choice<T>[]
  readonly onChange: (value: T | null) => void
  /** Said when nothing is called what was typed. */
  readonly none: string
}

export function Combobox<T extends string>({ label, placeholder, value, of, onChange, none }: ComboboxProps<T>) {
  const chosen = of.find((one) => one.value === value) ?? null
  return (
    <BaseCombobox.Root<Choice<T>> items={of} value={chosen} onValueChange={(next) => onChange(next?.value ?? null)}>
      <BaseCombobox.InputGroup className={`${TRIGGER} focus-within:border-accent`}>
        <BaseCombobox.Input
          aria-label={label}
          placeholder={placeholder ?? label}
          className="w-full min-w-0 bg-transparent outline-none placeholder:text-faint"
        />
        <BaseCombobox.Trigger aria-label={label}>
          <ChevronsUpDown aria-hidden size={14} className="text-faint" />
        </BaseCombobox.Trigger>
      </BaseCombobox.InputGroup>
      <BaseCombobox.Portal>
        <BaseCombobox.Positioner sideOffset={4} align="start" className="z-50">
          <BaseCombobox.Popup
            className="raised max-h-[50vh] w-(--anchor-width) min-w-56 overflow-y-auto p-1"
            aria-label={label}
          >
            <BaseCombobox.Empty className="px-3 py-2 text-dim empty:hidden">{none}</BaseCombobox.Empty>
            <BaseCombobox.List>
              {(one: Choice<T>) => (
                <BaseCombobox.Item key={one.value} value={one} className={ITEM}>
                  <BaseCombobox.ItemIndicator className="absolute left-2">
                    <Check aria-hidden size={14} />
                  </BaseCombobox.ItemIndicator>
                  {one.label}
                </BaseCombobox.Item>
              )}
            </BaseCombobox.List>
          </BaseCombobox.Popup>
        </BaseCombobox.Positioner>
      </BaseCombobox.Portal>
    </BaseCombobox.Root>
  )
}
