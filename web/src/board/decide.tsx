/** What a person may say to a run that waits for him; asked once more, with the reason that is kept. */
import { CircleCheck, CircleX, RotateCw } from 'lucide-react'
import { useState } from 'react'
import { ask, type WaitingRun } from '../api.ts'
import { askAgain } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import { Button, Dialog, Field, tell, tellProblem, Textarea, useAct } from '../ui/index.ts'
import { words } from '../words/card.ts'

export type Verb = 'approve' | 'pass' | 'reject' | 'cancel'
type Action = 'approve' | 'cancel' | 'retry' | 'pause' | 'resume'

/** Says one word to a run, and has everything asked again that may look otherwise now. */
export async function act(
  run: number,
  card: number,
  action: Action,
  done: string,
  more: { reason?: string; seen?: { digest: string; cardVersion: number } } = {},
): Promise<boolean> {
  let well = true
  try {
    await ask('post', '/api/runs/{id}', { path: { id: run }, body: { action, ...more } })
    tell(done)
  } catch (error) {
    well = false
    tellProblem(error)
  }
  askAgain(`/api/runs/${run}`, '/api/runs?', `/api/cards/${card}`, '/api/board', '/api/approvals', '/api/notifications')
  return well
}

type Waits = Pick<WaitingRun, 'run' | 'awaits' | 'digest' | 'card' | 'openQuestions'>

/** The buttons for it. */
export function Decide({ waits, small = false }: { waits: Waits; small?: boolean }) {
  const allowed = may(useMe(), 'runs:write')
  const [verb, setVerb] = useState<Verb>()
  const [busy, once] = useAct()
  const { run, awaits, card } = waits
  if (!allowed) return null
  const size = small ? 'small' : 'normal'
  return (
    <>
      {awaits === 'approval' ? (
        <Button size={size} look="primary" icon={CircleCheck} onClick={() => setVerb('approve')}>
          {words.approve}
        </Button>
      ) : (
        <Button
          size={size}
          look="primary"
          icon={RotateCw}
          busy={busy}
          disabled={waits.openQuestions > 0}
          onClick={() => once(() => act(run, card.id, 'retry', words.done.again))}
        >
          {words.again}
        </Button>
      )}
      {awaits === 'review' ? (
        <Button size={size} icon={CircleCheck} onClick={() => setVerb('pass')}>
          {words.pass}
        </Button>
      ) : null}
      <Button size={size} look="danger" icon={CircleX} onClick={() => setVerb('reject')}>
        {words.reject}
      </Button>
      {verb === undefined ? null : <Reason verb={verb} waits={waits} onClose={() => setVerb(undefined)} />}
    </>
  )
}

const ASKS = {
  approve: [words.ask.approve, words.ask.approveLead, words.approve, words.done.approve],
  pass: [words.ask.pass, words.ask.passLead, words.pass, words.done.pass],
  reject: [words.ask.reject, words.ask.rejectLead, words.reject, words.done.cancel],
  cancel: [words.ask.cancel, words.ask.cancelLead, words.cancel, words.done.cancel],
} as const

/** Passing a gate and rejecting need a reason; the others may have one. */
const NEEDED: readonly Verb[] = ['pass', 'reject']

export function Reason({
  verb,
  waits,
  onClose,
}: {
  verb: Verb
  waits: Pick<Waits, 'run' | 'card'> & { digest?: string }
  onClose: () => void
}) {
  const [reason, setReason] = useState('')
  const [busy, once] = useAct()
  const [title, lead, word, done] = ASKS[verb]
  const needed = NEEDED.includes(verb)
  const said = reason.trim()
  const go = () =>
    once(async () => {
      const approves = verb === 'approve' || verb === 'pass'
      const well = await act(waits.run, waits.card.id, approves ? 'approve' : 'cancel', done, {
        ...(said === '' ? {} : { reason: said }),
        ...(approves && waits.digest !== undefined
          ? { seen: { digest: waits.digest, cardVersion: waits.card.version } }
          : {}),
      })
      if (well) onClose()
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      lead={lead}
      actions={
        <Button
          look={verb === 'approve' || verb === 'pass' ? 'primary' : 'danger'}
          busy={busy}
          disabled={needed && said === ''}
          onClick={go}
        >
          {word}
        </Button>
      }
    >
      <Field label={words.ask.reason} hint={needed ? words.ask.needed : words.ask.optional}>
        <Textarea value={reason} onChange={setReason} rows={3} maxLength={2_000} />
      </Field>
    </Dialog>
  )
}
