/** A short list of things to do, opened by a button. */
import { Menu as Base } from '@base-ui/react/menu'
import { Check, type LucideIcon } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'

const ITEM =
  'flex cursor-default items-center gap-2 rounded-md px-2 py-1.5 text-base select-none outline-none data-highlighted:bg-sunk data-disabled:opacity-50'

export interface MenuEntry {
  readonly name: string
  readonly icon?: LucideIcon
  readonly danger?: boolean
  readonly disabled?: boolean
  readonly onSelect: () => void
}

export function Menu({
  trigger,
  children,
  align = 'end',
}: {
  trigger: ReactElement
  children: ReactNode
  align?: 'start' | 'end'
}) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align={align} className="z-50">
          <Base.Popup className="raised max-h-[60vh] min-w-44 overflow-y-auto p-1">{children}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}

export function MenuItems({ of }: { of: readonly MenuEntry[] }) {
  return of.map(({ name, icon: Icon, danger, disabled, onSelect }) => (
    <Base.Item
      key={name}
      disabled={disabled === true}
      onClick={onSelect}
      className={`${ITEM} ${danger === true ? 'text-bad' : ''}`}
    >
      {Icon === undefined ? null : <Icon aria-hidden size={15} className="text-dim" />}
      {name}
    </Base.Item>
  ))
}

/** One of several. */
export function MenuChoice<T extends string>({
  label,
  value,
  of,
  onChange,
}: {
  label: string
  value: T
  of: readonly (readonly [T, string])[]
  onChange: (value: T) => void
}) {
  return (
    <Base.Group>
      <Base.GroupLabel className="px-2 pt-1.5 pb-0.5 text-xs text-faint">{label}</Base.GroupLabel>
      <Base.RadioGroup value={value} onValueChange={(next: T) => onChange(next)}>
        {of.map(([one, name]) => (
          <Base.RadioItem key={one} value={one} closeOnClick className={`${ITEM} pl-7 relative`}>
            <Base.RadioItemIndicator className="absolute left-2">
              <Check aria-hidden size={14} />
            </Base.RadioItemIndicator>
            {name}
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  )
}

/** Any of several. */
export function MenuChecks({
  label,
  of,
}: {
  label: string
  of: readonly { name: string; checked: boolean; onChange: (checked: boolean) => void }[]
}) {
  return (
    <Base.Group>
      <Base.GroupLabel className="px-2 pt-1.5 pb-0.5 text-xs text-faint">{label}</Base.GroupLabel>
      {of.map(({ name, checked, onChange }) => (
        <Base.CheckboxItem
          key={name}
          checked={checked}
          onCheckedChange={onChange}
          closeOnClick={false}
          className={`${ITEM} pl-7 relative`}
        >
          <Base.CheckboxItemIndicator className="absolute left-2">
            <Check aria-hidden size={14} />
          </Base.CheckboxItemIndicator>
          {name}
        </Base.CheckboxItem>
      ))}
    </Base.Group>
  )
}

export const MenuLine = () => <Base.Separator className="my-1 h-px bg-line" />
