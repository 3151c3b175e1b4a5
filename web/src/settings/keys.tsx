/** One's keys for programs: made with scopes, shown once, revoked. */
import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import { ask, type Answer, type Given } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useMe, workspaceOf } from '../shell/me.ts'
import {
  Badge,
  Button,
  Card,
  CodeBlock,
  ConfirmDialog,
  Dialog,
  Empty,
  Field,
  Input,
  NumberField,
  States,
  Table,
  tellProblem,
  Time,
  useAct,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/settings.ts'
import { Secret } from './secret.tsx'

type Key = Answer<'get', '/api/me/keys'>['keys'][number]
type Scope = Given<'post', '/api/me/keys'>['body']['scopes'][number]
const SCOPES = Object.keys(words.scope) as Scope[]
const nameOf = (scope: string) => (words.scope as Readonly<Record<string, string>>)[scope] ?? scope

export default function Keys() {
  const [asked, again] = useAsked('/api/me/keys', {})
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<string>()
  const [revoking, setRevoking] = useState<Key>()
  const columns: readonly Column<Key>[] = [
    {
      id: 'name',
      name: words.name,
      fixed: true,
      by: ({ name }) => name,
      cell: ({ name, id }) => (
        <span className="cut block max-w-xs" title={name}>
          <span className="font-medium">{name}</span> <span className="font-mono text-sm text-faint">{id}</span>
        </span>
      ),
    },
    { id: 'state', name: words.state, fixed: true, cell: (key) => <State of={key} /> },
    {
      id: 'scopes',
      name: words.scopes,
      wide: true,
      cell: ({ scopes }) => (
        <span className="cut block max-w-sm text-dim" title={scopes.map(nameOf).join(', ')}>
          {scopes.map(nameOf).join(', ')}
        </span>
      ),
    },
    {
      id: 'used',
      name: words.used,
      right: true,
      wide: true,
      cell: ({ usedAt }) =>
        usedAt === null ? <span className="text-faint">{words.never}</span> : <Time at={usedAt} />,
    },
    { id: 'ends', name: words.expires, right: true, wide: true, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
    {
      id: 'do',
      name: '',
      fixed: true,
      right: true,
      cell: (key) =>
        key.revokedAt === null && Date.parse(key.expiresAt) > Date.now() ? (
          <Button size="small" look="danger" onClick={() => setRevoking(key)}>
            {words.revoke}
          </Button>
        ) : null,
    },
  ]
  const revoke = (id: string) =>
    void ask('delete', '/api/me/keys/{id}', { path: { id } }).then(() => askAgain('/api/me/keys'), tellProblem)
  return (
    <Card
      title={words.keys}
      flush
      actions={
        <Button size="small" look="primary" icon={Plus} onClick={() => setMaking(true)}>
          {words.makeKey}
        </Button>
      }
    >
      <States
        of={asked}
        again={again}
        isEmpty={({ keys }) => keys.length === 0}
        empty={<Empty icon={KeyRound} title={words.noKeys} lead={words.keysLead} />}
      >
        {({ keys }) => (
          <Table name="keys" label={words.keys} columns={columns} rows={keys} idOf={(key) => keys.indexOf(key)} />
        )}
      </States>
      {making ? (
        <Make
          onClose={() => setMaking(false)}
          onMade={(key) => {
            setMaking(false)
            setMade(key)
          }}
        />
      ) : null}
      {made === undefined ? null : (
        <Secret title={words.keyMade} lead={words.keyMadeLead} text={made} onClose={() => setMade(undefined)}>
          <p className="mt-4 mb-1.5 text-sm text-dim">{words.keyUse}</p>
          <CodeBlock
            label={words.keyUse}
            text={`curl -H 'authorization: Bearer ${made}' ${location.origin}/api/runs`}
          />
        </Secret>
      )}
      <ConfirmDialog
        open={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={words.revokeAsk(revoking?.name ?? '')}
        lead={words.revokeLead}
        confirm={words.revoke}
        onConfirm={() => revoke(revoking?.id ?? '')}
      />
    </Card>
  )
}

function State({ of: { revokedAt, expiresAt } }: { of: Key }) {
  if (revokedAt !== null) return <Badge>{words.revoked}</Badge>
  if (Date.parse(expiresAt) <= Date.now()) return <Badge tone="warn">{words.expired}</Badge>
  return <Badge tone="good">{words.active}</Badge>
}

function Make({ onClose, onMade }: { onClose: () => void; onMade: (key: string) => void }) {
  const me = useMe()
  const workspace = workspaceOf(me)
  const [name, setName] = useState('')
  const [days, setDays] = useState<number | null>(90)
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set(['runs:read']))
  const [busy, act] = useAct()
  const make = () =>
    act(async () => {
      const { key } = await ask('post', '/api/me/keys', {
        body: {
          name,
          scopes: [...scopes],
          days: days ?? 90,
          ...(workspace === undefined || workspace.role === null ? {} : { workspace: workspace.id }),
        },
      })
      askAgain('/api/me/keys')
      onMade(key)
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.makeKey}
      lead={words.keysLead}
      actions={
        <Button look="primary" busy={busy} disabled={name.trim() === '' || scopes.size === 0} onClick={make}>
          {words.makeKey}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={words.keyName} hint={words.keyNameHint.replaceAll('`', '')}>
          <Input value={name} onChange={setName} maxLength={100} autoFocus />
        </Field>
        <fieldset>
          <legend className="mb-1 text-sm font-medium">{words.scopes}</legend>
          <ul className="grid gap-x-4 gap-y-1.5 sm:grid-cols-2">
            {SCOPES.map((scope) => (
              <li key={scope}>
                <label className="flex items-center gap-2">
                  <input
                    type="checkbox"
                    className="size-4 accent-accent"
                    checked={scopes.has(scope)}
                    onChange={({ target }) => {
                      const next = new Set(scopes)
                      if (target.checked) next.add(scope)
                      else next.delete(scope)
                      setScopes(next)
                    }}
                  />
                  {words.scope[scope]}
                </label>
              </li>
            ))}
          </ul>
        </fieldset>
        <NumberField label={words.days} value={days} onChange={setDays} min={1} max={730} />
      </div>
    </Dialog>
  )
}
