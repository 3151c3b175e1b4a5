/** A new card. */
import { useState } from 'react'
import { ask, type CardHead } from '../api.ts'
import { askAgain } from '../asked.ts'
import { Button, Dialog, Field, Input, Select, tell, Textarea, useAct } from '../ui/index.ts'
import { words } from '../words/board.ts'
import { whatBegan } from './moving.ts'

interface AddCardProps {
  readonly stage: string
  readonly stages: readonly { readonly key: string; readonly name: string }[]
  readonly onClose: () => void
}

export function AddCard({ stage: first, stages, onClose }: AddCardProps) {
  const [title, setTitle] = useState('')
  const [description, setDescription] = useState('')
  const [stage, setStage] = useState(first)
  const [priority, setPriority] = useState<CardHead['priority']>('medium')
  const [busy, act] = useAct()
  const ready = title.trim() !== ''
  const add = () =>
    act(async () => {
      if (!ready) return
      const { run } = await ask('post', '/api/cards', {
        body: { title: title.trim(), stage, priority, ...(description.trim() === '' ? {} : { description }) },
      })
      tell(words.new.added, whatBegan({ run, notStarted: null }))
      askAgain('/api/board', '/api/cards')
      onClose()
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.add}
      actions={
        <Button look="primary" busy={busy} disabled={!ready} onClick={add}>
          {words.new.submit}
        </Button>
      }
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          add()
        }}
      >
        <Field label={words.new.title} hint={words.new.titleHint}>
          <Input value={title} onChange={setTitle} maxLength={300} autoFocus />
        </Field>
        <Field label={words.new.description} hint={words.new.descriptionHint}>
          <Textarea value={description} onChange={setDescription} rows={7} maxLength={100_000} />
        </Field>
        <div className="flex flex-wrap gap-3">
          <Select
            label={words.stage}
            value={stage}
            onChange={setStage}
            of={stages.map(({ key, name }) => ({ value: key, label: name }))}
          />
          <Select label={words.priority} value={priority} onChange={setPriority} of={PRIORITY_CHOICES} />
        </div>
      </form>
    </Dialog>
  )
}

export const PRIORITY_CHOICES = (['urgent', 'high', 'medium', 'low'] as const).map((value) => ({
  value,
  label: words.priorities[value],
}))
