/** What is said in passing, at the edge: that something was done, or why not. */
import { Toast as Base } from '@base-ui/react/toast'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { problemIn, reasonsIn } from '../api.ts'
import { words } from '../words/ui.ts'

const manager = Base.createToastManager()

export function tell(title: string, description?: string): void {
  manager.add({ title, ...(description === undefined ? {} : { description }), timeout: 4_000 })
}

/** Reasons of one problem that are told. */
const MOST = 3

/** Why something was not done; it stays longer. */
export function tellProblem(error: unknown): void {
  const problem = problemIn(error)
  const { title, detail, remedy } = problem
  manager.add({
    title,
    description: [detail, ...reasonsIn(problem).slice(0, MOST), remedy]
      .filter((one) => one !== undefined && one !== title)
      .join(' '),
    type: 'bad',
    priority: 'high',
    timeout: 12_000,
  })
}

export function ToastProvider({ children }: { children: ReactNode }) {
  return (
    <Base.Provider toastManager={manager} limit={3}>
      {children}
      <Base.Portal>
        <Base.Viewport className="fixed right-4 bottom-20 z-60 flex w-[calc(100vw-2rem)] max-w-sm flex-col-reverse gap-2 sm:bottom-4">
          <Toasts />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  )
}

function Toasts() {
  const { toasts } = Base.useToastManager()
  return toasts.map((toast) => (
    <Base.Root
      key={toast.id}
      toast={toast}
      className={`raised p-3 data-limited:hidden ${toast.type === 'bad' ? 'border-l-4 border-l-bad' : 'border-l-4 border-l-accent'}`}
    >
      <Base.Content className="flex items-start gap-3">
        <div className="min-w-0 flex-1">
          <Base.Title className="font-medium" />
          <Base.Description className="text-sm text-dim" />
        </div>
        <Base.Close aria-label={words.close} className="rounded-md p-1 text-dim hover:bg-sunk">
          <X aria-hidden size={14} />
        </Base.Close>
      </Base.Content>
    </Base.Root>
  ))
}
