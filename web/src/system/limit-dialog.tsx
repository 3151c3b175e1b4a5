/** How much at a time and a minute, asked for in a dialog; it counts at once. */
import { useState } from 'react'
import { ask, type Limit } from '../api.ts'
import { askAgain } from '../asked.ts'
import { Button, Dialog, Field, Input, NumberField, tell, useAct } from '../ui/index.ts'
import { words } from '../words/system.ts'

/** @param of the key; left out, it is asked for */
export function LimitDialog({ of, limit, onClose }: { of?: string; limit?: Limit | undefined; onClose: () => void }) {
  const [key, setKey] = useState(of ?? '')
  const [concurrency, setConcurrency] = useState(limit?.concurrency ?? null)
  const [requestsPerMinute, setRequests] = useState(limit?.requestsPerMinute ?? null)
  const [tokensPerMinute, setTokens] = useState(limit?.tokensPerMinute ?? null)
  const [busy, act] = useAct()
  const save = () =>
    act(async () => {
      const body = { concurrency, requestsPerMinute, tokensPerMinute }
      await ask('put', '/api/limits/{key}', { path: { key: key.trim() }, body })
      askAgain('/api/limits')
      tell(words.saved)
      onClose()
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={of === undefined ? words.addLimit : words.setLimit(of)}
      lead={words.limitsLead}
      actions={
        <Button look="primary" busy={busy} disabled={key.trim() === ''} onClick={save}>
          {words.save}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        {of === undefined ? (
          <Field label={words.limitKey} hint={words.limitKeyHint.replaceAll('`', '')}>
            <Input value={key} onChange={setKey} maxLength={200} autoFocus />
          </Field>
        ) : null}
        <NumberField
          label={words.concurrency}
          hint={words.empty}
          value={concurrency}
          onChange={setConcurrency}
          min={0}
          max={1_000_000}
        />
        <NumberField
          label={words.requests}
          value={requestsPerMinute}
          onChange={setRequests}
          min={1}
          max={1_000_000_000}
        />
        <NumberField
          label={words.tokens}
          value={tokensPerMinute}
          onChange={setTokens}
          min={1}
          max={1_000_000_000}
          step={1_000}
        />
      </div>
    </Dialog>
  )
}
