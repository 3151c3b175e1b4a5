/** What opens above the page and takes the focus until it is answered. */
import { AlertDialog } from '@base-ui/react/alert-dialog'
import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import { useRef, type KeyboardEvent, type ReactNode } from 'react'
import { words } from '../words/ui.ts'
import { Button } from './button.tsx'

const BACKDROP =
  'fixed inset-0 z-40 bg-veil transition-opacity duration-150 data-starting-style:opacity-0 data-ending-style:opacity-0'
const POPUP = 'raised fixed top-[8vh] left-1/2 z-40 flex max-h-[84vh] w-[calc(100vw-2rem)] -translate-x-1/2 flex-col'

interface DialogProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  readonly lead?: ReactNode
  readonly wide?: boolean
  /** The buttons below. */
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** What is filled in, then what is done; where there is neither, the dialog itself, so that keys scroll it. */
const FIRST = ['input, textarea, [role=combobox], [role=slider]', 'button, a[href]']

const LINES = ['text', 'email', 'url', 'password', 'number']

export function Dialog({ open, onClose, title, lead, wide = false, actions, children }: DialogProps) {
  const body = useRef<HTMLDivElement>(null)
  const foot = useRef<HTMLElement>(null)
  const first = () => {
    for (const box of [body.current, foot.current]) {
      for (const what of FIRST) {
        const found = box?.querySelector<HTMLElement>(`:is(${what}):not(:disabled, [type=hidden], [tabindex='-1'])`)
        if (found !== null && found !== undefined) return found
      }
    }
    return true
  }
  // Enter does what the last button does, from any line that is filled in; where much is to be
  // chosen, and in a text of many lines, only together with Control or Command.
  function enter(event: KeyboardEvent) {
    if (event.key !== 'Enter' || event.defaultPrevented || event.nativeEvent.isComposing) return
    const { target } = event
    const line = target instanceof HTMLInputElement && LINES.includes(target.type) && target.form === null
    if (!(event.ctrlKey || event.metaKey) && (wide || !line || target.role === 'combobox')) return
    const deed = [...(foot.current?.querySelectorAll('button') ?? [])].at(-1)
    if (deed === undefined || deed.disabled) return
    event.preventDefault()
    deed.click()
  }
  return (
    <Base.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Base.Portal>
        <Base.Backdrop className={BACKDROP} />
        <Base.Popup
          initialFocus={(by) => by === 'touch' || first()}
          onKeyDown={enter}
          className={`${POPUP} ${wide ? 'max-w-3xl' : 'max-w-lg'}`}
        >
          <header className="flex items-start justify-between gap-4 px-5 pt-4 pb-3">
            <div>
              <Base.Title className="text-lg">{title}</Base.Title>
              {lead === undefined ? null : <Base.Description className="mt-0.5 text-dim">{lead}</Base.Description>}
            </div>
            <Base.Close
              aria-label={words.close}
              className="shrink-0 rounded-md p-1.5 text-dim hover:bg-sunk hover:text-ink"
            >
              <X aria-hidden size={16} />
            </Base.Close>
          </header>
          <div ref={body} className="min-h-0 overflow-y-auto px-5 pb-5">
            {children}
          </div>
          {actions === undefined ? null : (
            <footer ref={foot} className="flex justify-end gap-2 border-t border-line bg-sunk px-5 py-3">
              {actions}
            </footer>
          )}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

interface ConfirmProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  /** What will be, and whether it can be undone. */
  readonly lead: ReactNode
  /** The word of the deed itself. */
  readonly confirm: string
  readonly onConfirm: () => void
  readonly danger?: boolean
}

/** Asked before what hurts. */
export function ConfirmDialog({ open, onClose, title, lead, confirm, onConfirm, danger = true }: ConfirmProps) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={BACKDROP} />
        <AlertDialog.Popup className={`${POPUP} max-w-md`}>
          <div className="px-5 pt-4 pb-5">
            <AlertDialog.Title className="text-lg">{title}</AlertDialog.Title>
            <AlertDialog.Description className="mt-1 text-dim">{lead}</AlertDialog.Description>
          </div>
          <footer className="flex justify-end gap-2 border-t border-line bg-sunk px-5 py-3">
            <AlertDialog.Close render={<Button>{words.keep}</Button>} />
            <Button
              look={danger ? 'danger' : 'primary'}
              onClick={() => {
                onConfirm()
                onClose()
              }}
            >
              {confirm}
            </Button>
          </footer>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
