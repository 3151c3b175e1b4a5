/** Oneself: name, password, and where one is signed in. */
import { useState } from 'react'
import { ask, type Answer } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useMe } from '../shell/me.ts'
import {
  Badge,
  Button,
  Card,
  Facts,
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

export default function Profile() {
  const me = useMe()
  if (me.user === null) return <p className="text-dim">{words.noAccount.replace('{sub}', me.sub)}</p>
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <You name={me.user.name} email={me.user.email} />
      <Password />
      <div className="lg:col-span-2">
        <Sessions />
      </div>
    </div>
  )
}

function You({ name, email }: { name: string; email: string }) {
  const me = useMe()
  const [next, setNext] = useState(name)
  const [busy, act] = useAct()
  const save = () =>
    act(async () => {
      await ask('put', '/api/me', { body: { name: next } })
      askAgain('/api/me')
      tell(words.saved)
    })
  return (
    <Card title={words.you}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          save()
        }}
      >
        <Field label={words.name}>
          <Input value={next} onChange={setNext} maxLength={100} autoComplete="name" required />
        </Field>
        <Facts
          of={[
            [words.email, email],
            ...me.workspaces.map(
              ({ name: called, role }) => [words.inWorkspace(called), role === null ? '—' : words.roles[role]] as const,
            ),
          ]}
        />
        <div>
          <Button type="submit" busy={busy} disabled={next.trim() === '' || next === name}>
            {words.save}
          </Button>
        </div>
      </form>
    </Card>
  )
}

function Password() {
  const [present, setPresent] = useState('')
  const [next, setNext] = useState('')
  const [busy, act] = useAct()
  const save = () =>
    act(async () => {
      await ask('put', '/api/me/password', { body: { next, ...(present === '' ? {} : { present }) } })
      setPresent('')
      setNext('')
      askAgain('/api/me/sessions')
      tell(words.passwordSet)
    })
  return (
    <Card title={words.password}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          save()
        }}
      >
        <Field label={words.present} hint={words.presentHint}>
          <Input type="password" autoComplete="current-password" value={present} onChange={setPresent} />
        </Field>
        <Field label={words.next} hint={words.nextHint}>
          <Input type="password" autoComplete="new-password" required value={next} onChange={setNext} />
        </Field>
        <div>
          <Button type="submit" busy={busy} disabled={next === ''}>
            {words.setPassword}
          </Button>
        </div>
      </form>
    </Card>
  )
}

type Session = Answer<'get', '/api/me/sessions'>['sessions'][number]

function Sessions() {
  const [asked, again] = useAsked('/api/me/sessions', {})
  const end = (id: number) =>
    void ask('delete', '/api/me/sessions/{id}', { path: { id } }).then(() => askAgain('/api/me/sessions'), tellProblem)
  const others = () =>
    void ask('delete', '/api/me/sessions', {}).then(({ ended }) => {
      askAgain('/api/me/sessions')
      tell(words.ended(ended))
    }, tellProblem)
  const columns: readonly Column<Session>[] = [
    {
      id: 'agent',
      name: words.agent,
      fixed: true,
      cell: ({ agent, current }) => (
        <span className="flex max-w-lg items-center gap-2">
          <span className="cut" title={agent}>
            {agent === '' ? '—' : agent}
          </span>
          {current ? <Badge tone="good">{words.thisOne}</Badge> : null}
        </span>
      ),
    },
    { id: 'at', name: words.signedIn, wide: true, right: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
    { id: 'seen', name: words.seen, right: true, cell: ({ seenAt }) => <Time at={seenAt} /> },
    {
      id: 'do',
      name: '',
      fixed: true,
      right: true,
      cell: ({ id, current }) =>
        current ? null : (
          <Button size="small" onClick={() => end(id)}>
            {words.end}
          </Button>
        ),
    },
  ]
  return (
    <Card
      title={words.sessions}
      flush
      actions={
        <Button size="small" onClick={others}>
          {words.endOthers}
        </Button>
      }
    >
      <States of={asked} again={again}>
        {({ sessions }) => (
          <Table name="sessions" label={words.sessions} columns={columns} rows={sessions} idOf={({ id }) => id} />
        )}
      </States>
    </Card>
  )
}
