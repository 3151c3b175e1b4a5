/** Who is who in an organisation: said by its administrators, kept with who said it. */
import { useState } from 'react'
import { ask, type Answer } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Dialog,
  Field,
  Input,
  Page,
  Select,
  States,
  Table,
  tellProblem,
  Time,
  useAct,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/diagnosis.ts'
import { short } from './parts.tsx'

type Person = Answer<'get', '/api/diagnosis/organisations/{id}/people'>['items'][number]
const ROLES = (['clinician', 'patient', 'admin'] as const).map((value) => ({ value, label: words.roles[value] }))

export default function People() {
  const [asked, again] = useAsked('/api/diagnosis/organisations', {})
  return (
    <Page title={words.people} above={[[words.title, '/diagnosis']]} lead={words.appointLead}>
      <States of={asked} again={again}>
        {({ items }) =>
          items.filter(({ administers }) => administers).map(({ id, name }) => <House key={id} id={id} name={name} />)
        }
      </States>
    </Page>
  )
}

function House({ id, name }: { id: string; name: string }) {
  const [asked, again] = useAsked('/api/diagnosis/organisations/{id}/people', { path: { id } })
  const [told] = useAsked('/api/diagnosis/organisations/{id}/appointments', { path: { id }, query: { limit: 20 } })
  const [adding, setAdding] = useState(false)
  const [dismissing, setDismissing] = useState<Person>()
  const refresh = () => askAgain('/api/diagnosis/organisations')
  const dismiss = ({ subject, role }: Person) =>
    void ask('post', '/api/diagnosis/organisations/{id}/people/dismiss', {
      path: { id },
      body: { subject, role },
    }).then(refresh, tellProblem)
  const columns: readonly Column<Person>[] = [
    {
      id: 'subject',
      name: words.subject,
      fixed: true,
      by: ({ subject }) => subject,
      cell: ({ subject }) => (
        <span className="cut block max-w-xs font-medium" title={subject}>
          {subject}
        </span>
      ),
    },
    { id: 'role', name: words.role, fixed: true, cell: ({ role }) => <Badge>{words.roles[role]}</Badge> },
    {
      id: 'which',
      name: words.which,
      wide: true,
      cell: ({ clinician_id: clinician, patient_id: patient }) => (
        <span className="font-mono text-dim">{short(clinician ?? patient ?? '')}</span>
      ),
    },
    {
      id: 'do',
      name: '',
      fixed: true,
      right: true,
      cell: (person) => (
        <Button size="small" look="danger" onClick={() => setDismissing(person)}>
          {words.dismiss}
        </Button>
      ),
    },
  ]
  return (
    <Card
      title={name}
      flush
      actions={
        <Button size="small" look="primary" onClick={() => setAdding(true)}>
          {words.appoint}
        </Button>
      }
    >
      <States of={asked} again={again}>
        {({ items }) => (
          <Table name="who" label={words.people} columns={columns} rows={items} idOf={(one) => items.indexOf(one)} />
        )}
      </States>
      <ul className="border-t border-line py-1.5 text-sm text-dim">
        {told.data?.items.map(({ id: n, action, subject, role, by, at }) => (
          <li key={n} className="px-4 py-0.5">
            {subject}: {action}, {words.roles[role].toLowerCase()} · {by} · <Time at={at} />
          </li>
        ))}
      </ul>
      <ConfirmDialog
        open={dismissing !== undefined}
        onClose={() => setDismissing(undefined)}
        title={words.dismissAsk(dismissing?.subject ?? '')}
        lead={words.dismissLead}
        confirm={words.dismiss}
        onConfirm={() => dismissing === undefined || dismiss(dismissing)}
      />
      {adding ? <Appoint house={id} onClose={() => setAdding(false)} onDone={refresh} /> : null}
    </Card>
  )
}

function Appoint({ house, onClose, onDone }: { house: string; onClose: () => void; onDone: () => void }) {
  const [subject, setSubject] = useState('')
  const [role, setRole] = useState<Person['role']>('clinician')
  const [person, setPerson] = useState('')
  const [busy, act] = useAct()
  const save = () =>
    act(async () => {
      await ask('post', '/api/diagnosis/organisations/{id}/people', {
        path: { id: house },
        body: { subject: subject.trim(), role, ...(role === 'admin' ? {} : { person: person.trim() }) },
      })
      onDone()
      onClose()
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.appoint}
      lead={words.appointLead}
      actions={
        <Button look="primary" busy={busy} disabled={subject.trim() === ''} onClick={save}>
          {words.save}
        </Button>
      }
    >
      <div className="flex flex-col items-start gap-4">
        <Field label={words.subject} hint={words.subjectHint}>
          <Input value={subject} onChange={setSubject} maxLength={200} autoFocus />
        </Field>
        <Select label={words.role} value={role} of={ROLES} onChange={setRole} />
        {role === 'admin' ? null : (
          <Field label={words.which} hint={words.whichHint}>
            <Input value={person} onChange={setPerson} />
          </Field>
        )}
      </div>
    </Dialog>
  )
}
