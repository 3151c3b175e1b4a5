/** Webhooks: where what happens on the board is told, and how its deliveries went. */
import { Plus, Webhook as Hook } from 'lucide-react'
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
  Input,
  Link,
  States,
  StatusBadge,
  Switch,
  tellProblem,
  useWrong,
  Time,
} from '../ui/index.ts'
import { words } from '../words/settings.ts'
import { Secret } from './secret.tsx'

type Kind = Webhook['kinds'][number]
const KINDS = Object.keys(words.kind) as Kind[]

export default function Webhooks() {
  const [asked, again] = useAsked('/api/webhooks', {})
  const [adding, setAdding] = useState(false)
  const [secret, setSecret] = useState<string>()
  const [removing, setRemoving] = useState<number>()
  const [opened, setOpened] = useState<number>()
  const refresh = () => askAgain('/api/webhooks')
  const enable = (id: number, enabled: boolean) =>
    void ask('patch', '/api/webhooks/{id}', { path: { id }, body: { enabled } }).then(refresh, tellProblem)
  const remove = (id: number) => void ask('delete', '/api/webhooks/{id}', { path: { id } }).then(refresh, tellProblem)
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
        empty={<Empty icon={Hook} title={words.noWebhooks} lead={words.noWebhooksLead} />}
      >
        {({ webhooks }) => (
          <ul>
            {webhooks.map(({ id, url, kinds, enabled, last }) => (
              <li key={id} className="border-b border-line px-4 py-3 last:border-b-0">
                <div className="flex flex-wrap items-center gap-3">
                  <span className="cut min-w-0 flex-1 font-medium" title={url}>
                    {url}
                  </span>
                  <Switch label={words.enabled} checked={enabled} onChange={(on) => enable(id, on)} />
                  <Button size="small" onClick={() => setOpened(opened === id ? undefined : id)}>
                    {words.deliveries}
                  </Button>
                  <Button size="small" look="danger" onClick={() => setRemoving(id)}>
                    {words.remove}
                  </Button>
                </div>
                <p className="mt-1 text-sm text-dim">
                  {words.kinds}:{' '}
                  {kinds.length === 0 ? words.all : kinds.map((kind) => words.kind[kind].toLowerCase()).join(', ')}
                  {last === null ? null : (
                    <>
                      {' · '}
                      {words.lastDelivery} {last.status ?? '—'} <Time at={last.deliveredAt} />
                    </>
                  )}
                </p>
                {opened === id ? <Deliveries of={id} /> : null}
              </li>
            ))}
          </ul>
        )}
      </States>
      {adding ? (
        <Add
          onClose={() => setAdding(false)}
          onMade={(made) => {
            setAdding(false)
            setSecret(made)
            refresh()
          }}
        />
      ) : null}
      {secret === undefined ? null : (
        <Secret title={words.secret} lead={words.secretLead} text={secret} onClose={() => setSecret(undefined)} />
      )}
      <ConfirmDialog
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={words.removeWebhookAsk}
        lead={words.removeWebhookLead}
        confirm={words.remove}
        onConfirm={() => remove(removing ?? 0)}
      />
    </Card>
  )
}

function Deliveries({ of: id }: { of: number }) {
  const [asked, again] = useAsked('/api/webhooks/{id}/deliveries', { path: { id }, query: { limit: 20 } })
  return (
    <States
      of={asked}
      again={again}
      isEmpty={({ items }) => items.length === 0}
      empty={<p className="mt-2 text-sm text-dim">{words.noDeliveries}</p>}
    >
      {({ items }) => (
        <ul className="mt-2 rounded-md bg-sunk">
          {items.map(({ id: delivery, kind, run, runStatus, status, createdAt }) => (
            <li key={delivery} className="flex flex-wrap items-center gap-3 px-3 py-1.5 text-sm">
              <span className="flex-1">{words.kind[kind]}</span>
              <Link href={`/runs/${run}`}>#{run}</Link>
              <StatusBadge status={runStatus} />
              {status === null ? null : <Badge tone={status < 300 ? 'good' : 'bad'}>{status}</Badge>}
              <Time at={createdAt} />
            </li>
          ))}
        </ul>
      )}
    </States>
  )
}

function Add({ onClose, onMade }: { onClose: () => void; onMade: (secret: string) => void }) {
  const [url, setUrl] = useState('')
  const [kinds, setKinds] = useState<ReadonlySet<Kind>>(new Set())
  const [busy, setBusy] = useState(false)
  const [wrong, caught] = useWrong('url')
  async function add() {
    setBusy(true)
    caught()
    try {
      const body = { url, ...(kinds.size === 0 ? {} : { kinds: [...kinds] }) }
      onMade((await ask('post', '/api/webhooks', { body })).secret)
    } catch (error) {
      caught(error)
      setBusy(false)
    }
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.addWebhook}
      lead={words.noWebhooksLead}
      actions={
        <Button look="primary" busy={busy} disabled={url.trim() === ''} onClick={() => void add()}>
          {words.addWebhook}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={words.url} problem={wrong.url}>
          <Input type="url" value={url} onChange={setUrl} placeholder="https://" autoFocus />
        </Field>
        <fieldset>
          <legend className="mb-1 text-sm font-medium">
            {words.kinds} ({kinds.size === 0 ? words.all : kinds.size})
          </legend>
          <ul className="grid gap-1.5 sm:grid-cols-2">
            {KINDS.map((kind) => (
              <li key={kind}>
                <label className="flex items-center gap-2">
                  <input
                    type="checkbox"
                    className="size-4 accent-accent"
                    checked={kinds.has(kind)}
                    onChange={({ target }) => {
                      const next = new Set(kinds)
                      if (target.checked) next.add(kind)
                      else next.delete(kind)
                      setKinds(next)
                    }}
                  />
                  {words.kind[kind]}
                </label>
              </li>
            ))}
          </ul>
        </fieldset>
      </div>
    </Dialog>
  )
}
