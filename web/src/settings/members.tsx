/** Who is in the workspace, as what; and who was invited. */
import { UserPlus } from 'lucide-react'
import { useState } from 'react'
import { ask, type Answer } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useMe, workspaceOf } from '../shell/me.ts'
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Dialog,
  Field,
  Input,
  Select,
  States,
  Table,
  tellProblem,
  Time,
  useAct,
  useWrong,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/settings.ts'
import { Secret } from './secret.tsx'

type Member = Answer<'get', '/api/workspaces/{id}/members'>['members'][number]
type Role = Member['role']
const ROLES = ['admin', 'member', 'viewer'] as const
const CHOICES = ROLES.map((value) => ({ value, label: words.roles[value] }))

export default function Members() {
  const me = useMe()
  const id = workspaceOf(me)?.id ?? 0
  const [asked, again] = useAsked('/api/workspaces/{id}/members', { path: { id } })
  const [invited, invitedAgain] = useAsked('/api/workspaces/{id}/invitations', { path: { id } })
  const [inviting, setInviting] = useState(false)
  const [link, setLink] = useState<string>()
  const [removing, setRemoving] = useState<Member>()
  const refresh = () => askAgain('/api/workspaces')
  const setRole = (user: number, role: Role) =>
    void ask('put', '/api/workspaces/{id}/members/{user}', { path: { id, user }, body: { role } }).then(
      refresh,
      tellProblem,
    )
  const remove = (user: number) =>
    void ask('delete', '/api/workspaces/{id}/members/{user}', { path: { id, user } }).then(refresh, tellProblem)
  const withdraw = (invitation: number) =>
    void ask('delete', '/api/invitations/{id}', { path: { id: invitation } }).then(() => {
      refresh()
      void invitedAgain()
    }, tellProblem)
  const columns: readonly Column<Member>[] = [
    {
      id: 'who',
      name: words.person,
      fixed: true,
      by: ({ email }) => email,
      cell: ({ name, email, disabled }) => (
        <div className="max-w-[min(24rem,26vw)] py-0.5">
          <span className="font-medium">{name}</span> {disabled ? <Badge>{words.disabled}</Badge> : null}
          <p className="cut text-sm text-dim" title={email}>
            {email}
          </p>
        </div>
      ),
    },
    {
      id: 'role',
      name: words.role,
      fixed: true,
      cell: ({ user, role }) => (
        <Select label={words.role} value={role} of={CHOICES} onChange={(next) => setRole(user, next)} />
      ),
    },
    {
      id: 'do',
      name: '',
      fixed: true,
      right: true,
      cell: (member) => (
        <Button size="small" look="danger" onClick={() => setRemoving(member)}>
          {words.remove}
        </Button>
      ),
    },
  ]
  const waiting = invited.data?.invitations ?? []
  return (
    <div className="flex flex-col gap-5">
      <Card
        title={words.members}
        flush
        actions={
          <Button size="small" look="primary" icon={UserPlus} onClick={() => setInviting(true)}>
            {words.invite}
          </Button>
        }
      >
        <States of={asked} again={again}>
          {({ members }) => (
            <Table name="members" label={words.members} columns={columns} rows={members} idOf={({ user }) => user} />
          )}
        </States>
        <p className="border-t border-line px-4 py-2.5 text-sm text-dim">{words.rolesMean}</p>
      </Card>
      {waiting.length === 0 ? null : (
        <Card title={words.invitations} flush>
          <ul>
            {waiting.map(({ id: invitation, email, role, expiresAt }) => (
              <li
                key={invitation}
                className="flex flex-wrap items-center gap-3 border-b border-line px-4 py-2.5 last:border-b-0"
              >
                <span className="cut min-w-0 flex-1" title={email}>
                  {email}
                </span>
                <Badge>{words.roles[role]}</Badge>
                <span className="text-sm text-dim">
                  {words.expires} <Time at={expiresAt} />
                </span>
                <Button size="small" onClick={() => withdraw(invitation)}>
                  {words.withdraw}
                </Button>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {inviting ? (
        <Invite
          workspace={id}
          onClose={() => setInviting(false)}
          onMade={(token) => {
            setInviting(false)
            setLink(`${location.origin}/sign-in?token=${encodeURIComponent(token)}`)
            refresh()
          }}
        />
      ) : null}
      {link === undefined ? null : (
        <Secret title={words.link} lead={words.linkLead} text={link} onClose={() => setLink(undefined)} />
      )}
      <ConfirmDialog
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={words.removeAsk(removing?.name ?? '')}
        lead={words.removeLead}
        confirm={words.remove}
        onConfirm={() => remove(removing?.user ?? 0)}
      />
    </div>
  )
}

function Invite({
  workspace,
  onClose,
  onMade,
}: {
  workspace: number
  onClose: () => void
  onMade: (token: string) => void
}) {
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('member')
  const [wrong, caught] = useWrong('email')
  const [busy, act] = useAct(caught)
  const invite = () =>
    act(async () => {
      caught()
      const { token } = await ask('post', '/api/workspaces/{id}/invitations', {
        path: { id: workspace },
        body: { email, role },
      })
      onMade(token)
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.inviteTitle}
      lead={words.inviteLead}
      actions={
        <Button look="primary" busy={busy} disabled={email.trim() === ''} onClick={invite}>
          {words.invite}
        </Button>
      }
    >
      <div className="flex flex-col items-start gap-4">
        <div className="w-full">
          <Field label={words.email} problem={wrong.email}>
            <Input type="email" value={email} onChange={setEmail} autoFocus />
          </Field>
        </div>
        <Select label={words.role} value={role} of={CHOICES} onChange={setRole} />
      </div>
    </Dialog>
  )
}
