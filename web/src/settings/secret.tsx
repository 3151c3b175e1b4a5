/** What is shown once: a key, a link, a secret; gone from the page when it is closed. */
import type { ReactNode } from 'react'
import { Button, CodeBlock, Dialog } from '../ui/index.ts'
import { words } from '../words/settings.ts'

export function Secret({
  title,
  lead,
  text,
  onClose,
  children,
}: {
  title: string
  lead: string
  text: string
  onClose: () => void
  children?: ReactNode
}) {
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      lead={lead}
      actions={
        <Button look="primary" onClick={onClose}>
          {words.done}
        </Button>
      }
    >
      <CodeBlock text={text} label={title} />
      {children}
    </Dialog>
  )
}
