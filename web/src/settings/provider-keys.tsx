/** Keys of providers: set, tested, removed; never shown. */
import { useState } from 'react'
import { ask, type ProviderHealth, type ProviderKey } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Dialog,
  Field,
  Input,
  States,
  Table,
  tell,
  tellProblem,
  Time,
  useAct,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/settings.ts'

interface Row extends ProviderHealth {
  readonly n: number
  readonly keys: readonly ProviderKey[]
}

/** They are asked without a key. */
const WITHOUT = ['fake', 'cli']

export default function ProviderKeys() {
  const [asked, again] = useAsked('/api/provider-keys', {})
  const [health] = useAsked('/api/health/providers', {})
  const [filter, set] = useFilters('set')
  const [removing, setRemoving] = useState<Row>()
  const [testing, setTesting] = useState<string>()
  const rows = (health.data?.providers ?? [])
    .filter(({ id }) => !WITHOUT.includes(id))
    .map((one, n): Row => ({ ...one, n, keys: asked.data?.keys.filter(({ provider }) => provider === one.id) ?? [] }))
  const setting = rows.find(({ id }) => id === filter.set)
  async function test(id: string) {
    setTesting(id)
    try {
      const { providers } = await ask('post', '/api/health/providers', {})
      askAgain('/api/health/')
      const found = providers.find((one) => one.id === id)
      if (found?.connected === true) tell(words.answers(found.name))
      else if (found !== undefined) tell(words.answersNot(found.name), found.error?.message)
    } catch (error) {
      tellProblem(error)
    }
    setTesting(undefined)
  }
  const remove = (id: string) =>
    void ask('delete', '/api/provider-keys/{provider}', { path: { provider: id } }).then(
      () => askAgain('/api/provider-keys', '/api/health/'),
      tellProblem,
    )
  const columns: readonly Column<Row>[] = [
    {
      id: 'name',
      name: words.provider,
      fixed: true,
      cell: ({ name, error, configured }) => (
        <div className="max-w-[min(28rem,40vw)] py-0.5">
          <span className="font-medium">{name}</span>
          {configured && error !== undefined ? <p className="text-sm text-bad">{error.message}</p> : null}
        </div>
      ),
    },
    {
      id: 'key',
      name: words.key,
      fixed: true,
      cell: ({ keys }) =>
        keys.length === 0 ? (
          <Badge>{words.noKey}</Badge>
        ) : (
          <span className="flex flex-col gap-1">
            {keys.map(({ source, by, fingerprint, opens, used }) => (
              <span key={source} className="flex flex-wrap items-center gap-x-2 gap-y-1">
                <span className="font-mono text-sm" title={words.fingerprint}>
                  {fingerprint}
                </span>
                <span className="text-dim">
                  {source === 'database' ? words.inDatabase : words.inEnvironment(by)}
                  {used ? '' : `, ${words.notUsed}`}
                </span>
                {opens ? null : <Badge tone="bad">{words.notOpens}</Badge>}
              </span>
            ))}
          </span>
        ),
    },
    {
      id: 'at',
      name: words.when,
      wide: true,
      right: true,
      cell: ({ keys }) => <Time at={keys.find(({ source }) => source === 'database')?.setAt ?? null} />,
    },
    {
      id: 'do',
      name: '',
      fixed: true,
      right: true,
      cell: (row) => (
        <span className="inline-flex flex-wrap justify-end gap-1.5">
          {row.configured ? (
            <Button size="small" busy={testing === row.id} onClick={() => void test(row.id)}>
              {words.test}
            </Button>
          ) : null}
          <Button size="small" onClick={() => set('set', row.id)}>
            {words.setKey}
          </Button>
          {row.keys.some(({ source }) => source === 'database') ? (
            <Button size="small" look="danger" onClick={() => setRemoving(row)}>
              {words.remove}
            </Button>
          ) : null}
        </span>
      ),
    },
  ]
  return (
    <Card flush>
      <States of={asked} again={again} lines={6}>
        {() => (
          <>
            <Table name="provider-keys" label={words.providerKeys} columns={columns} rows={rows} idOf={({ n }) => n} />
            <p className="border-t border-line px-4 py-2.5 text-sm text-dim">{words.providerKeysLead}</p>
          </>
        )}
      </States>
      {setting === undefined ? null : <SetKey of={setting} onClose={() => set('set', '')} />}
      <ConfirmDialog
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={words.removeKeyAsk(removing?.name ?? '')}
        lead={words.removeKeyLead}
        confirm={words.remove}
        onConfirm={() => remove(removing?.id ?? '')}
      />
    </Card>
  )
}

function SetKey({ of: { id, name }, onClose }: { of: ProviderHealth; onClose: () => void }) {
  const [key, setKey] = useState('')
  const [busy, act] = useAct()
  const save = () =>
    act(async () => {
      await ask('put', '/api/provider-keys/{provider}', { path: { provider: id }, body: { key } })
      askAgain('/api/provider-keys', '/api/health/', '/api/models')
      tell(words.keyKept)
      onClose()
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.setKeyOf(name)}
      lead={words.providerKeysLead}
      actions={
        <Button look="primary" busy={busy} disabled={key.trim() === ''} onClick={save}>
          {words.save}
        </Button>
      }
    >
      <Field label={words.key}>
        <Input type="password" autoComplete="off" value={key} onChange={setKey} autoFocus />
      </Field>
    </Dialog>
  )
}
