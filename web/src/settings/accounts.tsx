/** Accounts and workspaces of the whole installation, for who runs it. */
import { UserPlus } from 'lucide-react'
import { useState } from 'react'
import { ask, type Answer } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useMe } from '../shell/me.ts'
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Dialog,
  Field,
  Input,
  States,
  Switch,
  Table,
  tell,
  tellProblem,
  Time,
  useAct,
  useWrong,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/settings.ts'
import { Secret } from './secret.tsx'

type User = Answer<'get', '/api/users'>['users'][number]

export default function Accounts() {
  return (
    <div className="flex flex-col gap-5">
      <Users />
      <Workspaces />
    </div>
  )
}

const linkOf = (token: string) => `${location.origin}/sign-in?token=${encodeURIComponent(token)}`

function Users() {
  const me = useMe()
  const [asked, again] = useAsked('/api/users', {})
  const [adding, setAdding] = useState(false)
  const [link, setLink] = useState<string>()
  const [closing, setClosing] = useState<User>()
  const makeLink = (id: number) =>
    void ask('post', '/api/users/{id}/link', { path: { id } }).then(({ token }) => setLink(linkOf(token)), tellProblem)
  const disable = (id: number, disabled: boolean) =>
    void ask('put', '/api/users/{id}/disabled', { path: { id }, body: { disabled } }).then(
      () => askAgain('/api/users'),
      tellProblem,
    )
  const columns: readonly Column<User>[] = [
    {
      id: 'who',
      name: words.person,
      fixed: true,
      by: ({ email }) => email,
      cell: ({ name, email, operator, disabledAt }) => (
        <div className="max-w-[min(24rem,44vw)] py-0.5">
          <span className="font-medium">{name}</span> {operator ? <Badge tone="held">{words.operator}</Badge> : null}{' '}
          {disabledAt === null ? null : <Badge>{words.disabled}</Badge>}
          <p className="cut text-sm text-dim" title={email}>
            {email}
          </p>
        </div>
      ),
    },
    {
      id: 'since',
      name: words.since,
      wide: true,
      right: true,
      by: ({ createdAt }) => createdAt,
      cell: ({ createdAt }) => <Time at={createdAt} />,
    },
    {
      id: 'do',
      name: '',
      fixed: true,
      right: true,
      cell: (user) => (
        <span className="inline-flex flex-wrap justify-end gap-1.5">
          {user.disabledAt === null ? (
            <Button size="small" onClick={() => makeLink(user.id)}>
              {words.makeLink}
            </Button>
          ) : null}
          {user.id === me.user?.id ? null : user.disabledAt === null ? (
            <Button size="small" look="danger" onClick={() => setClosing(user)}>
              {words.closeAccount}
            </Button>
          ) : (
            <Button size="small" onClick={() => disable(user.id, false)}>
              {words.openAccount}
            </Button>
          )}
        </span>
      ),
    },
  ]
  return (
    <Card
      title={words.accounts}
      flush
      actions={
        <Button size="small" look="primary" icon={UserPlus} onClick={() => setAdding(true)}>
          {words.addUser}
        </Button>
      }
    >
      <States of={asked} again={again}>
        {({ users }) => (
          <Table name="accounts" label={words.accounts} columns={columns} rows={users} idOf={({ id }) => id} />
        )}
      </States>
      {adding ? (
        <Add
          onClose={() => setAdding(false)}
          onMade={(token) => {
            setAdding(false)
            setLink(linkOf(token))
            askAgain('/api/users')
          }}
        />
      ) : null}
      {link === undefined ? null : (
        <Secret title={words.link} lead={words.linkLead} text={link} onClose={() => setLink(undefined)} />
      )}
      <ConfirmDialog
        open={closing !== undefined}
        onClose={() => setClosing(undefined)}
        title={words.closeAsk(closing?.name ?? '')}
        lead={words.closeLead}
        confirm={words.closeAccount}
        onConfirm={() => disable(closing?.id ?? 0, true)}
      />
    </Card>
  )
}

function Add({ onClose, onMade }: { onClose: () => void; onMade: (token: string) => void }) {
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const [operator, setOperator] = useState(false)
  const [wrong, caught] = useWrong('email', 'name')
  const [busy, act] = useAct(caught)
  const add = () =>
    act(async () => {
      caught()
      const { id } = await ask('post', '/api/users', {
        body: { email, operator, ...(name.trim() === '' ? {} : { name }) },
      })
      const { token } = await ask('post', '/api/users/{id}/link', { path: { id } })
      onMade(token)
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.addUser}
      lead={words.inviteLead}
      actions={
        <Button look="primary" busy={busy} disabled={email.trim() === ''} onClick={add}>
          {words.addUser}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={words.email} problem={wrong.email}>
          <Input type="email" value={email} onChange={setEmail} autoFocus />
        </Field>
        <Field label={words.name} problem={wrong.name}>
          <Input value={name} onChange={setName} maxLength={100} />
        </Field>
        <Switch label={words.operatorMeans} checked={operator} onChange={setOperator} />
      </div>
    </Dialog>
  )
}

function Workspaces() {
  const [asked, again] = useAsked('/api/workspaces', {})
  const [name, setName] = useState('')
  const [busy, act] = useAct()
  const add = () =>
    act(async () => {
      await ask('post', '/api/workspaces', { body: { name } })
      askAgain('/api/workspaces', '/api/me')
      setName('')
      tell(words.saved)
    })
  return (
    <Card title={words.workspaces} flush>
      <States of={asked} again={again}>
        {({ workspaces }) => (
          <ul>
            {workspaces.map(({ id, name: called, role }) => (
              <li key={id} className="flex items-center justify-between gap-3 border-b border-line px-4 py-2.5">
                <span>
                  {called} <span className="text-faint">#{id}</span>
                </span>
                {role === null ? null : <Badge>{words.roles[role]}</Badge>}
              </li>
            ))}
          </ul>
        )}
      </States>
      <form
        className="flex flex-wrap items-end gap-3 p-4"
        onSubmit={(event) => {
          event.preventDefault()
          add()
        }}
      >
        <Field label={words.newWorkspace}>
          <Input value={name} onChange={setName} maxLength={100} required />
        </Field>
        <Button type="submit" busy={busy} disabled={name.trim() === ''}>
          {words.addWorkspace}
        </Button>
      </form>
    </Card>
  )
}
