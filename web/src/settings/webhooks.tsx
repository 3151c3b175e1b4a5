/** Who is called with every notification, and what was sent and answered. */
import { Plus, RotateCw, Trash2, Webhook as Hook } from 'lucide-react'
import { useState } from 'react'
import { ask, type Webhook } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Dialog,
  Empty,
  Field,
  IconButton,
  Input,
  Link,
  LoadMore,
  States,
  StatusBadge,
  Switch,
  tell,
  tellProblem,
  Time,
  useAct,
  usePages,
  useWrong,
} from '../ui/index.ts'
import { words } from '../words/settings.ts'
import { Secret } from './secret.tsx'

type Kind = Webhook['kinds'][number]
const KINDS = Object.keys(words.kindNames) as Kind[]

export default function Webhooks() {
  const [asked, again] = useAsked('/api/webhooks', {})
  const [adding, setAdding] = useState(false)
  return (
    <Card
      title={words.webhooks}
      flush
      actions={
        <Button size="small" look="primary" icon={Plus} onClick={() => setAdding(true)}>
          {words.addWebhook}
        </Button>
      }
    >
      <States
        of={asked}
        again={again}
        isEmpty={({ webhooks }) => webhooks.length === 0}
        empty={<Empty icon={Hook} title={words.noWebhooks} lead={words.webhooksLead} />}
      >
        {({ webhooks }) => (
          <ul>
            {webhooks.map((one) => (
              <One key={one.id} webhook={one} />
            ))}
          </ul>
        )}
      </States>
      {adding ? <Add onClose={() => setAdding(false)} /> : null}
    </Card>
  )
}

function One({ webhook }: { webhook: Webhook }) {
  const [open, setOpen] = useState(false)
  const [removing, setRemoving] = useState(false)
  const { id, url, kinds, enabled, last } = webhook
  async function doing(deed: Promise<unknown>) {
    try {
      await deed
    } catch (error) {
      tellProblem(error)
    }
    askAgain('/api/webhooks')
  }
  return (
    <li className="border-b border-line px-4 py-3 last:border-b-0">
      <div className="flex items-center gap-2">
        <span className="cut min-w-0 flex-1 font-mono text-sm" title={url}>
          {url}
        </span>
        <Switch
          label={words.enabled}
          checked={enabled}
          onChange={(on) => void doing(ask('patch', '/api/webhooks/{id}', { path: { id }, body: { enabled: on } }))}
        />
        <IconButton label={`${words.remove} ${url}`} icon={Trash2} size="small" onClick={() => setRemoving(true)} />
      </div>
      <p className="text-sm text-dim">
        {words.kinds}: {kinds.length === 0 ? words.allKinds : kinds.map((kind) => words.kindNames[kind]).join(', ')}
      </p>
      <p className="flex flex-wrap items-center gap-2 text-sm text-dim">
        {words.last}: {last === null ? words.notYet : <Answered status={last.status} />}
        {last?.deliveredAt == null ? null : <Time at={last.deliveredAt} />}
      </p>
      <details className="mt-1" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary className="w-fit text-sm text-dim hover:text-ink">{words.deliveries}</summary>
        {open ? <Deliveries webhook={id} /> : null}
      </details>
      <ConfirmDialog
        open={removing}
        onClose={() => setRemoving(false)}
        title={words.removeWebhook}
        lead={words.removeWebhookLead}
        confirm={words.remove}
        onConfirm={() => void doing(ask('delete', '/api/webhooks/{id}', { path: { id } }))}
      />
    </li>
  )
}

const Answered = ({ status }: { status: number | null }) => (
  <Badge tone={status === null ? 'warn' : status < 300 ? 'good' : 'bad'}>
    {status === null ? words.unanswered : words.answered(status)}
  </Badge>
)

function Deliveries({ webhook }: { webhook: number }) {
  const [asked, again, pages] = usePages(
    '/api/webhooks/{id}/deliveries',
    { path: { id: webhook }, query: { limit: 20 } },
    ({ id }) => id,
  )
  async function resend(run: number) {
    try {
      await ask('post', '/api/runs/{id}/retry', { path: { id: run }, body: { what: 'all' } })
      tell(words.sent)
    } catch (error) {
      tellProblem(error)
    }
    void again()
  }
  return (
    <States
      of={asked}
      again={again}
      isEmpty={({ items }) => items.length === 0}
      empty={<p className="py-2 text-dim">{words.noDeliveries}</p>}
    >
      {() => (
        <>
          <ul className="mt-1 rounded-md border border-line">
            {pages.items.map((one) => (
              <li
                key={one.id}
                className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1.5 text-sm last:border-b-0"
              >
                <span className="min-w-0 flex-1">
                  {words.kindNames[one.kind]} · <Link href={`/runs/${one.run}`}>{words.run(one.run)}</Link>
                </span>
                <Time at={one.deliveredAt ?? one.createdAt} />
                {one.deliveredAt === null ? <StatusBadge status={one.runStatus} /> : null}
                <Answered status={one.status} />
                <IconButton
                  label={`${words.again} (${one.id})`}
                  icon={RotateCw}
                  size="small"
                  onClick={() => void resend(one.run)}
                />
              </li>
            ))}
          </ul>
          {pages.more ? <LoadMore of={pages} /> : null}
        </>
      )}
    </States>
  )
}

function Add({ onClose }: { onClose: () => void }) {
  const [url, setUrl] = useState('')
  const [kinds, setKinds] = useState<readonly Kind[]>([])
  const [secret, setSecret] = useState<string>()
  const [wrong, caught] = useWrong('url')
  const [busy, act] = useAct(caught)
  const add = () =>
    act(async () => {
      caught()
      const made = await ask('post', '/api/webhooks', { body: { url: url.trim(), kinds } })
      setSecret(made.secret)
      askAgain('/api/webhooks')
    })
  if (secret !== undefined) {
    return <Secret title={words.secret} lead={words.secretLead} text={secret} onClose={onClose} />
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.addWebhook}
      lead={words.webhooksLead}
      actions={
        <Button look="primary" busy={busy} disabled={url.trim() === ''} onClick={add}>
          {words.addWebhook}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={words.url} problem={wrong.url} hint={words.urlHint}>
          <Input value={url} onChange={setUrl} type="url" placeholder="https://…" maxLength={2_000} />
        </Field>
        <fieldset className="flex flex-col gap-1.5">
          <legend className="mb-1 text-sm font-medium">{words.kinds}</legend>
          {KINDS.map((kind) => (
            <Switch
              key={kind}
              label={words.kindNames[kind]}
              checked={kinds.includes(kind)}
              onChange={(on) => setKinds(on ? [...kinds, kind] : kinds.filter((one) => one !== kind))}
            />
          ))}
          <p className="text-sm text-dim">{words.kindsHint}</p>
        </fieldset>
      </div>
    </Dialog>
  )
}
